# SPDX-License-Identifier: GPL-2.0-or-later
"""The file that ``report --html`` asks for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from klp_debug.frontend.tell import tell
from klp_debug.frontend.whole_file import WholeFile
from klp_debug.result.common import Answer
from klp_debug.result.page import ReportPage


@contextmanager
def page_file(path: Path | None) -> Iterator[Callable[[Answer], Answer]]:
    """
    Begin the page that is to be written to a file; no page if the file is None.

    What it yields writes the page, and returns the answer that is to be printed.

    :raises CommandError: if the file cannot be written
    """
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
