# SPDX-License-Identifier: GPL-2.0-or-later
"""
Tells what a ppc64le kernel really runs when a live-patched function is called.

.. code-block:: python3

    from klp_debug import audit, call_chain, find_function, livepatches

See :mod:`klp_debug.library` for all that scripts can use. It is imported when the first of its
names is asked for: every drgn session imports this package for the plugin, whatever it looks at.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klp_debug.library import (
        CommandError,
        TargetError,
        as_json,
        as_text,
        audit,
        backtraces,
        call_chain,
        describe_function,
        find_function,
        for_each_klp_func,
        for_each_klp_object,
        for_each_klp_ops,
        for_each_klp_patch,
        ftrace_users,
        func_stacks,
        klp_func_patch,
        klp_func_stack,
        klp_patch_name,
        livepatches,
        mcount_site,
        object_of,
        open_program,
        report,
        transition,
    )

__all__ = (
    "CommandError",
    "TargetError",
    "as_json",
    "as_text",
    "audit",
    "backtraces",
    "call_chain",
    "describe_function",
    "find_function",
    "for_each_klp_func",
    "for_each_klp_object",
    "for_each_klp_ops",
    "for_each_klp_patch",
    "ftrace_users",
    "func_stacks",
    "klp_func_patch",
    "klp_func_stack",
    "klp_patch_name",
    "livepatches",
    "mcount_site",
    "object_of",
    "open_program",
    "report",
    "transition",
)


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from klp_debug import library

    return getattr(library, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
