# SPDX-License-Identifier: GPL-2.0-or-later
"""Who has no vmlinux is told where it was looked for, and which package has it."""

from pathlib import Path

import pytest
from drgn import Program

from klp_debug.targets.no_vmlinux import no_vmlinux, package_of
from klp_debug.targets.vmcoreinfo import Vmcoreinfo

ID = "682a98bbf36fb10148d36adabf5d22ed6e5e3139"


@pytest.mark.parametrize(
    ("release", "package"),
    [
        ("4.18.0-147.el8.ppc64le", "kernel-debuginfo-4.18.0-147.el8.ppc64le"),
        ("5.14.0-427.13.1.el9_4.ppc64le", "kernel-debuginfo-5.14.0-427.13.1.el9_4.ppc64le"),
        ("6.5.6-300.fc39.ppc64le", "kernel-debuginfo-6.5.6-300.fc39.ppc64le"),
        ("5.10.0-28-powerpc64le", "linux-image-5.10.0-28-powerpc64le-dbg"),
        ("6.12.86+deb13-powerpc64le", "linux-image-6.12.86+deb13-powerpc64le-dbg"),
        ("6.4.0-150600.21-default", "kernel-default-debuginfo"),
        ("5.15.0-91-generic", "linux-image-unsigned-5.15.0-91-generic-dbgsym"),
        ("6.1.176", None),
        ("6.1.0; rm\n.el8.ppc64le", None),
        ("", None),
    ],
)
def test_the_package_by_the_release(release: str, package: str | None) -> None:
    assert package_of(release) == package


def message(
    folders: list[Path], kernels: list[str], debug: list[Path], text: str, given: list[Path]
) -> str:
    prog = Program()
    prog.debug_info_options.kernel_directories = (*map(str, folders), *kernels)
    prog.debug_info_options.directories = tuple(map(str, debug))
    return str(no_vmlinux(prog, Vmcoreinfo(text), given))


def test_the_folders_that_are_there(tmp_path: Path) -> None:
    given, kernels, debug = (tmp_path / name for name in ("given", "kernels", "debug"))
    for folder in (given, kernels, debug):
        folder.mkdir()
    text = f"OSRELEASE=4.18.0-147.el8.ppc64le\nBUILD-ID={ID}\n"
    nowhere = tmp_path / "nowhere"
    assert message([kernels, nowhere], [], [debug, nowhere], text, [given, debug]) == (
        "no debugging information for the target's kernel 4.18.0-147.el8.ppc64le: name its vmlinux"
        f" by --symbols; looked in {given}, {debug}, {kernels} for build id {ID};"
        " package kernel-debuginfo-4.18.0-147.el8.ppc64le or debuginfod has it"
    )


def test_a_kernel_of_no_distribution_and_no_folder(tmp_path: Path) -> None:
    told = message([], [], [tmp_path / "nowhere"], "OSRELEASE=6.1.176\n", [])
    assert told == (
        "no debugging information for the target's kernel 6.1.176: name its vmlinux by --symbols;"
        " no folder that may have it is here; its package of debugging information has it,"
        " or the folder that it was built in, or debuginfod"
    )


@pytest.mark.skipif(not Path("/boot").is_dir(), reason="this machine has no /boot")
def test_the_usual_folder_of_kernels(tmp_path: Path) -> None:
    text = "OSRELEASE=6.1.176\n"
    assert f"looked in {tmp_path}, /boot;" in message([], [""], [tmp_path], text, [])
