# SPDX-License-Identifier: GPL-2.0-or-later
"""What of an HTML page is seen or read aloud."""

from tests.support.removal.judge_page import pieces

PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Not involved.</title><style>p {}</style></head>
<body>
<nav aria-label="On this page"><ul>
<li><a href="#patches">Patches</a> <b>2</b></li>
<li><a href="#problems">Not read</a> <b>1</b></li>
</ul></nav>
<h1><svg class="mark fine" aria-hidden="true"><path d="M5"/></svg><span>Not
  involved.</span></h1>
<p>2 <b>patches</b> are loaded</p>
<svg role="img" aria-label="bars"><title>3 of 4</title></svg>
<svg class="mark doubt" aria-hidden="true"></svg>
<section id="problems"><h2>What could not be read</h2><p>klp_patches</p></section>
</body></html>
"""


def test_in_the_order_of_the_document() -> None:
    assert pieces(PAGE) == [
        "Not involved.",
        *("On this page", "Patches", "2"),
        *("(mark: fine)", "Not involved."),
        *("2", "patches", "are loaded"),
        *("bars", "3 of 4"),
    ]
