# SPDX-License-Identifier: GPL-2.0-or-later
"""The user's cache folder: every entry is named by its key and is complete or absent."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

PARTIAL = ".partial"
"""How the name of a folder ends that is to become an entry."""


def cache_root() -> Path:
    """Return the lab's folder in the user's cache folder; it need not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG base directory specification: a relative path there is to be ignored.
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "klp-debug"


def log_path(title: str) -> Path:
    """Return where the log of the stage TITLE goes; makes the folder."""
    folder = cache_root() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]+", "-", title)
    return folder / f"{name}.log"


def key_of(*parts: object) -> str:
    """Return a key for PARTS, which JSON must be able to hold."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_digests(*paths: Path) -> dict[str, str]:
    """Return file name -> SHA-256 of PATHS; of every file below a path that is a folder."""
    files = [f for p in paths for f in ([p] if p.is_file() else sorted(p.rglob("*")))]
    return {
        f.name: hashlib.sha256(f.read_bytes()).hexdigest()
        for f in files
        if f.is_file() and "__pycache__" not in f.parts
    }


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock NAME against other runs; waits for them."""
    with _lock_file(name) as lock:
        if not _lock_now(lock):
            print(f"waiting for another run to make {name}", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_file(name: str) -> TextIO:
    folder = cache_root() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / f"{name}.lock").open("w")


def _lock_now(lock: TextIO) -> bool:
    """Lock it if nobody else has; return whether it is ours."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def remove_abandoned() -> None:
    """Remove what killed runs have left half made; what a run still makes is locked, and stays."""
    for partial in cache_root().glob(f"*/*{PARTIAL}"):
        with _lock_file(_lock_name(partial.with_suffix(""))) as lock:
            if _lock_now(lock):
                # A child of the killed run may still write there: then it is for the next run.
                shutil.rmtree(partial, ignore_errors=True)


def _lock_name(folder: Path) -> str:
    return f"{folder.parent.name}-{folder.name}"


def entry_folder(kind: str, label: str, key: str) -> Path:
    """Return where the folder of an entry is; it is there once it is complete."""
    return cache_root() / kind / f"{label}-{key}"


def entry(kind: str, label: str, key: str, make: Callable[[Path], None]) -> Path:
    """
    Return the folder of an entry; if it is absent, MAKE fills it first.

    MAKE gets an empty folder that becomes the entry only once MAKE has returned. Two runs that
    want the same entry do not collide: the second waits and finds it made. What a killed run had
    begun, of this entry or any other, is removed first.
    """
    folder = entry_folder(kind, label, key)
    if folder.is_dir():
        return folder
    remove_abandoned()
    with locked(_lock_name(folder)):
        if folder.is_dir():
            return folder
        partial = folder.with_name(f"{folder.name}{PARTIAL}")
        if partial.exists():
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        make(partial)
        partial.rename(folder)
    return folder
