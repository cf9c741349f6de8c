# SPDX-License-Identifier: GPL-2.0-or-later
"""
``scan`` of an object that has what objtool's "klp diff" makes, compiled from C.

The structures are declared here, after include/linux/livepatch_external.h of v7.2: klp-build itself
makes nothing for powerpc.
"""

import subprocess
from pathlib import Path

import pytest

from tests.support.scanned import scan_json

pytestmark = pytest.mark.lab

CROSS = "powerpc64le-linux-gnu-"
FLAGS = ("-c", "-O2", "-mcpu=power8", "-mabi=elfv2", "-pg", "-mprofile-kernel")
SOURCE = """
struct klp_callbacks { void *pre_patch, *post_patch, *pre_unpatch, *post_unpatch; _Bool enabled; };
struct klp_func_ext { const char *old_name; void *new_func; unsigned long sympos; };
struct klp_object_ext {
    const char *name; struct klp_func_ext *funcs; struct klp_callbacks callbacks;
    unsigned int nr_funcs;
};
static int first(int a) { return a + 1; }
static int second(int a) { return a + 2; }
static int third(int a) { return a + 3; }
#define IN(name) __attribute__((section(name), used))
static struct klp_func_ext funcs[] IN(".init.klp_funcs") = {
    { "int_to_scsilun", first, 0 },
    { "scsilun_to_int", second, 2 },
    { "cmdline_proc_show", third, 0 },
};
static struct klp_object_ext objects[] IN(".init.klp_objects") = {
    { "scsi_common", funcs, {}, 2 },
    { 0, funcs + 2, {}, 1 },
};
static char info[] IN(".modinfo") = "livepatch=Y\\0name=fix";
"""


def test_its_objects_and_functions_are_found(tmp_path: Path) -> None:
    source = tmp_path / "fix.c"
    source.write_text(SOURCE)
    module = tmp_path / "fix.ko"
    subprocess.run([f"{CROSS}gcc", *FLAGS, str(source), "-o", str(module)], check=True)
    (file,) = scan_json(module)["files"]
    found = [
        (one["object"], one["old_name"], one["sympos"], one["replacement"]["name"])
        for one in file["patch"]
    ]
    assert found == [
        ("scsi_common", "int_to_scsilun", 0, "first"),
        ("scsi_common", "scsilun_to_int", 2, "second"),
        ("vmlinux", "cmdline_proc_show", 0, "third"),
    ]
