# SPDX-License-Identifier: GPL-2.0-or-later
"""
``livepatch_handler`` as instruction words, and what each kernel's source says of an entry.

The words are the byte columns of objdump: of kernels of the lab, and of what GNU as made of the
source of older kernels (ftrace_64_mprofile.S of 4.11, with THREAD_SHIFT 14) and of a kernel that
is not there yet.
"""

from dataclasses import dataclass

from tests.support.real_words import words_of


@dataclass(frozen=True, kw_only=True)
class Handler:
    """The words of a handler, and the layout of an entry: bytes from its beginning."""

    words: tuple[int, ...]
    size: int = 24
    toc: int = 0
    lr: int = 8
    marker: int = 16


IN_LINE = Handler(
    words=words_of(
        """
        08 09 8d e9 10 00 6c e9 18 00 6b 39 10 00 6c f9 e8 ff 4b f8 a6 02 88 7d f0 ff 8b f9
        ac 57 80 3d 9d 6e 8c 61 f8 ff 8b f9 a6 02 89 7d 21 04 80 4e 08 09 8d e9 10 00 6c e9
        ac 57 40 3c 9d 6e 42 60 f8 ff 8b e9 88 10 0c 7f f0 ff 8b e9 a6 03 88 7d e8 ff 4b e8
        08 09 8d e9 e8 ff 6b 39 10 00 6c f9 20 00 80 4e
        """
    )
)
"""Linux 6.1 and 6.12."""
OUT_OF_LINE = Handler(
    words=words_of(
        """
        08 09 8d e9 20 00 6c e9 18 00 6b 39 20 00 6c f9 ac 57 80 3d 9d 6e 8c 61 f8 ff 8b f9
        e8 ff 4b f8 f0 ff 0b f8 a6 02 88 7d a6 03 89 7d 21 04 80 4e 08 09 8d e9 20 00 6c e9
        ac 57 40 3c 9d 6e 42 60 f8 ff 8b e9 88 10 0c 7f f0 ff 8b e9 a6 03 88 7d e8 ff 4b e8
        08 09 8d e9 e8 ff 6b 39 20 00 6c f9 20 00 80 4e
        """
    )
)
"""Linux 7.2, with out-of-line stubs."""
ON_R1 = Handler(
    words=words_of(
        """
        64 04 2c 78 78 0b 20 7c 18 00 2c e8 18 00 21 38 18 00 2c f8 e8 ff 41 f8 a6 02 88 7d
        f0 ff 81 f9 ac 57 80 3d 9d 6e 8c 61 f8 ff 81 f9 78 03 01 7c a6 02 89 7d 21 04 80 4e
        64 04 2c 78 78 0b 20 7c 18 00 2c e8 ac 57 40 3c 9d 6e 42 60 f8 ff 81 e9 88 10 0c 7f
        f0 ff 81 e9 a6 03 88 7d e8 ff 41 e8 64 04 0c 78 e8 ff 21 38 18 00 2c f8 78 03 01 7c
        20 00 80 4e
        """
    )
)
"""Linux 4.7 to 4.12, which put the livepatch stack's pointer into r1 meanwhile."""
WIDE = Handler(
    words=words_of(
        """
        08 09 8d e9 20 00 6c e9 20 00 6b 39 20 00 6c f9 ac 57 80 3d 9d 6e 8c 61 f8 ff 8b f9
        f0 ff 4b f8 e8 ff 0b f8 e0 ff cb f9 a6 02 88 7d a6 03 89 7d 21 04 80 4e 08 09 8d e9
        20 00 6c e9 ac 57 40 3c 9d 6e 42 60 f8 ff 8b e9 88 10 0c 7f e8 ff 8b e9 a6 03 88 7d
        f0 ff 4b e8 e0 ff cb e9 08 09 8d e9 e0 ff 6b 39 20 00 6c f9 20 00 80 4e
        """
    ),
    size=32,
    toc=16,
    lr=8,
    marker=24,
)
"""A kernel that saves r14 as well, and the TOC elsewhere; no release does."""
EVERY_HANDLER = (IN_LINE, OUT_OF_LINE, ON_R1, WIDE)
