# SPDX-License-Identifier: GPL-2.0-or-later
"""Parses what the guest's tell-oracle wrote. Each function takes the literal text of a file."""

import re
import struct
from pathlib import Path

from vmcores.errors import GuestError
from vmcores.oracle.oracle import (
    EnabledFunction,
    Module,
    Oracle,
    Patch,
    PatchedObject,
    Symbol,
    Task,
)

AT_PAGESZ = 6
NT_GNU_BUILD_ID = 3


def read_oracle(folder: Path) -> Oracle:
    """Return the oracle of the files in FOLDER. Raises GuestError for one that has no sense."""

    def text(name: str) -> str:
        path = folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    try:
        return Oracle(
            release=text("release").strip(),
            build_id=parse_build_id((folder / "notes").read_bytes()),
            mmu=parse_mmu(text("cpuinfo")),
            page_size=parse_page_size((folder / "auxv").read_bytes()),
            patches=parse_livepatch(text("livepatch")),
            enabled_functions=parse_enabled_functions(text("enabled_functions")),
            modules=parse_modules(text("modules")),
            tasks=parse_tasks(text("tasks")),
            leaf_probe=text("leaf_probe"),
            cmdline=text("cmdline"),
            log=parse_log(text("log")),
            kallsyms=parse_kallsyms(text("kallsyms")),
        )
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise GuestError(f"the guest's oracle in {folder} cannot be read: {error}") from error


def parse_livepatch(text: str) -> tuple[Patch, ...]:
    """Return the patches of a listing 'path/' and 'path value' of /sys/kernel/livepatch."""
    values: dict[str, str] = {}
    folders: list[list[str]] = []
    for line in text.splitlines():
        path, _, value = line.removeprefix("./").partition(" ")
        if path.endswith("/"):
            folders.append(path.rstrip("/").split("/"))
        else:
            values[path] = value

    def objects(patch: str) -> tuple[PatchedObject, ...]:
        return tuple(
            PatchedObject(
                name=name,
                patched={"1": True, "0": False}.get(values.get(f"{patch}/{name}/patched", "")),
                functions=tuple(f[2] for f in folders if f[:2] == [patch, name] and len(f) == 3),
            )
            for name in (f[1] for f in folders if f[0] == patch and len(f) == 2)
        )

    return tuple(
        Patch(
            name=name,
            enabled=values[f"{name}/enabled"] == "1",
            transition=values[f"{name}/transition"] == "1",
            objects=objects(name),
        )
        for name in (f[0] for f in folders if len(f) == 1 and f[0] not in {"", "."})
    )


_ENABLED = re.compile(r"(?P<name>\S+)(?: \[(?P<module>[^\]]+)\])? \((?P<count>\d+)\)(?P<rest>.*)")


def parse_enabled_functions(text: str) -> tuple[EnabledFunction, ...]:
    """Return the lines of tracing/enabled_functions; those of details below one are skipped."""
    found = []
    for line in text.splitlines():
        if match := _ENABLED.match(line):
            flags = re.match(r"(?:\s+[A-Z]\b)*", match["rest"])
            found.append(
                EnabledFunction(
                    name=match["name"],
                    module=match["module"],
                    count=int(match["count"]),
                    flags="".join(flags[0].split()) if flags else "",
                )
            )
    return tuple(found)


def parse_kallsyms(text: str) -> tuple[Symbol, ...]:
    """Return the lines of /proc/kallsyms."""

    def symbol(line: str) -> Symbol:
        address, kind, name, *module = line.split()
        return Symbol(int(address, 16), kind, name, module[0].strip("[]") if module else None)

    return tuple(symbol(line) for line in text.splitlines())


def parse_modules(text: str) -> tuple[Module, ...]:
    """Return the lines of /proc/modules, in its order: the last loaded comes first."""

    def module(line: str) -> Module:
        name, size, _references, _users, _state, address, *taints = line.split()
        return Module(name, int(size), int(address, 16), taints[0].strip("()") if taints else "")

    return tuple(module(line) for line in text.splitlines())


_FRAME = re.compile(r"\[<0>\] (\S+?)\+0x[0-9a-f]+/0x[0-9a-f]+(.*)")


def parse_tasks(text: str) -> tuple[Task, ...]:
    """Return the tasks of 'PID/FILE:line' lines, by pid; not one that ended meanwhile."""
    files: dict[int, dict[str, list[str]]] = {}
    for line in text.splitlines():
        path, _, content = line.partition(":")
        pid, _, file = path.partition("/")
        files.setdefault(int(pid), {}).setdefault(file, []).append(content)

    def task(pid: int, told: dict[str, list[str]]) -> Task:
        patch_state = told.get("patch_state")
        frames = (_FRAME.match(line) for line in told.get("stack", ()))
        return Task(
            pid=pid,
            comm=told["comm"][0],
            # The comm before it, in parentheses, may itself have some.
            state=told["stat"][0].rpartition(") ")[2][0],
            patch_state=int(patch_state[0]) if patch_state else None,
            stack=tuple(match[1] + match[2].rstrip() for match in frames if match),
        )

    return tuple(
        task(p, told) for p, told in sorted(files.items()) if {"comm", "stat"} <= set(told)
    )


def parse_log(text: str) -> tuple[str, ...]:
    """Return lines of the kernel's log without their time stamps."""
    return tuple(re.sub(r"^\[[ \d.]+\] ", "", line) for line in text.splitlines())


def parse_mmu(cpuinfo: str) -> str:
    """Return 'radix' or 'hash'. Raises ValueError if the text does not say."""
    match = re.search(r"^MMU\s*: (Radix|Hash)$", cpuinfo, re.MULTILINE)
    if not match:
        raise ValueError("/proc/cpuinfo has no MMU line")
    return match[1].lower()


def parse_page_size(auxv: bytes) -> int:
    """Return the page size of a process's auxiliary vector. Raises KeyError."""
    vector: dict[int, int] = dict(struct.iter_unpack("<QQ", auxv))
    return vector[AT_PAGESZ]


def parse_build_id(notes: bytes) -> str:
    """Return the GNU build id of /sys/kernel/notes in hex. Raises ValueError if it has none."""
    offset = 0
    while offset + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from("<III", notes, offset)
        name = offset + 12
        data = name + (name_size + 3) // 4 * 4
        if kind == NT_GNU_BUILD_ID and notes[name : name + name_size] == b"GNU\0":
            return notes[data : data + size].hex()
        offset = data + (size + 3) // 4 * 4
    raise ValueError("/sys/kernel/notes has no GNU build id")
