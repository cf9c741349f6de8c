# SPDX-License-Identifier: GPL-2.0-or-later
"""Known hazards: an earlier answer of ``scan --json`` names those that are accepted."""

import hashlib
import json
from pathlib import Path

from klp_debug.errors import TargetError


def fingerprint(file: Path, id_: str, subject: str) -> str:
    """
    Return what stays the same of a hazard from build to build.

    Evidence has addresses, which a rebuild moves, so it is left out; so is the file's folder.
    """
    return hashlib.sha256("\0".join((file.name, id_, subject)).encode()).hexdigest()[:16]


def read_baseline(path: Path) -> frozenset[str]:
    """
    Return the fingerprints in a document that ``scan --json`` wrote.

    :raises TargetError: if it cannot be read or is something else
    """
    try:
        document = json.loads(path.read_bytes())
        return frozenset(str(hazard["fingerprint"]) for hazard in document["hazards"])
    except OSError as error:
        raise TargetError(f"{path}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise TargetError(f"{path} is not what klp-debug scan --json writes") from None
