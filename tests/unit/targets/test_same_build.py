# SPDX-License-Identifier: GPL-2.0-or-later
"""A vmlinux is compared with what the target's memory says of itself."""

import struct
from pathlib import Path

import pytest

from klp_debug.errors import TargetError
from klp_debug.targets.same_build import banner_of, check_same_build, release_of
from tests.support.fake_kernel import BareKernel
from tests.support.made_object import ALLOC, ET_EXEC, NOBITS, MadeObject

BANNER = b"Linux version 4.18.0-147.el8.ppc64le (mockbuild@host) (gcc version 8.3.1) #1 SMP Thu\n"
OTHER = BANNER.replace(b"Thu", b"Fri")
ID, OTHER_ID = "0123456789abcdef0123456789abcdef01234567", "f" * 40
FORMAT = b"%s version %s (mockbuild@host) %s\n\0Linux version %s\n\0"


def vmlinux(folder: Path, banner: bytes | None = BANNER) -> Path:
    made = MadeObject(kind=ET_EXEC)
    made.section(".text", b"\0" * 64, ALLOC)
    if banner is None:
        made.section(".rodata", b"", ALLOC, NOBITS)
    else:
        made.section(".rodata", FORMAT + banner + b"\0", ALLOC)
    return made.write(folder / "vmlinux")


def running(banner: bytes | None = BANNER, build_id: str | None = ID) -> BareKernel:
    """Return a kernel with those in its memory."""
    kernel = BareKernel()
    if banner is not None:
        at = kernel.allocate(512)
        kernel.memory.write(at, banner + b"\0")
        kernel.symbol("linux_banner", at)
    if build_id is not None:
        linux = struct.pack("<III", 6, 4, 0x101) + b"Linux\0\0\0" + bytes(4)
        gnu = struct.pack("<III", 4, 20, 3) + b"GNU\0" + bytes.fromhex(build_id)
        at = kernel.allocate(512)
        kernel.memory.write(at, linux + gnu)
        kernel.symbol("__start_notes", at)
        kernel.symbol("__stop_notes", at + len(linux + gnu))
    return kernel


def test_the_banner_of_a_file(tmp_path: Path) -> None:
    banner = banner_of(vmlinux(tmp_path))
    assert banner == BANNER
    assert release_of(banner) == "4.18.0-147.el8.ppc64le"


def test_a_file_without_its_data(tmp_path: Path) -> None:
    assert banner_of(vmlinux(tmp_path, None)) is None
    assert banner_of(tmp_path / "nosuch") is None
    (tmp_path / "text").write_text("no ELF")
    assert banner_of(tmp_path / "text") is None
    assert release_of(b"") == ""


def test_the_build_id_decides(tmp_path: Path) -> None:
    path = vmlinux(tmp_path)
    check_same_build(running().prog, path, ID)
    check_same_build(running(OTHER).prog, path, ID)
    with pytest.raises(TargetError) as caught:
        check_same_build(running(BANNER, OTHER_ID).prog, path, ID)
    assert str(caught.value) == (
        f"{path} is of another build: its build id is {ID}, the target's is {OTHER_ID}"
    )


@pytest.mark.parametrize(("running_id", "file_id"), [(None, ID), (ID, None)])
def test_without_one_the_banner_does(
    tmp_path: Path, running_id: str | None, file_id: str | None
) -> None:
    path = vmlinux(tmp_path)
    check_same_build(running(BANNER, running_id).prog, path, file_id)
    with pytest.raises(TargetError, match=r"its banner is 'Linux.* Thu', .* is 'Linux.* Fri'$"):
        check_same_build(running(OTHER, running_id).prog, path, file_id)


def test_notes_that_the_dump_lacks(tmp_path: Path) -> None:
    kernel = running(OTHER, OTHER_ID)
    kernel.memory.lose(kernel.address("__start_notes"))
    with pytest.raises(TargetError, match="the target's is 'Linux version"):
        check_same_build(kernel.prog, vmlinux(tmp_path), ID)


def test_nothing_to_compare(tmp_path: Path) -> None:
    check_same_build(running(None, None).prog, vmlinux(tmp_path), ID)
    check_same_build(running(OTHER, None).prog, vmlinux(tmp_path, None), ID)


@pytest.mark.parametrize("size", [0, 1 << 40])
def test_notes_that_have_no_sensible_end(tmp_path: Path, size: int) -> None:
    kernel = running(BANNER, OTHER_ID)
    kernel.symbol("__stop_notes", kernel.address("__start_notes") + size)
    check_same_build(kernel.prog, vmlinux(tmp_path), ID)


@pytest.mark.parametrize("data", [bytes(64), b"\xff" * 64, b"\x1b\0\0\0" * 16])
def test_neither_is_where_the_file_has_it(tmp_path: Path, data: bytes) -> None:
    """Another build has something else at its addresses."""
    kernel = running(None, OTHER_ID)
    kernel.memory.write(kernel.address("__start_notes"), data)
    with pytest.raises(TargetError, match=r"the target.s is not where this vmlinux has it$"):
        check_same_build(kernel.prog, vmlinux(tmp_path), ID)
    kernel.symbol("linux_banner", kernel.address("__start_notes"))
    with pytest.raises(TargetError) as caught:
        check_same_build(kernel.prog, vmlinux(tmp_path), None)
    assert str(caught.value).endswith("the target's is not where this vmlinux has it")
    assert str(caught.value).isprintable()
