# SPDX-License-Identifier: GPL-2.0-or-later
"""How small things are written in sentences: a number of things, a user's word, a function."""

from klp_debug.result.unknown import Number, lowest


def plural(number: Number, noun: str, nouns: str | None = None, *, grouped: bool = False) -> str:
    """
    Return a number with its noun.

    >>> plural(1, "finding"), plural(2, "finding"), plural(0, "patch", "patches")
    ('1 finding', '2 findings', '0 patches')
    >>> plural(14267, "site", grouped=True)
    '14,267 sites'

    :param nouns: the plural, if it is not the noun with an s
    :param grouped: put commas between thousands
    """
    word = noun if lowest(number) == 1 else nouns or f"{noun}s"
    return f"{number:,} {word}" if grouped and isinstance(number, int) else f"{number} {word}"


def quoted(word: str) -> str:
    r"""
    Return a word of the user's, or of a damaged target's, as a message may repeat it.

    It is escaped, so that it does nothing to a terminal, and has no quotation marks around it.

    >>> quoted("vfs_read"), quoted("a\x1b[2J")
    ('vfs_read', 'a\\x1b[2J')
    """
    return ascii(word)[1:-1]


def with_module(name: str, module: str | None) -> str:
    """
    Return a function or symbol as the kernel's ``%pS`` names it; vmlinux's have no module.

    >>> with_module("vfs_read+0x8", None), with_module("ext4_file_open", "ext4")
    ('vfs_read+0x8', 'ext4_file_open [ext4]')
    """
    return f"{name} [{module}]" if module else name
