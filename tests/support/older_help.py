# SPDX-License-Identifier: GPL-2.0-or-later
"""
Help as Python 3.11 and 3.12 lay it out, whichever Python prints it.

Since Python 3.13 argparse names an option's value once (``-c, --core PATH``, and
``-c PATH, --core PATH`` before), so that more help fits beside it, and may break a usage inside a
group of options.
"""

import re

_WIDTH = 78
"""Of a terminal of 80 columns argparse leaves two free."""
_HELP_AT = 24
_SHORT_AND_LONG = re.compile(r"  (-\w), (--[\w-]+) ([A-Z]\S*)$")


def older_help(text: str, width: int = _WIDTH) -> str:
    """Return the help of a parser, which was printed with that width, as Python 3.11 prints it."""
    usage, blank, rest = text.partition("\n\n")
    return _usage(usage, width) + blank + _options(rest)


def _usage(text: str, width: int) -> str:
    """Return a usage with each option, and each group of them, in one piece."""
    words = " ".join(text.split())
    if len(words) <= width:
        return words
    program = re.match(r"\w+: (?:[a-z-]+ )*", words)
    assert program is not None
    options, positionals = _parts(words[program.end() :])
    indent = " " * program.end()
    lines = _filled(options, indent, width)
    # Positional arguments begin a line.
    lines += _filled(positionals, indent, width) if positionals else []
    return program.group() + "\n".join(lines).lstrip()


def _parts(words: str) -> tuple[list[str], list[str]]:
    parts = re.findall(r"\[(?:[^][]|\[[^]]*\])*\]|\S+", words)
    options = [part for part in parts if part.startswith("[-")]
    return options, parts[len(options) :]


def _filled(parts: list[str], indent: str, width: int) -> list[str]:
    lines = [indent[:-1]]
    for part in parts:
        if len(lines[-1]) + 1 + len(part) > width and lines[-1].strip():
            lines.append(indent[:-1])
        lines[-1] += f" {part}"
    return lines


def _options(text: str) -> str:
    lines: list[str] = []
    for line in text.split("\n"):
        option, help_ = line[: _HELP_AT - 2].rstrip(), line[_HELP_AT:]
        if line[_HELP_AT - 2 : _HELP_AT].strip():
            option, help_ = line, ""
        named = _SHORT_AND_LONG.match(option)
        if named is None:
            lines.append(line)
            continue
        short, long, value = named.groups()
        option = f"  {short} {value}, {long} {value}"
        if len(option) > _HELP_AT - 2 and help_:
            lines += [option, " " * _HELP_AT + help_]
        else:
            lines.append(f"{option:{_HELP_AT}}{help_}".rstrip())
    return "\n".join(lines)
