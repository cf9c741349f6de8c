# SPDX-License-Identifier: GPL-2.0-or-later
"""A signal ends a block in order, wherever it strikes."""

import os
import signal
import sys
import time
import weakref

import pytest

from klp_debug.frontend.exit import ending_in_order


class Thing:
    pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_block(number: signal.Signals) -> None:
    cleaned = False
    with pytest.raises(SystemExit) as caught, ending_in_order():
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        finally:
            cleaned = True
    assert caught.value.code == 128 + number
    assert cleaned


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_strikes_where_exceptions_are_dropped(number: signal.Signals) -> None:
    def finalize(_: object) -> None:
        os.kill(os.getpid(), number)
        time.sleep(0.01)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises((SystemExit, KeyboardInterrupt)), ending_in_order():
            thing = Thing()
            reference = weakref.ref(thing, finalize)
            del thing
            time.sleep(5)
            raise AssertionError(f"{reference}: the signal is lost")
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_errors_are_told_as_ever(capsys: pytest.CaptureFixture[str]) -> None:
    def finalize(_: object) -> None:
        raise ZeroDivisionError

    before = sys.unraisablehook
    with ending_in_order():
        thing = Thing()
        reference = weakref.ref(thing, finalize)
        del thing
    assert reference() is None
    assert sys.unraisablehook is before
    assert "ZeroDivisionError" in capsys.readouterr().err
