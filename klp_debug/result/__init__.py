# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the commands answer: plain data, shaped as the JSON documents that users see.

Nothing here knows where an answer came from or how it is shown, so every other room may
import it and it imports none of them. A field's name is its JSON key; an
:class:`~klp_debug.result.address.Address` becomes a string like ``"0xc000000000313e50"``.
"""
