# SPDX-License-Identifier: GPL-2.0-or-later
"""``klp-debug``, and ``python -m klp_debug``."""

import sys

from klp_debug.frontend.drgn_version import drgn_too_old


def main() -> int:
    """Run the command line; return its exit code."""
    if complaint := drgn_too_old():
        print(f"klp-debug: {complaint}", file=sys.stderr)  # noqa: T201
        return 2
    # Only now: with an older drgn importing it fails.
    from klp_debug.frontend.cli import main as command_line

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
