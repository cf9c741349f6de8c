# SPDX-License-Identifier: GPL-2.0-or-later
"""What drgn warns of while a target is opened."""

import logging
import logging.handlers
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_warnings() -> Iterator[None]:
    """Hold back what drgn logs in the block until its end; an error that ends it tells enough."""
    logger = logging.getLogger("drgn")
    kept = logging.handlers.MemoryHandler(sys.maxsize, flushLevel=sys.maxsize)
    before = logger.handlers, logger.propagate
    logger.handlers, logger.propagate = [kept], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before
    for record in kept.buffer:
        logger.handle(record)
