# SPDX-License-Identifier: GPL-2.0-or-later
"""
What a kernel left of a module's ELF symbols when it noted nm's letters among them.

Source: ``add_kallsyms()`` in kernel/module.c, ``elf_type()`` above it.
"""

import numpy as np
import numpy.typing as npt
from drgn import Object

from klp_debug.elf.format import STT_FUNC, STT_NOTYPE, STT_OBJECT, STT_SECTION

_TEXT, _DATA = b"tTwW", b"dDrRbBgGsSvV"
_LETTERS = np.frombuffer(_TEXT + _DATA + b"aAUn?", np.uint8)
"""What ``elf_type()`` returns; no binding and type that ELF has is one of them as a byte."""


def as_elf_had_them(symbols: npt.NDArray[np.void], kallsyms: Object) -> npt.NDArray[np.void]:
    """
    Return a module's symbols with the types and sizes of ELF, as far as they are still there.

    Since Linux kernel commit 1c7651f43777 ("kallsyms: store type information in its own array") (in
    v5.2) the letters have an array of their own. Before Linux kernel commit 5439c985c5a8 ("module:
    Overwrite st_size instead of st_info") (in v5.0) they are in ``st_info``: what is text is taken
    for a function then. Between the two they are in ``st_size``, and no size is left.

    >>> as_elf_had_them(np.frombuffer(data, SYMBOL), module.kallsyms)["info"]
    array([ 0,  3,  2, 18], dtype=uint8)

    :param symbols: array of ``Elf64_Sym`` (:data:`klp_debug.elf.format.SYMBOL`)
    :param kallsyms: ``struct mod_kallsyms *``
    :return: the same array where nothing was overwritten
    """
    if kallsyms.type_.type.has_member("typetab") or not len(symbols):
        return symbols
    if np.isin(symbols["info"], _LETTERS).any():
        return _typed_by_letter(symbols)
    if np.isin(symbols["size"], _LETTERS).all():
        result = symbols.copy()
        result["size"] = 0
        return result
    return symbols


def _typed_by_letter(symbols: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    types = np.full(256, STT_NOTYPE, np.uint8)
    types[list(_TEXT)] = STT_FUNC
    types[list(_DATA)] = STT_OBJECT
    result = symbols.copy()
    # A section's symbol has the letter of what is in it; it alone has no name.
    result["info"] = np.where(symbols["name"] == 0, STT_SECTION, types[symbols["info"]])
    return result
