# SPDX-License-Identifier: GPL-2.0-or-later
"""Where in their functions the mcount sites are, for each dialect."""

import numpy as np

from klp_debug.analysis.audit.sites import ARMED, Sites
from klp_debug.ppc64le.site_words import DIALECTS
from klp_debug.result.page import SiteOffsets
from klp_debug.result.text import plural
from klp_debug.result.unknown import Unknown, counted, first_unknown

_NOWHERE = -1
"""The offset of a site that no symbol covers; a site is never before its function."""


def site_offsets(sites: Sites) -> tuple[SiteOffsets | Unknown, ...]:
    """
    Count the sites whose records, words and symbols could be read.

    :return: by dialect, then without and with TOC set-up, then by offset in bytes; those that no
        symbol covers are the last of a dialect. Where others could not be read, each is at least
        so many, and ``Unknown`` is the last.
    """
    known = sites.state_known & sites.dialect_known
    left = int((~known).sum())
    unread = Unknown(f"{plural(left, 'site')} could not be told") if left else None
    missing = first_unknown((sites.records.missing, unread))
    offsets = np.where(sites.in_function, sites.offsets, _NOWHERE)
    toc_setup = sites.in_function & (sites.local_entries > 0)
    keys = np.stack([sites.dialects.astype(np.int64), toc_setup.astype(np.int64), offsets], axis=1)
    kinds, of_kind, numbers = np.unique(
        keys[known], axis=0, return_inverse=True, return_counts=True
    )
    # Some versions of numpy give the inverse a second axis here.
    armed = np.bincount(
        of_kind.reshape(-1), weights=sites.states[known] == ARMED, minlength=len(kinds)
    )
    counts = [
        SiteOffsets(
            dialect=DIALECTS[dialect].value,
            toc_setup=bool(has_toc_setup),
            offset=offset if offset != _NOWHERE else None,
            sites=counted(int(number), missing),
            armed=counted(int(armed_number), missing),
        )
        for (dialect, has_toc_setup, offset), number, armed_number in zip(
            kinds.tolist(), numbers, armed, strict=True
        )
    ]
    counts.sort(key=lambda count: (count.dialect, count.offset is None))
    return tuple(counts) if missing is None else (*counts, missing)
