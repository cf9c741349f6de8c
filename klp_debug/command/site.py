# SPDX-License-Identifier: GPL-2.0-or-later
"""``site``: one mcount site."""

import argparse

from klp_debug.analysis.audit.site import report_site
from klp_debug.analysis.view.find_site import find_site
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.command.command import Argument, Command
from klp_debug.command.pasted_name import MODULE_ARGUMENT, whole_name
from klp_debug.result.site import SiteReport


def run(view: KernelView, args: argparse.Namespace) -> SiteReport:
    """
    Return everything about the site that ``args.site`` names.

    :raises FunctionNotFoundError: if it names none, or several
    """
    return report_site(view, find_site(view, whole_name(args.site, args)))


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
                "help": "a function's name (MODULE:NAME, NAME@N or NAME,N where it"
                " is ambiguous), or an address in hexadecimal: the site's, the function's, or one"
                " in the site's out-of-line stub",
            },
        ),
        MODULE_ARGUMENT,
    ),
    needs_livepatch=False,
)
