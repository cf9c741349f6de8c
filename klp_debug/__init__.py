# SPDX-License-Identifier: GPL-2.0-or-later
"""
Tells what a ppc64le kernel really runs when a live-patched function is called.

.. code-block:: python3

    from klp_debug import audit, call_chain, find_function, livepatches

See :mod:`klp_debug.library` for all that scripts can use: its ``__all__`` is this package's. It is
imported when the first of its names is asked for: every drgn session imports this package for the
plugin, whatever it looks at.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klp_debug.library import *  # noqa: F403
    from klp_debug.library import __all__ as __all__

_LIBRARY = "klp_debug.library"


def __getattr__(name: str) -> object:
    # What else begins like that is Python's, which looks for it in every package.
    if name == "__all__" or not name.startswith("_"):
        # `from klp_debug import library` would ask here for library.
        library = import_module(_LIBRARY)
        if name in ("__all__", *library.__all__):
            return getattr(library, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *import_module(_LIBRARY).__all__})
