# SPDX-License-Identifier: GPL-2.0-or-later
"""Help of a newer Python is read as that of an older one, so that one golden file does for both."""

from tests.support.older_help import older_help

NEWER = """\
usage: klp-debug scan [-h] [--against FILE [FILE ...]] [--fail-on LEVEL] [--json |
                      --csv | --sarif]
                      FILE [FILE ...]

Reads object files.

options:
  -h, --help            show this help message and exit
  -c, --core PATH       a vmcore
  -s, --symbols PATH    vmlinux, a .ko, or a folder of them; may be
                        repeated
  -k, --kernel          the running kernel
  --qemu SOCKET         a running QEMU guest
"""
OLDER = """\
usage: klp-debug scan [-h] [--against FILE [FILE ...]] [--fail-on LEVEL]
                      [--json | --csv | --sarif]
                      FILE [FILE ...]

Reads object files.

options:
  -h, --help            show this help message and exit
  -c PATH, --core PATH  a vmcore
  -s PATH, --symbols PATH
                        vmlinux, a .ko, or a folder of them; may be
                        repeated
  -k, --kernel          the running kernel
  --qemu SOCKET         a running QEMU guest
"""


def test_newer() -> None:
    assert older_help(NEWER) == OLDER


def test_older_is_as_it_was() -> None:
    assert older_help(OLDER) == OLDER
