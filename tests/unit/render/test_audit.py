# SPDX-License-Identifier: GPL-2.0-or-later
"""The text of ``audit``."""

import dataclasses

from klp_debug.render.as_text import as_text
from klp_debug.result.address import Address
from klp_debug.result.audit import Audit, Count, ListedSite, Offsets
from klp_debug.result.common import Problem
from klp_debug.result.unknown import AtLeast, Unknown
from tests.support.answers.audit import FINE, finding
from tests.support.answers.kernel import KERNEL
from tests.support.answers.with_text import HOSTILE, LONG, with_names
from tests.support.golden import Golden

UNREADABLE = Problem("f+0x4", "is gone")


def test_no_finding(golden: Golden) -> None:
    golden("audit", "ordinary", as_text(FINE))


def test_a_kernel_without_toc_is_not_said_to_be_all_leaves(golden: Golden) -> None:
    pcrel = dataclasses.replace(
        FINE,
        sites=19951,
        read=19951,
        without_symbol=0,
        dialects=(Count("out-of-line", 19951),),
        states=(Count("idle", 19951),),
        offsets=(Offsets(False, 0, 19951),),
        stubs=(),
    )
    golden("audit", "pcrel", as_text(pcrel))


def test_what_a_kind_means_is_said_once(golden: Golden) -> None:
    """And a hostile name is escaped, in a subject as in evidence."""
    answer = dataclasses.replace(
        FINE,
        findings=(
            finding("cmdline_proc_show+0xc", "0xc0000000003042dc holds 0x60000000 (idle)"),
            finding("ftrace", "ftrace_disabled is 1", "ftrace-disabled"),
            finding("f+0x4 [\x1b[2J]", "0xc0080000001401e4 holds \x07"),
        ),
    )
    golden("audit", "findings", as_text(answer))


def test_prose_is_folded_and_evidence_is_not() -> None:
    one = finding("f", "word " * 40 + "end")
    one = dataclasses.replace(one, meaning="eighteen letters. " * 8, action="x" * 120)
    text = as_text(dataclasses.replace(FINE, findings=(one,))).splitlines()
    start = text.index("error: site-record-mismatch")
    assert text[start + 1] == "    f  " + "word " * 40 + "end"
    # 11 of indent and 5 times 18 are 101, but the last blank need not fit.
    assert text[start + 2] == "    means  " + " ".join(["eighteen letters."] * 5)
    assert text[start + 3] == "           " + " ".join(["eighteen letters."] * 3)
    assert text[start + 4 : start + 6] == ["    do     " + "x" * 120, ""]


def test_unreadable_sites_and_problems(golden: Golden) -> None:
    answer = dataclasses.replace(
        FINE,
        read=AtLeast(15296, "f+0x4: is gone"),
        findings=(finding("f", "e"), Unknown("f+0x4: is gone")),
        problems=(UNREADABLE, Problem("x", "y")),
    )
    golden("audit", "problems", as_text(answer))


def test_nothing_could_be_read(golden: Golden) -> None:
    nothing = Audit(
        kernel=KERNEL,
        sites=AtLeast(0, "ftrace records: cannot be read"),
        read=AtLeast(0, "ftrace records: cannot be read"),
        without_symbol=0,
        dialects=(),
        states=(),
        offsets=(),
        stubs=(),
        findings=(Unknown("ftrace records: cannot be read"),),
        listing=None,
        problems=(Problem("ftrace records", "cannot be read"),),
    )
    golden("audit", "empty", as_text(nothing))


def site(address: int, **told: object) -> ListedSite:
    idle = ListedSite(
        address=Address(address),
        function=None,
        module=None,
        offset=None,
        dialect="mprofile-kernel (2 instructions)",
        state="idle",
        users=0,
        flags=(),
        letters="",
    )
    return dataclasses.replace(idle, **told)  # type: ignore[arg-type]


def test_listing(golden: Golden) -> None:
    answer = dataclasses.replace(
        FINE,
        listing=(
            site(0xC0000000003042DC, function="cmdline_proc_show", offset=12),
            site(0xC000000000400000),
            site(
                0xC0080000001401E4,
                function="int_to_scsilun",
                module="scsi_common",
                offset=4,
                state="armed",
                users=1,
                flags=("ENABLED", "IPMODIFY"),
                letters="I",
            ),
        ),
    )
    golden("audit", "listing", as_text(answer))


def test_hostile_names(golden: Golden) -> None:
    armed = site(0xC0080000001401E4, function="f", module="m", offset=4, flags=("ENABLED",))
    every = dataclasses.replace(FINE, findings=(finding("f", "e"),), listing=(armed,))
    golden("audit", "hostile-names", as_text(with_names(every, HOSTILE)))


def test_long_names(golden: Golden) -> None:
    answer = dataclasses.replace(
        FINE,
        findings=(finding(f"{LONG}+0x4 [{LONG}]", "0xc0000000003042dc holds 0x60000000 (idle)"),),
        listing=(site(0xC0080000001401E4, function=LONG, module=LONG, offset=4),),
    )
    golden("audit", "long-names", as_text(answer))
