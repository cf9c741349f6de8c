# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest lab: builds ppc64le kernels, boots them under QEMU, patches and crashes them."""

import sys

MINIMUM_PYTHON = (3, 11)


def _require_python(version: "tuple[int, ...]") -> None:
    """Exit with status 2 and one sentence if this Python is too old for the lab."""
    if tuple(version) < MINIMUM_PYTHON:
        sys.stderr.write(
            "vmcores: this needs Python {}.{} or later, and {} is {}.{}; say which one to use"
            " with `make PYTHON=python3.11 ...`.\n".format(
                *MINIMUM_PYTHON, sys.executable, *version
            )
        )
        sys.exit(2)


_require_python(sys.version_info[:2])
