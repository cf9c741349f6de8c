# SPDX-License-Identifier: GPL-2.0-or-later
"""Convenience functions, for breakpoints and expressions: ``break *$klp_new_func("f")``."""

from collections.abc import Callable

import gdb

from klp_debug.analysis.chain.func import report_func
from klp_debug.analysis.view.find_function import find_function
from klp_debug.analysis.view.find_site import find_site
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.problem_log import UNREADABLE
from klp_debug.analysis.view.view_cache import view_of
from klp_debug.boundary import one_sentence
from klp_debug.errors import CommandError, TargetError
from klp_debug.frontend.gdb.host import Host
from klp_debug.result.unknown import Unknown


class _AddressOf(gdb.Function):
    def __init__(
        self, name: str, doc: str, host: Host, find: Callable[[KernelView, str], int]
    ) -> None:
        self.__doc__ = doc  # read by GDB when the function is registered
        self._name = name
        self._host = host
        self._find = find
        super().__init__(name)

    def invoke(self, *args: gdb.Value) -> gdb.Value:
        """
        Return the address, ``unsigned long``.

        :raises gdb.GdbError: with one sentence, which GDB prints
        """
        if len(args) != 1:
            raise gdb.GdbError(f"${self._name} takes a function's name")
        try:
            name = args[0].string()
        except gdb.error:
            raise gdb.GdbError(f'${self._name} takes a string: ${self._name}("f")') from None
        try:
            with one_sentence(f"${self._name} cannot be told", passed=UNREADABLE):
                address = self._find(view_of(self._host.program()), name)
        except (TargetError, CommandError, *UNREADABLE) as error:
            raise gdb.GdbError(str(error)) from None
        return gdb.Value(address).cast(gdb.lookup_type("unsigned long"))


def _site(view: KernelView, name: str) -> int:
    return int(view.records[find_site(view, name)].ip)


def _new_func(view: KernelView, name: str) -> int:
    function = report_func(
        view, find_function(view.symbols, name, view.prog.read, view.is_patch_module)
    )
    if isinstance(function.winner, Unknown):
        raise CommandError(f"which replacement wins of {function.name} is {function.winner}")
    if function.winner is None:
        raise CommandError(f"no replacement wins of {function.name}: {function.runs}")
    return int(function.winner.new_func)


def register_functions(host: Host) -> None:
    """Give GDB the functions."""
    _AddressOf(
        "klp_site",
        'Return the address of a function\'s mcount site.\n\nUsage: $klp_site("FUNCTION")',
        host,
        _site,
    )
    _AddressOf(
        "klp_new_func",
        "Return the address of what a live-patched function's call really runs.\n\n"
        'Usage: $klp_new_func("FUNCTION")',
        host,
        _new_func,
    )
