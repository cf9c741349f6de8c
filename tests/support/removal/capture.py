# SPDX-License-Identifier: GPL-2.0-or-later
"""A capture that stays open, on which commands are run with parts of its memory removed."""

import argparse
import functools
import json
import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from unittest.mock import patch

from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command import COMMANDS
from klp_debug.control.consent import Consent
from klp_debug.errors import CommandError, TargetError
from klp_debug.kernel.symbols import SymbolTable
from klp_debug.render.as_json import as_json
from klp_debug.render.as_text import as_text
from klp_debug.render.html.page import as_html
from klp_debug.result.page import ReportPage
from klp_debug.targets.attaching import open_core
from klp_debug.targets.open_core_file import open_core_file
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions
from tests.support.removal.outcome import Answered, Failed, Outcome, Refused
from tests.support.removal.removable_memory import RemovableMemory, Touched
from tests.support.removal.structures import Structure, structures_of

SECONDS = 60
"""Of the processor's time: a command that takes more hangs."""
_NOBODY = Consent(confirm=None, show=lambda change: None)
_symbols_of_vmlinux = functools.lru_cache(maxsize=2)(SymbolTable.of_vmlinux)
"""
Reads vmlinux's symbols once: they are a file's, whatever the dump lacks.

They take two thirds of an answer's time.
"""


class HangsError(BaseException):
    """A command that does not end; no handler of the command's own may take it for its own."""


class RemovalCapture:
    """One opened capture; its opening is not what is tried."""

    def __init__(self, core: Path, vmlinux: Path) -> None:
        """Open it, and lie over its memory."""
        self.target = open_target(TargetOptions(core=core, symbols=(vmlinux,)))
        self.prog = self.target.prog
        below = open_core(open_core_file(core), None).prog
        self.memory = RemovableMemory(self.prog, below, self.target.page_size)
        self._cached = set(self.prog.cache)
        self._whole: dict[str, tuple[Outcome, dict[int, Touched]]] = {}

    def run(self, line: str, removed: Sequence[range] = ()) -> Outcome:
        """
        Run a command line, as the shell would, on a view of its own.

        :param removed: physical addresses that cannot be read
        """
        with self.memory.without(removed):
            try:
                with patch.object(SymbolTable, "of_vmlinux", _symbols_of_vmlinux), _bounded():
                    return self._answer(line)
            except (CommandError, TargetError) as error:
                return Refused(str(error))
            except HangsError as error:
                return Failed(str(error))
            except Exception as error:  # whatever it is, a user would see a traceback
                return Failed(f"{type(error).__name__}: {error}")

    def whole(self, line: str) -> tuple[Outcome, dict[int, Touched]]:
        """
        Run a command line on the whole dump, once.

        :return: what came of it; and the pages that it read, physical address -> who read it
        """
        if line not in self._whole:
            with self.memory.noting() as pages:
                outcome = self.run(line)
            self._whole[line] = outcome, pages
        return self._whole[line]

    @functools.cached_property
    def structures(self) -> list[Structure]:
        """The structures that answers are about."""
        return structures_of(self.prog, self.target.page_size)

    def view(self) -> KernelView:
        """Return a view that knows nothing of what another has read."""
        # drgn's helpers keep facts there; those of the opening do not come from the dump's pages.
        for key in set(self.prog.cache) - self._cached:
            del self.prog.cache[key]
        return KernelView(replace(self.target, problems=[*self.target.problems]))

    def _answer(self, line: str) -> Answered:
        name, *words = shlex.split(line)
        (command,) = (command for command in COMMANDS if command.name == name)
        parser = argparse.ArgumentParser(prog=name)
        command.add_arguments(parser)
        answer = command.run(self.view(), parser.parse_args(words), _NOBODY)
        page = as_html(answer) if isinstance(answer, ReportPage) else None
        told = answer.report if isinstance(answer, ReportPage) else answer
        return Answered(
            document=json.loads(as_json(told)),
            text=as_text(told),
            page=page,
            clean=told.clean,
        )


@contextmanager
def _bounded() -> Iterator[None]:
    """End the block once it took too long; by the processor's time, since others use it, too."""

    def end(number: int, frame: FrameType | None) -> None:
        raise HangsError(f"it did not end within {SECONDS} s")

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
