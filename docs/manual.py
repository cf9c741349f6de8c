# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the manual and the man page: ``make docs``."""

import sys
from pathlib import Path

from sphinx.cmd.build import build_main

SOURCE = Path(__file__).parent


def build(folder: Path) -> int:
    """
    Write the manual to FOLDER/html and the man page to FOLDER/man; any warning is an error.

    Returns 0 if both are there.
    """
    common = ["-W", "--keep-going", "-q", "-d", str(folder / "doctrees"), str(SOURCE)]
    # Read afresh: Sphinx does not see that a command's arguments have changed.
    status = build_main(["-E", "-b", "html", *common, str(folder / "html")])
    return status or build_main(["-b", "man", *common, str(folder / "man")])


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1])))
