# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's user land: an initramfs of Debian's ppc64el packages and our init."""

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from vmcores.errors import LabError, StepFailedError
from vmcores.host.archive import mirror
from vmcores.host.cache import entry, file_digests, key_of, log_path
from vmcores.host.stage import run_stage, stage

PACKAGES = ("busybox-static", "kexec-tools", "makedumpfile")
# Programs: where the packages have them (with or without the merged /usr) -> in the initramfs.
PROGRAMS = {"bin/busybox": "bin", "sbin/kexec": "sbin", "bin/makedumpfile": "bin"}
LIBRARIES = ("lib/powerpc64le-linux-gnu", "lib64")
LOADER = "ld64.so.2"
OURS = Path(__file__).parents[1] / "sources" / "initramfs"

COMMAND = (
    "mmdebstrap",
    "--variant=extract",
    "--mode={mode}",
    "--architectures=ppc64el",
    f"--include={','.join(PACKAGES)}",
    "{suite}",
    "{tree}",
    # The explicit line leaves the -security suite out: only the main one has all of ppc64el.
    "deb {mirror} {suite} main",
)
PACK = ("cpio", "--create", "--format=newc", "--owner=+0:+0", "--null", "--quiet", "--reproducible")


def build_initramfs(suite: str) -> tuple[str, Path]:
    """
    Return the key and the path of the initramfs (gzip), which serves the crash kernel too.

    Raises StepFailedError, and LabError if the host's apt has no SUITE or a package lacks a file.
    """
    key = key_of(suite, COMMAND, PACK, PROGRAMS, file_digests(OURS, Path(__file__)))

    def make(folder: Path) -> None:
        packages, tree = folder / "packages", folder / "tree"
        names = {
            "suite": suite,
            "tree": str(packages),
            "mirror": mirror(suite),
            "mode": "root" if os.geteuid() == 0 else "chrootless",
        }
        run_stage("userland: packages", [word.format(**names) for word in COMMAND], 10)
        _lay_out(packages, tree)
        with stage("userland: initramfs", 1):
            _pack(tree, folder / "initramfs.gz")
        (folder / "versions").write_text(_versions(packages))
        shutil.rmtree(packages)
        shutil.rmtree(tree)

    return key, entry("userland", suite, key, make) / "initramfs.gz"


def _find(packages: Path, name: str) -> Path:
    """Return the file NAME of the unpacked PACKAGES, below / or /usr."""
    for path in (packages / name, packages / "usr" / name):
        # Links of the unpacked tree that are absolute would point into the host.
        if path.is_file() and path.resolve().is_relative_to(packages.resolve()):
            return path.resolve()
    raise LabError(f"the guest's packages hold no {name}")


def needed_libraries(program: Path) -> list[str]:
    """Return the DT_NEEDED names of an ELF file; none if it is static."""
    with program.open("rb") as file:
        dynamic = ELFFile(file).get_section_by_name(".dynamic")
        if not isinstance(dynamic, DynamicSection):
            return []
        # pyelftools names that attribute only at run time.
        return [str(vars(tag)["needed"]) for tag in dynamic.iter_tags("DT_NEEDED")]


def _closure(packages: Path, programs: list[Path]) -> dict[str, Path]:
    """Return library name -> file of all that PROGRAMS need."""
    found: dict[str, Path] = {}
    waiting = [name for program in programs for name in needed_libraries(program)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _find(packages, f"{LIBRARIES[0]}/{name}")
            waiting += needed_libraries(found[name])
    return found


def _lay_out(packages: Path, tree: Path) -> None:
    for folder in ("bin", "sbin", *LIBRARIES):
        (tree / folder).mkdir(parents=True)
    programs = [_find(packages, name) for name in PROGRAMS]
    for program, folder in zip(programs, PROGRAMS.values(), strict=True):
        shutil.copy(program, tree / folder)
    libraries = _closure(packages, programs)
    libraries.setdefault(LOADER, _find(packages, f"{LIBRARIES[0]}/{LOADER}"))
    for name, library in libraries.items():
        shutil.copy(library, tree / LIBRARIES[0] / name)
    # The path of the loader that the ABI fixes.
    (tree / "lib64" / LOADER).symlink_to(f"/{LIBRARIES[0]}/{LOADER}")
    (tree / "bin" / "sh").symlink_to("busybox")
    shutil.copytree(OURS, tree, dirs_exist_ok=True)


def _pack(tree: Path, archive: Path) -> None:
    names = b"\0".join(os.fsencode(p.relative_to(tree)) for p in sorted(tree.rglob("*")))
    log = log_path("userland: initramfs")
    with log.open("wb") as errors:
        done = subprocess.run(
            PACK, cwd=tree, input=names, stdout=subprocess.PIPE, stderr=errors, check=False
        )
    if done.returncode:
        raise StepFailedError("userland: initramfs", done.returncode, log)
    archive.write_bytes(gzip.compress(done.stdout, compresslevel=1, mtime=0))


def _versions(packages: Path) -> str:
    """Return 'package version' lines of what was unpacked, by the packages' changelogs."""
    lines = []
    for package in PACKAGES:
        changelog = packages / "usr/share/doc" / package / "changelog.Debian.gz"
        if changelog.is_file():
            with gzip.open(changelog, "rt", errors="replace") as file:
                match = re.match(r"\S+ \((\S+)\)", file.readline())
            if match:
                lines.append(f"{package} {match[1]}\n")
    return "".join(lines)
