# SPDX-License-Identifier: GPL-2.0-or-later
"""
Where the bytes come from.

One :class:`drgn.Program` serves everything above, whatever was opened. What drgn 0.3 cannot
open or translate by itself is added here, as memory segments; nothing here knows of
livepatching.
"""
