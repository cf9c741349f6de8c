# SPDX-License-Identifier: GPL-2.0-or-later
"""
The net under opening a target and under running a command.

What falls into it is one sentence for the user. It is no excuse: an error that is known is handled
where it arises, with words of its own.
"""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from klp_debug.errors import CommandError, TargetError

_OURS = "klp_debug"
_PASSED = (CommandError, TargetError, BrokenPipeError)
"""What has its own words, or its own end."""


@contextmanager
def one_sentence(doing: str, passed: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """
    Turn any error of the block that is not ours into one sentence; its cause is the error.

    :param doing: what cannot be done then: ``the target cannot be opened``
    :param passed: errors that mean something to the caller
    :raises TargetError: if there is such an error
    """
    try:
        yield
    except _PASSED:
        raise
    except passed:
        raise
    except Exception as error:
        raise TargetError(f"{doing}: {_told(error)}") from error


def _told(error: Exception) -> str:
    said = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    if isinstance(error, RecursionError):
        return "what it reads is nested too deeply"
    library = _library(error)
    if library != _OURS:
        return f"{library} says {said}"
    return f"a bug in klp-debug: {said}; please report it with --debug's output"


def _library(error: Exception) -> str:
    """Return the package whose error it is."""
    # What libraries of drgn's say is a plain Exception, which nobody else raises.
    if type(error) is Exception:
        return "drgn"
    # A library in C leaves no frame; but the class may be its own.
    package = type(error).__module__.split(".")[0].lstrip("_")
    if package not in sys.stdlib_module_names:
        return package
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        package = str(frame.f_globals.get("__name__", "")).split(".")[0]
        # What the standard library was given is the matter of who called it.
        if package not in sys.stdlib_module_names:
            return package
    return _OURS
