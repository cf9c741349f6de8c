# SPDX-License-Identifier: GPL-2.0-or-later
"""Where in their functions the mcount sites are, for each dialect."""

import numpy as np

from klp_debug.analysis.audit.sites import ARMED, Sites
from klp_debug.ppc64le.site_words import DIALECTS
from klp_debug.result.page import SiteOffsets

_NOWHERE = -1
"""The offset of a site that no symbol covers; a site is never before its function."""


def site_offsets(sites: Sites) -> tuple[SiteOffsets, ...]:
    """
    Count the sites whose words could be read.

    :return: by dialect, then without and with TOC set-up, then by offset in bytes; those that no
        symbol covers are the last of a dialect
    """
    offsets = np.where(sites.in_function, sites.offsets, _NOWHERE)
    toc_setup = sites.in_function & (sites.local_entries > 0)
    keys = np.stack([sites.dialects.astype(np.int64), toc_setup.astype(np.int64), offsets], axis=1)
    kinds, of_kind, numbers = np.unique(
        keys[sites.read], axis=0, return_inverse=True, return_counts=True
    )
    # Some versions of numpy give the inverse a second axis here.
    armed = np.bincount(
        of_kind.reshape(-1), weights=sites.states[sites.read] == ARMED, minlength=len(kinds)
    )
    counts = [
        SiteOffsets(
            dialect=DIALECTS[dialect].value,
            toc_setup=bool(has_toc_setup),
            offset=offset if offset != _NOWHERE else None,
            sites=int(number),
            armed=int(armed_number),
        )
        for (dialect, has_toc_setup, offset), number, armed_number in zip(
            kinds.tolist(), numbers, armed, strict=True
        )
    ]
    return tuple(sorted(counts, key=lambda count: (count.dialect, count.offset is None)))
