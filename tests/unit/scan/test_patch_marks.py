# SPDX-License-Identifier: GPL-2.0-or-later
"""A live patch says that it is one; data that only looks like a klp_patch does not make one."""

from pathlib import Path

import pytest

from klp_debug.elf.object_file import ObjectFile
from klp_debug.scan.modinfo import modinfo_of
from klp_debug.scan.patch_marks import (
    is_live_patch,
    is_module,
    is_of_kpatch,
    klp_build_section,
)
from tests.support.made_object import ADDR64, LIVEPATCH, NOTYPE, UNDEF, MadeObject
from tests.support.made_patch import made_patch, modinfo


def read(folder: Path, made: MadeObject) -> ObjectFile:
    return ObjectFile(made.write(folder / "m.ko"))


def says_so(folder: Path, made: MadeObject) -> bool:
    obj = read(folder, made)
    return is_live_patch(obj, modinfo_of(obj))


def module() -> MadeObject:
    made = MadeObject()
    made.section(".gnu.linkonce.this_module", bytes(64))
    return made


def test_an_ordinary_module_does_not(tmp_path: Path) -> None:
    made = module()
    made.section(".modinfo", modinfo("name=m", "livepatch=N"))
    made.symbol("_printk", UNDEF, kind=NOTYPE)
    assert not says_so(tmp_path, made)
    assert is_module(read(tmp_path, made))


def test_by_its_modinfo(tmp_path: Path) -> None:
    made = MadeObject()
    made.section(".modinfo", modinfo("livepatch=Y"))
    assert says_so(tmp_path, made)


def test_by_relocations_for_livepatch(tmp_path: Path) -> None:
    made = module()
    data = made.section(".data", bytes(8))
    symbol = made.symbol(".klp.sym.ext4.f,0", LIVEPATCH, kind=NOTYPE)
    made.relocate(data, 0, ADDR64, symbol, klp="ext4")
    assert says_so(tmp_path, made)


@pytest.mark.parametrize("name", [".init.klp_objects", "__klp_objects"])
def test_by_the_objects_of_klp_build_also_of_an_object_that_is_no_module(
    tmp_path: Path, name: str
) -> None:
    made = MadeObject()
    made.section(name, bytes(64))
    assert says_so(tmp_path, made)
    obj = read(tmp_path, made)
    assert klp_build_section(obj) == obj.named_section(name)
    assert not is_module(obj)


def test_by_the_rows_of_kpatch_build_also_of_an_object_that_is_no_module(tmp_path: Path) -> None:
    made = MadeObject()
    made.section(".kpatch.funcs", bytes(56))
    assert says_so(tmp_path, made)
    obj = read(tmp_path, made)
    assert is_of_kpatch(obj)
    assert not is_module(obj)


@pytest.mark.parametrize("name", ["klp_enable_patch", "klp_register_patch"])
def test_by_its_call_of_livepatch(tmp_path: Path, name: str) -> None:
    made = module()
    made.symbol(name, UNDEF, kind=NOTYPE)
    assert says_so(tmp_path, made)


def test_who_defines_the_function_is_no_patch(tmp_path: Path) -> None:
    made = module()
    made.symbol("klp_enable_patch", made.text(".text", 0x4E800020), 0, 4)
    assert not says_so(tmp_path, made)


def test_the_object_of_one_unit_is_none_yet(tmp_path: Path) -> None:
    made = MadeObject()
    made.symbol("klp_enable_patch", UNDEF, kind=NOTYPE)
    assert not says_so(tmp_path, made)


def test_a_patch_of_c_that_is_not_marked(tmp_path: Path) -> None:
    assert says_so(tmp_path, made_patch(info=("name=p",)))
