# SPDX-License-Identifier: GPL-2.0-or-later
"""vmlinux and modules: finding the files, and refusing those of another build."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from drgn import MainModule, Program
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection

from klp_debug.errors import TargetError
from klp_debug.targets.interrupts import none_lost
from klp_debug.targets.same_build import banner_of, check_same_build, release_of
from klp_debug.targets.vmcoreinfo import Vmcoreinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolFile:
    """An ELF file with symbols."""

    path: Path
    build_id: str | None
    has_dwarf: bool
    is_module: bool


def symbol_files(paths: Iterable[Path]) -> Iterator[SymbolFile]:
    """
    Yield the vmlinux and .ko files among the given files and in the given folders.

    Files of a folder that are something else are passed over; a file given by name is not.

    :raises TargetError: if a path does not exist, cannot be read, or a named file is no
        ppc64le kernel or module
    """
    for path in paths:
        if path.is_dir():
            for child in sorted(path.rglob("*")):
                if child.is_file() and (child.suffix == ".ko" or child.name.startswith("vmlinux")):
                    try:
                        yield read_symbol_file(child)
                    except TargetError:
                        continue
        else:
            yield read_symbol_file(path)


def read_symbol_file(path: Path) -> SymbolFile:
    """
    Look at one vmlinux or .ko.

    :raises TargetError: if it cannot be read or is neither
    """
    try:
        with path.open("rb") as file:
            elf = ELFFile(file)
            header = elf.header
            if header["e_machine"] != "EM_PPC64" or not elf.little_endian:
                raise TargetError(f"{path} is no ppc64le kernel or module")
            if header["e_type"] not in ("ET_EXEC", "ET_DYN", "ET_REL"):
                raise TargetError(f"{path} is neither a vmlinux nor a module")
            return SymbolFile(
                path=path,
                build_id=_build_id(elf),
                has_dwarf=elf.get_section_by_name(".debug_info") is not None,
                is_module=header["e_type"] == "ET_REL",
            )
    except FileNotFoundError:
        raise TargetError(f"{path}: no such file") from None
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
    except (ELFError, ValueError, KeyError) as error:
        raise TargetError(f"{path} is no usable ELF file ({error})") from None


def _build_id(elf: ELFFile) -> str | None:
    for section in elf.iter_sections("SHT_NOTE"):
        for note in section.iter_notes() if isinstance(section, NoteSection) else ():
            if note["n_type"] == "NT_GNU_BUILD_ID":
                return str(note["n_desc"])
    return None


def choose_vmlinux(
    files: Iterable[SymbolFile], build_id: str | None, release: str
) -> SymbolFile | None:
    """
    Return the vmlinux of the given build, with DWARF; None if there is no vmlinux at all.

    :param build_id: what the target says it runs, or None if it does not tell
    :param release: ``uname -r`` of the target, by which the file is chosen then
    :raises TargetError: if there are only ones of another build, or without DWARF
    """
    candidates = [file for file in files if not file.is_module]
    if not candidates:
        return None
    if build_id is None:
        matching = [file for file in candidates if _release(file) in ("", release)]
    else:
        matching = [file for file in candidates if build_id == file.build_id]
    if not matching:
        other = candidates[0]
        if _release(other) not in ("", release):
            raise TargetError(
                f"{other.path} is of kernel {_release(other)}, the target runs {release}"
            )
        raise TargetError(
            f"{other.path} is of another build: its build id is"
            f" {other.build_id or 'missing'}, the target's is {build_id}"
        )
    with_dwarf = [file for file in matching if file.has_dwarf]
    if not with_dwarf:
        raise TargetError(
            f"{matching[0].path} has no DWARF debugging information"
            " (stripped, or built without CONFIG_DEBUG_INFO)"
        )
    return with_dwarf[0]


def _release(file: SymbolFile) -> str:
    """Return the release of a vmlinux; an empty string if the file does not tell."""
    return release_of(banner_of(file.path) or b"")


@dataclass(frozen=True, slots=True)
class DebugInfo:
    """Where the debugging information of a kernel and its modules is looked for."""

    files: tuple[SymbolFile, ...]
    directory: Path | None = None
    """A folder with vmlinux and modules, searched before the places where drgn looks itself."""

    def load_vmlinux(self, prog: Program, vmcoreinfo: Vmcoreinfo) -> None:
        """
        Load the kernel's: from a file, else from where drgn looks.

        :param vmcoreinfo: what the target says it runs
        :raises TargetError: if there is none, or only of another build
        """
        build_id = vmcoreinfo.build_id
        vmlinux = choose_vmlinux(self.files, build_id, vmcoreinfo.release)
        if self.directory is not None:
            prog.debug_info_options.kernel_directories = (str(self.directory), "")
        # Not Program.load_debug_info(): it looks at the loaded modules too, which cannot be read
        # before vmlinux's variables say how vmalloc memory is mapped.
        main, _ = next(iter(prog.loaded_modules()))
        if vmlinux is not None:
            main.try_file(vmlinux.path)
        else:
            prog.load_module_debug_info(main)
        if main.wants_debug_file():
            release = prog["UTS_RELEASE"].string_().decode("ascii", "replace")
            raise TargetError(
                f"no debugging information for the target's kernel {release}:"
                " name its vmlinux by --symbols"
            )
        if build_id is None and main.debug_file_path is not None:
            file = vmlinux or read_symbol_file(Path(main.debug_file_path))
            check_same_build(prog, file.path, file.build_id)

    def load_modules(self, prog: Program) -> None:
        """
        Load that of the loaded modules, as far as there are files of theirs.

        A module without one is no error: its symbols are in the kernel's memory.

        :raises drgn.FaultError: if the kernel's list of modules cannot be read
        :raises MemoryError: if drgn took a size there for more than there is memory
        """
        by_name = {file.path.stem.replace("-", "_"): file for file in self.files if file.is_module}
        with none_lost():
            loaded = [module for module, _ in prog.loaded_modules()]
        for module in loaded:
            file = by_name.get(module.name)
            if file is not None and not isinstance(module, MainModule):
                module.try_file(file.path)
        if self.directory is not None:
            prog.find_standard_debug_info(module for module in loaded if module.wants_debug_file())
