# SPDX-License-Identifier: GPL-2.0-or-later
"""A function's name as the kernel prints it in a trace: its module is a word of its own."""

import argparse

from klp_debug.command.command import Argument

MODULE_ARGUMENT = Argument(
    ("module",),
    {
        "metavar": "MODULE",
        "nargs": "?",
        "help": "the function's module, as the kernel prints it behind the name in a trace:"
        " paste NAME+0x1c/0x130 [MODULE]",
    },
)


def whole_name(name: str, args: argparse.Namespace) -> str:
    """
    Return a name with the module that was written behind it, if one was.

    >>> whole_name("int_to_scsilun+0x4/0x38", argparse.Namespace(module="[scsi_common]"))
    'int_to_scsilun+0x4/0x38 [scsi_common]'
    """
    if args.module is None:
        return name
    module = args.module.removeprefix("[").removesuffix("]")
    return f"{name} [{module}]"
