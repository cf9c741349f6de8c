# SPDX-License-Identifier: GPL-2.0-or-later
"""``set klp ...`` and ``show klp ...``."""

from collections.abc import Sequence
from pathlib import Path

import gdb

from klp_debug.command.command import Command


class _Set(gdb.Command):
    """Change how klp commands work."""

    def __init__(self) -> None:
        super().__init__("set klp", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class _Show(gdb.Command):
    """Show how klp commands work."""

    def __init__(self) -> None:
        super().__init__("show klp", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class _Format(gdb.Parameter):
    """The form of the answers: text, or JSON."""

    set_doc = "Set the form of the klp commands' answers."
    show_doc = "Show the form of the klp commands' answers."
    value: str

    def __init__(self) -> None:
        super().__init__("klp format", gdb.COMMAND_DATA, gdb.PARAM_ENUM, ["text", "json"])
        self.value = "text"

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, value: str) -> str:
        return f"The form of the klp commands' answers is {value}."


class _Symbols(gdb.Parameter):
    """Files or folders, separated by colons, as --symbols takes them in the shell."""

    set_doc = "Set where klp commands find vmlinux and .ko files that GDB has not loaded."
    show_doc = "Show where klp commands find vmlinux and .ko files that GDB has not loaded."
    value: str

    def __init__(self) -> None:
        super().__init__("klp symbols", gdb.COMMAND_DATA, gdb.PARAM_OPTIONAL_FILENAME)

    def get_set_string(self) -> str:
        return ""

    def get_show_string(self, value: str) -> str:
        return f"klp commands find symbol files in {value}." if value else "No such place is set."


class Settings:
    """What the user set."""

    def __init__(self) -> None:
        """Register the settings."""
        _Set()
        _Show()
        self._format = _Format()
        self._symbols = _Symbols()

    @property
    def symbols(self) -> tuple[Path, ...]:
        """Files and folders besides what GDB has loaded."""
        places = (self._symbols.value or "").split(":")
        return tuple(Path(place).expanduser() for place in places if place)

    def format_of(self, command: Command, words: Sequence[str]) -> list[str]:
        """Return the option that asks for the set form, unless the words ask for one."""
        asked = {"--json", *(f"--{name}" for name in command.formats)} & set(words)
        return ["--json"] if self._format.value == "json" and not asked else []


def register_settings() -> Settings:
    """Give GDB the settings."""
    return Settings()
