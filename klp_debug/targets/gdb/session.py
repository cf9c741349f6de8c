# SPDX-License-Identifier: GPL-2.0-or-later
"""A stop of the target: from the attach that makes it to the end that lets the target run again."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from klp_debug.errors import TargetError
from klp_debug.targets.gdb.address import StubAddress
from klp_debug.targets.gdb.block_cache import BLOCK_SIZES, BlockCache
from klp_debug.targets.gdb.kgdb_enter import enter_kgdb
from klp_debug.targets.gdb.process import START_SECONDS, Gdb, GdbCommandError, GdbEndedError
from klp_debug.targets.gdb.stub import ConnectionLostError, DebugStub, Traffic
from klp_debug.targets.notes import Prstatus
from klp_debug.targets.writable import StubVendor

_HOW_TO_GO_ON: dict[StubVendor, str] = {
    "QEMU": "attach again and detach, or say cont in QEMU's monitor",
    "KGDB": "attach again and detach",
}


class NotStoppedError(TargetError):
    """The target runs, so that it cannot be read through the stub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GdbOptions:
    """How to attach to a stub, and what to do at the end."""

    address: str
    """``HOST:PORT``, a unix socket's path, or a serial device."""
    program: str
    """GDB's command."""
    enter_kgdb: bool = False
    """Whether to break into KGDB by sysrq first."""
    leave_stopped: bool = False
    """Whether the target stays stopped at the end."""
    max_pause: float | None = None
    """Seconds after which GDB lets the target run by itself, whatever we do then."""


class GdbSession:
    """
    A target that is stopped while we read it.

    Each stop has a GDB of its own. At its end the target runs again, unless it was asked to stay
    stopped; if GDB or the connection is lost, through another GDB.
    """

    def __init__(
        self,
        options: GdbOptions,
        tell: Callable[[str], None],
        rescue: Callable[[], bool] | None = None,
    ) -> None:
        """
        Attach.

        :param tell: is told what becomes of the target
        :param rescue: another way to let the target run; returns whether it does
        :raises TargetError: if that cannot be done
        """
        self._options = options
        self._tell = tell
        self._rescue = rescue
        self._address = StubAddress.parse(options.address)
        self.traffic = Traffic()
        self._since = 0.0
        self._kind: StubVendor = "QEMU"
        self._held: tuple[Gdb, DebugStub] | None = None
        self.stop()

    @property
    def kind(self) -> StubVendor:
        """Whose stub it is, or was."""
        return self._kind

    @property
    def paused(self) -> float | None:
        """Seconds since the target was stopped; None if it runs."""
        if self._held is None or self._held[0].released:
            return None
        return time.monotonic() - self._since

    @property
    def max_pause(self) -> float | None:
        """Seconds after which a stopped target runs again by itself."""
        return self._options.max_pause

    def stop(self) -> None:
        """
        Stop the target, if it runs.

        :raises TargetError: if that cannot be done
        """
        if self.paused is not None:
            return
        self.resume()  # to be done with a stop that was cut short
        gdb = Gdb(self._options.program)
        try:
            if self._options.enter_kgdb:
                enter_kgdb(self._address)
            if self._options.max_pause is not None:
                gdb.console(f"python klp_debug_limit({self._options.max_pause})", START_SECONDS)
            self._since = time.monotonic()
            stub = DebugStub(gdb, self._address, self.traffic)
        except BaseException as error:
            released = gdb.released
            gdb.close()  # it lets the target run, if it reached it
            if released:
                self._tell(f"the target was resumed after {self._limit} s (--max-pause)")
                raise self._resumed_while_read() from None
            if isinstance(error, TargetError) and self._options.enter_kgdb:
                raise TargetError(f"{error}; the kernel may be in KGDB now") from None
            if isinstance(error, GdbEndedError):  # it may have stopped the target before
                self._tell(f"the target runs again{self._resume_without(str(error))}")
            elif not isinstance(error, TargetError):
                self._tell("the target runs again, if it was stopped at all")
            raise
        self._held = gdb, stub
        self._kind = stub.kind
        self._cache = BlockCache(self._read_stub, BLOCK_SIZES[self.kind])

    def resume(self) -> None:
        """
        Let the target run, if it is stopped; what was read of it is forgotten.

        :raises TargetError: if it cannot be made to run
        """
        if self._held is None:
            return
        (gdb, stub), paused = self._held, time.monotonic() - self._since
        self._held = None
        self._cache.clear()
        try:
            if gdb.released:
                self._tell(f"the target was resumed after {self._limit} s (--max-pause)")
                return
            how = ""
            try:
                stub.detach()
            except (GdbCommandError, TargetError) as error:
                gdb.kill()
                how = self._resume_without(str(error))
            self._tell(f"the target runs again{how}; it was stopped for {paused:.2f} s")
        finally:
            gdb.close()

    def _resume_without(self, reason: str) -> str:
        """Let the target run after GDB or its connection is lost; say how that was done."""
        with contextlib.suppress(TargetError, GdbCommandError):
            gdb = Gdb(self._options.program)
            try:
                DebugStub(gdb, self._address, self.traffic).detach()
                return f" by another GDB ({reason})"
            finally:
                gdb.close()
        if self._rescue is not None and self._rescue():
            return f" by QMP ({reason})"
        raise TargetError(
            f"the target stays stopped, if it is still there ({reason}): {_HOW_TO_GO_ON[self.kind]}"
        )

    def close(self) -> None:
        """
        Disconnect; the target runs then, unless it was asked to stay stopped.

        :raises TargetError: if it cannot be made to run
        """
        if self._held is None or not self._options.leave_stopped or self._held[0].released:
            self.resume()
            return
        _, stub = self._held
        self._held = None
        stub.abandon()
        self._tell(f"the target stays stopped (--leave-stopped): {_HOW_TO_GO_ON[self.kind]}")

    def read(self, address: int, size: int) -> bytes:
        """
        Read memory, once for as long as the target is stopped.

        :param address: physical of QEMU, virtual over KGDB
        :raises drgn.FaultError: if a byte of it cannot be read
        :raises TargetError: if the target is not stopped any more, or the stub is lost
        """
        return self._cache.read(address, size)

    def read_now(self, address: int, size: int) -> bytes:
        """Read as :meth:`read` does, from the target whatever was read before."""
        return self._read_stub(address, size)

    def _read_stub(self, address: int, size: int) -> bytes:
        with self._asking() as stub:
            return stub.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        """
        Write memory, addressed as it is read.

        :raises GdbCommandError: if the stub does not take it
        :raises TargetError: if the target is not stopped any more, or the stub is lost
        """
        self._cache.drop(address, len(data))
        with self._asking() as stub:
            stub.write(address, data)

    def ram(self) -> list[range]:
        """
        Return where QEMU's guest has RAM.

        :raises NotStoppedError: if it runs
        """
        return self._now()[1].ram

    def registers(self) -> list[Prstatus]:
        """
        Return the registers of QEMU's CPUs, in QEMU's order.

        :raises TargetError: if the target is not stopped any more, or the stub is lost
        """
        with self._asking() as stub:
            return stub.registers()

    def exceptions(self) -> list[tuple[int, int]]:
        """
        Return SRR0 and SRR1 of QEMU's CPUs, in QEMU's order.

        :raises TargetError: if the target is not stopped any more, or the stub is lost
        """
        with self._asking() as stub:
            return stub.exceptions()

    def check(self) -> None:
        """
        See that the target was stopped all the time.

        :raises NotStoppedError: if GDB had to let it run
        """
        if self._held is not None and self._held[0].released:
            raise self._resumed_while_read()

    def _resumed_while_read(self) -> NotStoppedError:
        return NotStoppedError(
            f"the target was resumed after {self._limit} s (--max-pause) while it was still being"
            " read"
        )

    def _now(self) -> tuple[Gdb, DebugStub]:
        if self._held is None:
            raise NotStoppedError("the target runs, so that its stub cannot be asked")
        return self._held

    @property
    def _limit(self) -> str:
        return f"{self._options.max_pause or 0:g}"

    @contextlib.contextmanager
    def _asking(self) -> Iterator[DebugStub]:
        try:
            yield self._now()[1]
        except ConnectionLostError:
            self.check()
            raise
