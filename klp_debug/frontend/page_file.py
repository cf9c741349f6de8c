# SPDX-License-Identifier: GPL-2.0-or-later
"""The file that ``report --html`` asks for."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from klp_debug.frontend.tell import tell
from klp_debug.frontend.whole_file import WholeFile
from klp_debug.result.common import Answer
from klp_debug.result.page import ReportPage


@contextmanager
def page_file(args: argparse.Namespace) -> Iterator[Callable[[Answer], Answer]]:
    """
    Begin the page that a command's arguments ask for, if they do.

    What it yields writes the page, and returns the answer that is to be printed.

    :raises CommandError: if the file cannot be written
    """
    path = getattr(args, "html", None)
    if path is None:
        yield lambda answer: answer
        return
    # Only a page needs its templates.
    from klp_debug.render.html.page import as_html

    with WholeFile(path) as page:

        def write(answer: Answer) -> Answer:
            assert isinstance(answer, ReportPage)
            page.write(as_html(answer))
            tell(f"the page is {page.path}")
            return answer.report

        yield write
