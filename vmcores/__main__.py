# SPDX-License-Identifier: GPL-2.0-or-later
"""`python -m vmcores`."""

import sys

from vmcores.cli import main

if __name__ == "__main__":
    sys.exit(main())
