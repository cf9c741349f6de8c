# SPDX-License-Identifier: GPL-2.0-or-later
"""``site``: one mcount site."""

import argparse

from klp_debug.analysis.find_function import FunctionNotFoundError
from klp_debug.analysis.find_site import find_site
from klp_debug.analysis.kernel_view import KernelView
from klp_debug.analysis.site_report import report_site
from klp_debug.command.command import Argument, Command, CommandError
from klp_debug.result.site import SiteReport


def run(view: KernelView, args: argparse.Namespace) -> SiteReport:
    """
    Return everything about the site that ``args.site`` names.

    :raises CommandError: if it names none, or several
    """
    try:
        index = find_site(view, args.site)
    except FunctionNotFoundError as error:
        raise CommandError(str(error)) from None
    return report_site(view, index)


SITE = Command(
    name="site",
    summary="check one mcount site against its record, its stubs and its ops",
    description=(
        "Shows one mcount site: the word there and what it means, its ftrace record with each"
        " flag, the stubs that it calls (what they need, where their instructions lead, whether"
        " magic and funcdata agree), the ftrace_ops that want it, and every contradiction"
        " between them."
    ),
    run_on=run,
    arguments=(
        Argument(
            ("site",),
            {
                "metavar": "NAME|ADDRESS",
                "help": "a function's name (MODULE:NAME or NAME@N where it is ambiguous), or an"
                " address in it or in its out-of-line stub, in hexadecimal",
            },
        ),
    ),
    needs_livepatch=False,
)
