# SPDX-License-Identifier: GPL-2.0-or-later
"""The console: commands one after the other, to a target that was opened once."""

CONSOLE_DESCRIPTION = """\
Takes all commands of the shell, by the same names and with the same arguments, and help, stop,
continue, wait and quit. TAB completes commands, options, patches, functions and modules. Ctrl-C
drops a line or ends what runs; Ctrl-D leaves, and a stopped target runs then.

Where stdin is no terminal it takes a script, line by line; # begins a comment. A line that cannot
be used, or a change that is refused, ends the script; the exit code is that of its first failure.
"""
