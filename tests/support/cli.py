# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs klp-debug as a user does."""

import contextlib
import io
import json
import multiprocessing
import os
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from klp_debug.__main__ import main
from klp_debug.frontend import cli
from tests.support.kept_dumps import KEPT
from tests.support.schemas import validate


@dataclass(frozen=True)
class Ran:
    """What one run printed."""

    status: int
    out: str
    err: str


_PATIENCE = 120
"""Seconds that a run may take."""
# Two thirds of a run are its imports. The server makes them once, and forks a process for a run.
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload([__name__, "klp_debug.frontend.cli", "drgn.cli"])


def klp_debug_run(*words: str | Path) -> Ran:
    """
    Run ``klp-debug``: in this process on a dump that is kept open, else in a process of its own.

    What opens the dump, ends in an error or takes a signal is tried in processes: see
    :func:`klp_debug_process`. The commands on an open dump are no other in the console.
    """
    if not {"-c", "--core"} & set(words):
        return klp_debug_process(*words)
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(cli, "open_target", KEPT.open_target),
        mock.patch.object(sys, "argv", ["klp-debug", *map(str, words)]),
    ):
        try:
            status = main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
    return Ran(status, out.getvalue(), err.getvalue())


def klp_debug_process(*words: str | Path) -> Ran:
    """Run ``klp-debug`` in a process of its own, that has its modules loaded already."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = _SERVER.Process(
            target=_klp_debug,
            args=(
                [*map(str, words)],
                Path.cwd(),
                dict(os.environ),
                DupFd(out.fileno()),
                DupFd(err.fileno()),
            ),
        )
        process.start()
        process.join(_PATIENCE)
        if process.exitcode is None:
            process.kill()
            process.join()
            pytest.fail(f"klp-debug {words} ran for over {_PATIENCE} s")
        for file in (out, err):
            file.seek(0)
        return Ran(process.exitcode, out.read().decode(), err.read().decode())


def _klp_debug(
    words: list[str], folder: Path, environment: dict[str, str], out: Any, err: Any
) -> None:
    os.chdir(folder)
    for number, file in enumerate((out, err), start=1):
        os.dup2(file.detach(), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["klp-debug", *words]
    sys.exit(main())


def klp_debug_json(command: str | Path, *words: str | Path, status: int = 0) -> Any:
    """Run ``klp-debug COMMAND --json``; return its document, checked against its schema."""
    ran = klp_debug_run(command, *words, "--json")
    assert (ran.status, ran.err) == (status, ""), ran.err or ran.out[:2000]
    document = json.loads(ran.out)
    validate(document, str(command))
    return document


def refusal(*words: str | Path) -> str:
    """Run ``klp-debug`` with input it cannot use; return its one sentence."""
    ran = klp_debug_process(*words)
    assert ran.status == 2, ran
    assert ran.out == ""
    assert ran.err.startswith("klp-debug: ")
    assert ran.err.count("\n") == 1
    return ran.err
