# SPDX-License-Identifier: GPL-2.0-or-later
"""
The page of real captures on a screen.

What is on it is compared with ``--json`` of the commands that it draws.
"""

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browsing import DESK, PHONE, TABLET, Written, area, fold, shown

pytestmark = pytest.mark.lab


def test_verdict_is_seen_first(browser: Browser, written: Written) -> None:
    verdict = written.json("report")["verdict"]
    with shown(browser, written) as page:
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(verdict["what"][0])
        box = heading.bounding_box()
        assert box is not None
        assert box["y"] < 200
        # The page's own style counts, and no other could.
        assert float(page.evaluate("parseFloat(getComputedStyle(document.body).maxWidth)")) > 1000


def test_style_of_another_does_not_count(browser: Browser, written: Written) -> None:
    """What the policy forbids is forbidden indeed, were it on the page: the browser complains."""
    evil = written.path.with_name("evil.html")
    html = written.path.read_text()
    added = '<style>body{display:none}</style><script>document.title="x"</script><img src="x.png">'
    evil.write_text(html.replace("<main>", f"{added}<main>"))
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(evil.as_uri())
    assert page.title() != "x"
    assert area(page.locator("main")) > 0
    for rule in ("style-src", "script-src", "img-src"):
        assert any(rule in complaint for complaint in complaints)
    context.close()


@pytest.mark.parametrize("width", [DESK, TABLET, PHONE])
def test_nothing_sticks_out(browser: Browser, written: Written, width: int) -> None:
    with shown(browser, written, width) as page:
        fold(page, open_=True)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for box in page.locator(".box > .body").all():
            edges = box.bounding_box()
            assert edges is not None
            assert edges["x"] >= 0
            assert edges["x"] + edges["width"] <= width
            # Nothing in a box is cut off or lies over another.
            assert box.evaluate("e => e.scrollWidth <= e.clientWidth + 1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_told_from_paper(browser: Browser, written: Written, scheme: str) -> None:
    """Every element with text of its own has the contrast that WCAG asks for, 4.5 to 1."""
    with shown(browser, written, color_scheme=scheme) as page:
        poor = page.evaluate(
            """() => {
                const lum = ([r, g, b]) => [r, g, b].map(v => v / 255)
                    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
                const rgb = text => text.match(/[\\d.]+/g).map(Number);
                const paper = e => {
                    for (; e; e = e.parentElement) {
                        const found = rgb(getComputedStyle(e).backgroundColor);
                        if (found.length == 3) return found;
                    }
                    return [255, 255, 255];
                };
                return [...document.querySelectorAll("body *")].filter(e =>
                    !e.closest("svg") &&
                    [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())
                ).filter(e => {
                    const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(paper(e))];
                    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
                }).map(e => e.outerHTML.slice(0, 80));
            }"""
        )
        assert poor == []


def test_chains_are_those_of_func(browser: Browser, written: Written) -> None:
    patches = written.json("list")["patches"]
    patched = {
        (function["old_name"], obj["name"])
        for patch in patches
        for obj in patch["objects"]
        for function in obj["functions"]
        if function["stack_position"] is not None
    }
    with shown(browser, written) as page:
        articles = page.locator("#chains article")
        expect(articles).to_have_count(len(patched))
        for name, module in patched:
            told = written.json("func", f"{module}:{name}")
            article = articles.filter(has=page.locator(f"h3:text-matches('^{name}\\\\b')"))
            boxes = article.locator(".box")
            expect(boxes).to_have_count(1 + len(told["chain"]))
            for box, hop in zip(boxes.all()[1:], told["chain"], strict=True):
                assert area(box) > 0
                expect(box).to_contain_text(hop["address"].removeprefix("0x"))
                expect(box).to_contain_text(hop["what"])
                expect(box.locator(".state")).to_have_text("ok" if hop["ok"] else "BROKEN")


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_the_broken_hop_is_seen(browser: Browser, seed: Written, width: int) -> None:
    with shown(browser, seed, width) as page:
        article = page.locator("#chains article").first
        expect(article.locator("h3")).to_have_text("int_to_scsilun [scsi_common]")
        broken = article.locator(".box.broken")
        expect(broken).to_have_count(1)
        expect(broken.locator(".kind")).to_have_text("stub")
        assert area(broken) > 5000
        assert area(broken.locator(".state strong")) > 0
        assert area(broken.locator(".state svg")) > 0
        whole = article.locator(".box:not(.broken) > .body").first
        thick = [
            page_box.evaluate("e => parseFloat(getComputedStyle(e).borderTopWidth)")
            for page_box in (broken.locator("> .body"), whole)
        ]
        assert thick[0] > thick[1]
        # The cut arrow is between the stub and the trampoline.
        cut = page.locator("svg.arrow.broken")
        expect(cut).to_have_count(1)
        (stub, arrow, trampoline) = (
            one.bounding_box()
            for one in (
                broken.locator("> .body"),
                cut,
                article.locator(".box", has_text="trampoline").locator("> .body"),
            )
        )
        assert stub is not None
        assert arrow is not None
        assert trampoline is not None
        assert stub["y"] + stub["height"] <= arrow["y"]
        assert arrow["y"] + arrow["height"] <= trampoline["y"]


def test_evidence_folds_and_unfolds(browser: Browser, written: Written) -> None:
    with shown(browser, written) as page:
        everything = page.locator("details")
        assert everything.count() > 0
        for details in everything.all():
            inner = details.locator(":scope > :not(summary)").first
            for _ in range(2):
                was = inner.is_visible()
                details.locator("> summary").click()
                assert inner.is_visible() is not was


def test_folds_by_keyboard(browser: Browser, seed: Written) -> None:
    with shown(browser, seed) as page:
        evidence = page.locator("#findings details").first
        evidence.locator("summary").focus()
        was = evidence.evaluate("e => e.open")
        page.keyboard.press("Enter")
        assert evidence.evaluate("e => e.open") is not was


def test_who_holds_the_transition_up(browser: Browser, stalled: Written) -> None:
    told = stalled.json("transition")
    (waiting,) = told["waiting"]
    with shown(browser, stalled) as page:
        section = page.locator("#transition")
        assert section.locator("figure > svg path.waiting").count() == 1
        assert section.locator("figure > svg path.switched").count() == told["switched"]
        assert area(section.locator("figure > svg")) > 1000
        task = section.locator("article")
        expect(task).to_have_count(1)
        expect(task).to_contain_text(f"{waiting['trace']['comm']} ({waiting['trace']['pid']})")
        expect(task).to_contain_text(waiting["why"])
        expect(task).to_contain_text(waiting["unblocks"])


def test_histogram_is_that_of_audit(browser: Browser, written: Written) -> None:
    audit = written.json("audit")
    expected = {(f"+{int(one['offset']):#x}", str(one["sites"])) for one in audit["offsets"]}
    with shown(browser, written) as page:
        rows = page.locator(".histogram tbody tr:not(.dialect)")
        found, widths = set(), {}
        for row in rows.all():
            place, sites = row.locator("th").inner_text(), row.locator("td").first.inner_text()
            found.add((place.partition(",")[0].partition(":")[0], sites))
            bar = row.locator("rect").bounding_box()
            assert bar is not None
            widths[int(sites)] = bar["width"]
        if audit["without_symbol"]:
            guess = "in no symbol; most likely weak functions that the linker dropped"
            expected.add((guess, str(audit["without_symbol"])))
        assert found == expected
        assert sorted(widths) == sorted(widths, key=lambda sites: widths[sites])
