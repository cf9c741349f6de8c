# SPDX-License-Identifier: GPL-2.0-or-later
"""
Gives GDB the command ``klp``: ``source .../gdb/klp.py``.

It runs before anything of ours can be imported, perhaps in a Python that is older than ours, and
says in one line what is amiss.
"""

import os
import sys
from pathlib import Path
from typing import List, Optional  # noqa: UP035 - an older Python must be able to say that it is

import gdb

_ROOT = Path(__file__).resolve().parents[3]
_NEEDED = (3, 11)
_OURS = f"{sys.version_info[0]}.{sys.version_info[1]}"


def _site_folders() -> List[str]:  # noqa: UP006
    """Return where our Python packages may be: those of who started GDB, then our own."""
    told = os.environ.get("KLP_DEBUG_PYTHONPATH", "").split(os.pathsep)
    environments = (os.environ.get("VIRTUAL_ENV") or _ROOT / ".venv", _ROOT / ".venv")
    library = Path("lib", f"python{_OURS}", "site-packages")
    return [folder for folder in (str(_ROOT), *told) if folder] + [
        str(environment / library) for environment in map(Path, environments)
    ]


def _other_versions() -> List[str]:  # noqa: UP006
    """Return for which versions of Python the packages beside us are."""
    return sorted(path.name[len("python") :] for path in (_ROOT / ".venv" / "lib").glob("python*"))


def _import_drgn() -> None:
    """
    Import drgn, bound to its own libraries.

    Debian's GDB is linked with libdebuginfod, and so with another libdw and libelf, to whose
    symbols drgn's would be bound.
    """
    flags = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_NOW | os.RTLD_DEEPBIND)
    try:
        import drgn  # noqa: F401
    finally:
        sys.setdlopenflags(flags)


def _complaint() -> Optional[str]:  # noqa: UP045
    """Return what stands in the way; None if nothing does."""
    if sys.version_info < _NEEDED:
        return f"this GDB has Python {_OURS}, and klp-debug needs 3.11 or later: use another GDB"
    sys.path += [folder for folder in _site_folders() if folder not in sys.path]
    try:
        _import_drgn()
        from klp_debug.frontend.drgn_version import drgn_too_old

        too_old = drgn_too_old()
        if too_old is not None:
            return too_old
        from klp_debug.frontend.gdb.commands import register
    except ImportError as error:
        others = [version for version in _other_versions() if version != _OURS]
        there = f" (here it is for Python {', '.join(others)})" if others else ""
        return (
            f"{error.name or error} cannot be imported in this GDB, which has Python {_OURS}:"
            f" install klp-debug for that{there}, or use another GDB"
        )
    register()
    return None


def _load() -> None:
    complaint = _complaint()
    if complaint is not None:
        # Not gdb.GdbError: of a file that is sourced GDB shows a traceback.
        gdb.write(f"klp-debug: {complaint}\n", gdb.STDERR)


_load()
