# SPDX-License-Identifier: GPL-2.0-or-later
"""Words to the user that are no answer."""

import sys

from klp_debug.render.terminal import escape


def tell(sentence: str) -> None:
    """Say one sentence on stderr."""
    print(f"klp-debug: {escape(sentence)}", file=sys.stderr, flush=True)
