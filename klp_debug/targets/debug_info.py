# SPDX-License-Identifier: GPL-2.0-or-later
"""vmlinux and modules: taking the target's files, and refusing those of another build."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from drgn import MainModule, Module, Program

from klp_debug.errors import TargetError
from klp_debug.result.common import Problem
from klp_debug.targets.given_symbols import GivenSymbols
from klp_debug.targets.interrupts import none_lost
from klp_debug.targets.no_vmlinux import no_vmlinux
from klp_debug.targets.same_build import banner_of, check_same_build, release_of
from klp_debug.targets.symbol_file import SymbolFile, read_symbol_file
from klp_debug.targets.unpacked_module import ModuleFiles, NoRoomError
from klp_debug.targets.vmcoreinfo import Vmcoreinfo


def choose_vmlinux(
    files: Iterable[SymbolFile], build_id: str | None, release: str
) -> SymbolFile | None:
    """
    Return the vmlinux of the given build, with DWARF; None if there is no vmlinux at all.

    :param files: looked at one after the other, up to the one that is taken
    :param build_id: what the target says it runs, or None if it does not tell
    :param release: ``uname -r`` of the target, by which the file is chosen then
    :raises TargetError: if there are only ones of another build, or without DWARF
    """
    others: list[SymbolFile] = []
    without_dwarf: list[SymbolFile] = []
    for file in files:
        if not _fits(file, build_id, release):
            others.append(file)
        elif not file.has_dwarf:
            without_dwarf.append(file)
        else:
            return file
    if without_dwarf:
        raise TargetError(
            f"{without_dwarf[0].path} has no DWARF debugging information"
            " (stripped, or built without CONFIG_DEBUG_INFO)"
        )
    if not others:
        return None
    other = others[0]
    its_release = _release(other)
    if its_release not in ("", release):
        raise TargetError(f"{other.path} is of kernel {its_release}, the target runs {release}")
    raise TargetError(
        f"{other.path} is of another build: its build id is"
        f" {other.build_id or 'missing'}, the target's is {build_id}"
    )


def _fits(file: SymbolFile, build_id: str | None, release: str) -> bool:
    return _release(file) in ("", release) if build_id is None else bool(build_id == file.build_id)


def _release(file: SymbolFile) -> str:
    """Return the release of a vmlinux; an empty string if the file does not tell."""
    return release_of(banner_of(file.path) or b"")


@dataclass(frozen=True, slots=True)
class DebugInfo:
    """Where the debugging information of a kernel and its modules is looked for."""

    files: GivenSymbols = field(default_factory=GivenSymbols)
    directory: Path | None = None
    """A folder with vmlinux and modules, searched before the places where drgn looks itself."""

    def load_vmlinux(self, prog: Program, vmcoreinfo: Vmcoreinfo) -> None:
        """
        Load the kernel's: from a file, else from where drgn looks.

        :param vmcoreinfo: what the target says it runs
        :raises TargetError: if there is none, or only of another build
        """
        build_id = vmcoreinfo.build_id
        vmlinux = choose_vmlinux(
            self.files.kernels(vmcoreinfo.release), build_id, vmcoreinfo.release
        )
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
            raise no_vmlinux(prog, vmcoreinfo, self.files.folders)
        if build_id is None and main.debug_file_path is not None:
            file = vmlinux or read_symbol_file(Path(main.debug_file_path))
            check_same_build(prog, file.path, file.build_id)

    def load_modules(self, prog: Program, release: str) -> list[Problem]:
        """
        Load that of the loaded modules, as far as there are files of theirs.

        A module without one is no error: its symbols are in the kernel's memory.

        :param release: ``uname -r`` of the target
        :return: of what could have been loaded and was not
        :raises drgn.FaultError: if the kernel's list of modules cannot be read
        :raises MemoryError: if drgn took a size there for more than there is memory
        """
        with none_lost():
            loaded = [module for module, _ in prog.loaded_modules()]
        problems = self.load_files(
            (module for module in loaded if not isinstance(module, MainModule)), release
        )
        if self.directory is not None:
            prog.find_standard_debug_info(module for module in loaded if module.wants_debug_file())
        return problems

    def load_files(self, modules: Iterable[Module], release: str) -> list[Problem]:
        """
        Let each module take its debugging information from one of the files that have its name.

        :param release: ``uname -r`` of the target
        :return: the first file that there was no room to unpack
        """
        trying = ModuleFiles()
        no_room: list[Problem] = []
        for module in modules:
            for path in self.files.modules(module.name, release):
                if not module.wants_debug_file():
                    break
                try:
                    trying.try_file(module, path)
                except NoRoomError as error:
                    no_room.append(Problem("debugging information of modules", str(error)))
                except TargetError:
                    continue  # another may do, and none is needed
        return no_room[:1]
