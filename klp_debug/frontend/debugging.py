# SPDX-License-Identifier: GPL-2.0-or-later
"""``--debug``: shows where an error comes from, before its one sentence."""

import argparse
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from klp_debug.errors import TargetError
from klp_debug.render.terminal import escape


def add_debug(parser: argparse.ArgumentParser) -> None:
    """Add the option to a parser."""
    parser.add_argument(
        "--debug",
        action="store_true",
        help="show the traceback of an error of a library, or of klp-debug's own",
    )


@contextmanager
def traceback_shown(wanted: bool) -> Iterator[None]:
    """Show on stderr the traceback of an error that :mod:`klp_debug.boundary` put in words."""
    try:
        yield
    except TargetError as error:
        if wanted and error.__cause__ is not None:
            for line in "".join(traceback.format_exception(error.__cause__)).splitlines():
                print(escape(line), file=sys.stderr)
        raise
