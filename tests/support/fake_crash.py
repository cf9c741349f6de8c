# SPDX-License-Identifier: GPL-2.0-or-later
"""What a fake kernel leaves behind when it goes down: its log, its registers, which CPU it was."""

from tests.support.fake_tasks import TaskKernel
from tests.support.kernel_structs import MPROFILE, Build
from tests.support.made_core import prstatus_note
from tests.support.paged_memory import PAGE

KERNEL_MSR = 0x8000000000009033
_LOG_SIZE = 0x8000
_NIP, _MSR, _ORIG_GPR3, _LINK, _TRAP = 32, 33, 34, 36, 40
"""Where ``struct pt_regs`` has what, in doublewords."""


class CrashedKernel(TaskKernel):
    """A kernel with a log and with notes of its CPUs; it has not crashed until it is said to."""

    def __init__(self, build: Build = MPROFILE) -> None:
        super().__init__(build)
        # That of kernels before 5.10: which form it has is nothing to those who read its text.
        self.log_at = self.allocate(_LOG_SIZE)
        self._log_end = 0
        self.variable("log_buf", "void *", self.log_at)
        self.variable("log_buf_len", "unsigned int", _LOG_SIZE)
        self.variable("log_first_idx", "unsigned int", 0)
        self._log_next = self.variable("log_next_idx", "unsigned int", 0)
        self.crash_notes = self.allocate(2 * PAGE)
        self.variable("crash_notes", "void *", self.crash_notes)
        self.panic_cpu = self.variable("panic_cpu", "int", 0xFFFFFFFF)

    def say(self, seconds: float, text: str) -> None:
        """Log a line."""
        data = text.encode()
        length = 16 + -(-len(data) // 8) * 8
        at = self.log_at + self._log_end
        self.put_u64(at, round(seconds * 1e9), length | len(data) << 16)
        self.memory.write(at + 16, data)
        self._log_end += length
        self.put_u64(self._log_next, self._log_end)

    def save_registers(
        self,
        cpu: int,
        *,
        nip: int,
        r1: int,
        link: int = 0,
        msr: int = KERNEL_MSR,
        trap: int = 0x700,
        cfar: int = 0,
        **gprs: int,
    ) -> None:
        """Save a CPU's registers as ``crash_save_cpu()`` does; others are given as ``r2=``."""
        values = [0] * 48
        for name, value in {"r1": r1, **gprs}.items():
            values[int(name[1:])] = value
        values[_NIP], values[_MSR], values[_LINK], values[_TRAP] = nip, msr, link, trap
        values[_ORIG_GPR3] = cfar
        # Each CPU's is where its runqueue is, as far behind the first.
        self.memory.write(self.crash_notes + cpu * PAGE, prstatus_note(values))

    def crash(self, cpu: int) -> None:
        """Let a CPU be the one that panicked."""
        self.put_u64(self.panic_cpu, cpu)
