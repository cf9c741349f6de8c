# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel's log has of refused patches, as text."""

from klp_debug.render.terminal import escape
from klp_debug.render.unknown import unknown_line
from klp_debug.result.refusal import Refusal
from klp_debug.result.unknown import Unknown


def refusal_lines(refusals: tuple[Refusal | Unknown, ...]) -> list[str]:
    """Return each refusal with what it means; nothing if there was none."""
    if not refusals:
        return []
    return ["", "refused by the kernel", *(line for one in refusals for line in _refusal(one))]


def _refusal(refusal: Refusal | Unknown) -> list[str]:
    if isinstance(refusal, Unknown):
        return [f"    {unknown_line('whether the log has more', refusal)}"]
    lines = [
        f"    [{refusal.seconds:12.6f}] {escape(refusal.line)}",
        f"        means  {refusal.means}",
    ]
    if refusal.in_the_way is not None:
        lines.append(f"        has it {escape(refusal.in_the_way)}")
    return [*lines, f"        do     {refusal.do}"]
