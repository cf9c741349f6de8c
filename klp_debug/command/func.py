# SPDX-License-Identifier: GPL-2.0-or-later
"""``func``: one function from its entry to what really runs."""

import argparse

from klp_debug.analysis.chain.func import report_func
from klp_debug.analysis.view.find_function import find_function
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Argument, Command
from klp_debug.command.pasted_name import MODULE_ARGUMENT, whole_name
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.result.func import FuncReport


def run(view: KernelView, args: argparse.Namespace) -> FuncReport:
    """
    Return everything about the function that ``args.function`` names.

    :raises FunctionNotFoundError: if it names none, or several
    """
    return report_func(view, _named(view, whole_name(args.function, args)))


def _named(view: KernelView, spec: str) -> KernelSymbol:
    return find_function(view.symbols, spec, view.prog.read, view.is_patch_module)


FUNC = Command(
    name="func",
    summary="show one function: entry, mcount site, call chain, and what really runs",
    description=(
        "Shows one function top to bottom: its entry points and TOC set-up, its mcount site and"
        " the word there now, its ftrace record, and each hop from the site to what a call"
        " really runs, every hop checked against the next."
    ),
    run_on=run,
    needs_livepatch=False,
    arguments=(
        Argument(
            ("function",),
            {
                "metavar": "NAME|ADDRESS",
                "help": "a function's name (MODULE:NAME, NAME@N or NAME,N where it"
                " is ambiguous), or an address in it, in hexadecimal",
            },
        ),
        MODULE_ARGUMENT,
    ),
)
