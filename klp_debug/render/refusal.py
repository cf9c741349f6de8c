# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel's log has of refused patches, as text."""

from klp_debug.render.terminal import escape
from klp_debug.render.unknown import unknown_line
from klp_debug.result.refusal import Refusal
from klp_debug.result.unknown import Unknown, first_unknown, known


def refusal_lines(refusals: tuple[Refusal | Unknown, ...] | None) -> list[str]:
    """Return each refusal with what it means; nothing if there was none, or none was sought."""
    if refusals is None:
        return []
    found = [line for one in known(refusals) for line in _refusal(one)]
    unread = first_unknown(refusals)
    return [
        *(["", "refused by the kernel", *found] if found else []),
        *_more(unread),
    ]


def _more(unread: Unknown | None) -> list[str]:
    if unread is None:
        return []
    return ["", unknown_line("whether the kernel refused a patch", unread)]


def _refusal(refusal: Refusal) -> list[str]:
    lines = [
        f"    [{refusal.seconds:12.6f}] {escape(refusal.line)}",
        f"        means  {refusal.means}",
    ]
    if refusal.in_the_way is not None:
        lines.append(f"        has it {escape(refusal.in_the_way)}")
    return [*lines, f"        do     {refusal.do}"]
