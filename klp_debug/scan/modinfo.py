# SPDX-License-Identifier: GPL-2.0-or-later
"""What a module says of itself in ``.modinfo``, and a file's compilers in ``.comment``."""

import re
from dataclasses import dataclass

from klp_debug.elf.object_file import ObjectFile

_DIALECTS = ("mprofile-kernel", "patchable-function-entry")


@dataclass(frozen=True, slots=True)
class ModInfo:
    """The entries that concern live patching."""

    name: str | None
    livepatch: bool
    vermagic: str | None
    """The kernel it was built for: its release, then words such as ``mprofile-kernel``."""

    @property
    def release(self) -> tuple[int, int] | None:
        """Version and patch level of that kernel."""
        found = re.match(r"(\d{1,4})\.(\d{1,4})", self.vermagic or "")
        return (int(found[1]), int(found[2])) if found else None

    @property
    def has_sites(self) -> bool:
        """Whether a module for that kernel is compiled with mcount sites."""
        return any(word in _DIALECTS for word in (self.vermagic or "").split())

    @property
    def has_patchable_sites(self) -> bool:
        """Whether these are those of -fpatchable-function-entry."""
        return _DIALECTS[1] in (self.vermagic or "").split()


def modinfo_of(obj: ObjectFile) -> ModInfo:
    """Return a module's entries; of another file, none."""
    section = obj.named_section(".modinfo")
    entries: dict[str, str] = {}
    if section is not None:
        for entry in obj.data(section).split(b"\0"):
            key, equals, value = entry.decode("utf-8", "replace").partition("=")
            if equals:
                entries.setdefault(key, value)
    return ModInfo(
        name=entries.get("name"),
        livepatch=entries.get("livepatch") == "Y",
        vermagic=entries.get("vermagic") or _vermagic_of_vmlinux(obj),
    )


def _vermagic_of_vmlinux(obj: ObjectFile) -> str | None:
    """Return the string that the kernel compares a module's with (kernel/module/main.c)."""
    for symbol in obj.named_symbols("vermagic"):
        section = obj.sections[min(int(obj.symbol_sections[symbol]), len(obj.sections) - 1)]
        start = int(obj.symbols["value"][symbol]) - section.address
        text = obj.data(section)[start : start + 256] if start >= 0 else b""
        found = text.partition(b"\0")[0].decode("utf-8", "replace").strip()
        if obj.kind == "executable" and found:
            return found
    return None


def compilers_of(obj: ObjectFile) -> tuple[str, ...]:
    """Return each compiler that contributed, as it calls itself in ``.comment``."""
    section = obj.named_section(".comment")
    if section is None:
        return ()
    names = obj.data(section).split(b"\0")
    return tuple(dict.fromkeys(name.decode("utf-8", "replace") for name in names if name))
