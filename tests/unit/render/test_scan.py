# SPDX-License-Identifier: GPL-2.0-or-later
"""The text and the table of ``scan``; test_sarif.py has its SARIF log."""

import csv
import dataclasses
import io

import pytest

from klp_debug.render.as_csv import as_csv
from klp_debug.render.as_text import as_text
from klp_debug.result.audit import Offsets
from klp_debug.result.common import Problem
from klp_debug.result.scan import FunctionCounts
from tests.support.scans import ERROR, FUNCTIONS, MODULE, PATCH, WARNING, scan

MODULE_TEXT = """
scsi_common.ko: module
  dialect    mprofile-kernel (2 instructions)
  sites by   __mcount_loc
  compiler   GCC: (Debian 12.2.0-14) 12.2.0
  for        6.1.176 SMP mod_unload mprofile-kernel relocatable
  functions  9: 8 traceable (5 leaf without TOC, 3 with TOC), 1 notrace, 0 no site
  offset     is it a constant? no: +0x4 for 5 leaf functions without TOC, +0xc for 3 with TOC"""
PATCH_TEXT = """
a/leaf_patch.ko: livepatch
  dialect    mprofile-kernel (2 instructions)
  sites by   nothing: it has no list of sites
  compiler   does not say
  functions  2: 1 traceable (1 leaf without TOC, 0 with TOC), 0 notrace, 1 no site
             1 site in no function: weak ones that the linker dropped
  offset     is it a constant? yes: +0x4 for 1 leaf function without TOC

  OBJECT       FUNCTION        SITE                    REPLACEMENT
  scsi_common  int_to_scsilun  +0x4, leaf without TOC  patched_int_to_scsilun
  vmlinux      sched_clock,2   no site: notrace        -
  gone         f               unknown                 -"""


def test_a_module() -> None:
    text = "1 file scanned; no livepatch module among them\n" + MODULE_TEXT
    assert as_text(scan(MODULE)) == text


def test_functions() -> None:
    listed = dataclasses.replace(MODULE, functions=FUNCTIONS)
    assert as_text(scan(listed)).endswith("""

  ADDRESS           SECTION  SITE  KIND     FUNCTION
  0000000000000008  .text    +0xc  toc      f
  0000000000000080  .text    -     notrace  g,\\x1b""")


def test_code_without_toc_has_no_leaves() -> None:
    pcrel = dataclasses.replace(
        MODULE, pcrel=True, functions=FUNCTIONS[:1], offsets=MODULE.offsets[:1]
    )
    text = as_text(scan(pcrel))
    assert "  dialect    mprofile-kernel (2 instructions), no TOC (pcrel)\n" in text
    assert "  functions  9: 8 traceable, 1 notrace, 0 no site\n" in text
    assert "  offset     is it a constant? yes: +0x4 for 5 functions\n" in text
    assert text.endswith("  0000000000000008  .text    +0xc  traceable  f")


def test_large_numbers_can_be_read() -> None:
    counts = FunctionCounts(functions=19067, leaf=1729, toc=14267, notrace=798, no_site=2273)
    offsets = (Offsets(False, 4, 1729), Offsets(True, 12, 14267))
    text = as_text(scan(dataclasses.replace(MODULE, counts=counts, offsets=offsets)))
    assert (
        "  functions  19,067: 15,996 traceable (1,729 leaf without TOC, 14,267 with TOC),"
        " 798 notrace, 2,273 no site\n"
    ) in text
    assert text.endswith("no: +0x4 for 1,729 leaf functions without TOC, +0xc for 14,267 with TOC")


def test_hazards_come_first_and_the_worst_before_all() -> None:
    text = as_text(scan(PATCH, hazards=(WARNING, ERROR)))
    assert text == (
        """\
1 error, 1 warning in 1 file

error: original-without-site
    sched_clock,2 [vmlinux]  .text 0xc00000000000b000: notrace \\x1b[2J
    means  It has no site.
    do     Replace its callers.

warning: object-not-given
    gone  1 of its functions is to be replaced
    means  Not given.
    do     Give it.
"""
        + PATCH_TEXT
    )


def test_of_several_files_each_hazard_names_its_own() -> None:
    text = as_text(scan(MODULE, PATCH, hazards=(WARNING,)))
    assert text.startswith("1 warning in 2 files\n")
    assert "    a/leaf_patch.ko: gone  1 of its functions is to be replaced\n" in text


def test_accepted_hazards_are_only_counted() -> None:
    known = dataclasses.replace(ERROR, accepted=True)
    text = as_text(scan(PATCH, hazards=(known, WARNING)))
    assert text.startswith("1 warning in 1 file; 1 more accepted\n")
    assert "original-without-site" not in text
    text = as_text(scan(PATCH, hazards=(known,)))
    assert text.startswith("no new hazard in 1 file; 1 more accepted\n\na/leaf_patch.ko")


def test_a_clean_patch_and_what_was_passed_over() -> None:
    answer = scan(PATCH, skipped=2, problems=(Problem("x.ko", "x.ko is truncated"),))
    text = as_text(answer)
    assert text.startswith("no hazard in 1 file; 2 files not for ppc64le\n")
    assert text.endswith("\n\nproblems\n    x.ko: x.ko is truncated")


@pytest.mark.parametrize(
    ("fail_on", "accepted", "clean"),
    [
        ("note", False, False),
        ("warning", False, False),
        ("error", False, True),
        ("warning", True, True),
    ],
)
def test_what_counts(fail_on: str, accepted: bool, clean: bool) -> None:
    one = dataclasses.replace(WARNING, accepted=accepted)
    assert scan(PATCH, hazards=(one,), fail_on=fail_on).clean is clean


def test_csv() -> None:
    text = as_csv(scan(dataclasses.replace(MODULE, functions=FUNCTIONS)))
    assert list(csv.reader(io.StringIO(text))) == [
        ["file", "section", "function", "address", "size", "kind", "site", "dialect"],
        ["scsi_common.ko", ".text", "f", "0x0000000000000008", "120", "toc", "12",
         "mprofile-kernel (2 instructions)"],
        ["scsi_common.ko", ".text", "g,\\x1b", "0x0000000000000080", "4", "notrace", "", ""],
    ]  # fmt: skip
