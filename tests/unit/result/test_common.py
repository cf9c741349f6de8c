# SPDX-License-Identifier: GPL-2.0-or-later
"""What answers have in common: findings and their kinds."""

from klp_debug.result.common import Finding, FindingKind, kinds_in


def kind(name: str) -> FindingKind:
    return FindingKind(
        id=name, severity="error", meaning="It means.", shows="It shows.", action="Do it."
    )


def test_a_module_has_its_kinds_in_the_order_of_its_lines() -> None:
    second, first = kind("second"), kind("first")
    namespace = {"__name__": "m", "B": second, "A": first, "FindingKind": FindingKind, "n": 1}
    assert kinds_in(namespace) == (second, first)


def test_a_finding_has_the_texts_of_its_kind() -> None:
    assert kind("some-kind").on("f+0x4", "its bytes") == Finding(
        id="some-kind",
        severity="error",
        subject="f+0x4",
        evidence="its bytes",
        meaning="It means.",
        action="Do it.",
    )
