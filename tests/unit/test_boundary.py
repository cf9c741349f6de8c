# SPDX-License-Identifier: GPL-2.0-or-later
"""The net: whose error it is, in one sentence."""

import io
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from drgn import BadDataError, Program
from elftools.elf.elffile import ELFFile

from klp_debug.boundary import one_sentence
from klp_debug.errors import CommandError, TargetError

BUG = "a bug in klp-debug: "
REPORT = "; please report it with --debug's output"


def told(fail: Callable[[], object] | Exception, module: str = "klp_debug.made") -> str:
    """Return what is told of an error that a module of ours raises or meets."""
    code = "raise fail" if isinstance(fail, Exception) else "fail()"
    with pytest.raises(TargetError) as caught, one_sentence("it cannot be done"):
        exec(code, {"__name__": module, "fail": fail})
    assert caught.value.__cause__ is not None
    doing, _, why = str(caught.value).partition(": ")
    assert doing == "it cannot be done"
    return why


@pytest.mark.parametrize("error", [BadDataError("odd"), Exception("odd")])
def test_drgn(error: Exception) -> None:
    assert told(error) == f"drgn says {type(error).__name__}: odd"


def test_drgn_itself() -> None:
    assert told(lambda: Program()["jiffies"]).startswith("drgn says ")


def test_elftools() -> None:
    assert told(lambda: ELFFile(io.BytesIO(b"\x7fELF"))).startswith("elftools says ")


def test_a_module_of_a_library() -> None:
    assert told(ValueError("odd"), "elftools.construct") == "elftools says ValueError: odd"


def test_numpy() -> None:
    assert told(lambda: np.pad(np.zeros(1), -1)).startswith("numpy says ValueError: ")


@pytest.mark.parametrize(
    "error", [TypeError("odd"), AssertionError("odd"), OverflowError("odd"), zlib.error("odd")]
)
def test_ours(error: Exception) -> None:
    assert told(error) == f"{BUG}{type(error).__name__}: odd{REPORT}"


def test_it_is_one_line() -> None:
    assert told(TypeError("two\nlines")) == f"{BUG}TypeError: two lines{REPORT}"


def test_without_words() -> None:
    assert told(AssertionError()) == f"{BUG}AssertionError{REPORT}"


def test_what_is_no_bug() -> None:
    assert told(MemoryError()) == "there is not enough memory for it"
    assert told(RecursionError()) == "what it reads is nested too deeply"
    assert told(OSError(5, "Input/output error", "f")) == "f: Input/output error"


@pytest.mark.parametrize(
    "error",
    [TargetError("x"), CommandError("x"), BrokenPipeError(), KeyboardInterrupt(), SystemExit(143)],
)
def test_what_passes(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, one_sentence("it cannot be done"):
        raise error
    assert caught.value is error


def test_what_means_something_to_the_caller() -> None:
    with pytest.raises(EOFError), one_sentence("it cannot be done", passed=(EOFError,)):
        raise EOFError
