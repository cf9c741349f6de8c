# SPDX-License-Identifier: GPL-2.0-or-later
"""An opened target."""

from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from drgn import FaultError, Program

from klp_debug.errors import TargetError
from klp_debug.result.common import Problem
from klp_debug.result.kernel import Mmu
from klp_debug.targets.core_file import CoreFile
from klp_debug.targets.gdb.session import GdbSession
from klp_debug.targets.gdb.stopped import StoppedKernel
from klp_debug.targets.kernel_image import missing_image
from klp_debug.targets.translation import mmu_mode
from klp_debug.targets.vmcoreinfo import Vmcoreinfo
from klp_debug.targets.writable import WritableMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A kernel whose memory and debugging information are at hand."""

    prog: Program
    source: str
    """What was opened: ``kdump vmcore``, ``QEMU guest``, ..."""
    vmcoreinfo: Vmcoreinfo
    vmlinux: Path | None
    """The kernel's ELF file."""
    build_id: str | None
    mmu: Mmu
    page_size: int
    """In bytes."""
    core: CoreFile | None = None
    """The dump's file; None for a running kernel."""
    problems: list[Problem] = field(default_factory=list)
    """What the dump lacks, and what opening could not do, though it could open."""
    debugger: GdbSession | None = None
    """What stopped the target through a stub, and lets it run again; else None."""
    host: StoppedKernel | None = None
    """The debugger inside of which we run, if that stopped the target; else None."""
    writable: WritableMemory | None = None
    """The target's memory for writing; None where no debugger stopped it."""

    @classmethod
    def of(
        cls, prog: Program, source: str, vmcoreinfo: Vmcoreinfo, core: CoreFile | None = None
    ) -> Self:
        """
        Describe a program whose debugging information is loaded.

        :raises TargetError: if its kernel does not tell its page size and its MMU
        """
        page_size = vmcoreinfo.page_size
        lacks = list(core.not_whole) if core is not None else []
        # What is cut off is said already.
        image = missing_image(prog, core, page_size) if core is not None and not lacks else None
        try:
            mmu = mmu_mode(prog, vmcoreinfo)
        except FaultError as fault:
            why = f"; {image}" if image is not None else ""
            raise TargetError(f"the MMU of the target cannot be told: {fault}{why}") from None
        if image is not None:
            lacks.append(image)
        main = prog.main_module()
        return cls(
            prog=prog,
            source=source,
            vmcoreinfo=vmcoreinfo,
            vmlinux=Path(main.debug_file_path or main.loaded_file_path or ""),
            build_id=main.build_id.hex() if main.build_id else vmcoreinfo.build_id,
            mmu=mmu,
            page_size=page_size,
            core=core,
            problems=[Problem("this dump", lack) for lack in lacks],
        )

    @property
    def changes(self) -> bool:
        """Whether the kernel runs while it is read."""
        return self.core is None and (self.stopped is None or self.stopped.paused is None)

    @property
    def stopped(self) -> StoppedKernel | None:
        """Whoever stopped the target through a stub, or did before it ran again."""
        return self.debugger or self.host

    def close(self) -> None:
        """
        Leave the target: one that a debugger stopped runs then, unless it was to stay stopped.

        :raises TargetError: if it cannot be made to run
        """
        if self.debugger is not None:
            self.debugger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
