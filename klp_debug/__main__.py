# SPDX-License-Identifier: GPL-2.0-or-later
"""``python -m klp_debug``."""

import sys

from klp_debug.frontend.cli import main

sys.exit(main())
