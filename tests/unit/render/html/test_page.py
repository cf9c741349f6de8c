# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of a report as a browser's parser reads it."""

import base64
import dataclasses
import hashlib
import itertools
import re

from klp_debug.render.html.page import as_html
from klp_debug.result.page import ReportPage
from klp_debug.result.report import CrashFacts
from klp_debug.result.unknown import Unknown
from tests.support.answers.page import PAGE
from tests.support.answers.page import UNKNOWN as UNKNOWN_PAGE
from tests.support.golden import Golden
from tests.support.parsed import find, local, parse, text
from tests.support.sure import whole

UNREAD = Unknown("registers of CPU 1: they are not in the dump")

EMPTY = dataclasses.replace(
    PAGE,
    report=dataclasses.replace(
        PAGE.report, crash=None, findings=(), patches=(), transition=None, waiting=0
    ),
    functions=(),
    transition=None,
    offsets=(),
    problems=(),
)


def section(page: ReportPage, id_: str) -> str:
    (found,) = find(parse(page), "section", id=id_)
    return text(found)


def test_verdict_first() -> None:
    document = parse(PAGE)
    (heading,) = find(document, "h1")
    assert text(heading) == "Live patching caused this crash."
    (body,) = find(document, "body")
    before = text(body).partition(text(heading))[0]
    assert before == (
        "Linux 6.1.176 ppc64le, radix MMU, 64K pages, call sites: mprofile-kernel (2 instructions)"
        " kdump vmcore "
    )
    (title,) = find(next(find(document, "head")), "title")
    assert text(title).startswith("Live patching caused this crash.")
    (proof,) = find(document, "ol", class_="proof")
    assert [text(line) for line in proof] == list(PAGE.report.verdict.proof)


def test_nothing_runs_and_nothing_is_loaded() -> None:
    document = parse(PAGE)
    names = {local(element) for element in document.iter()}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    for element in document.iter():
        for name, value in element.items():
            assert name not in ("src", "style", "srcset", "action", "data", "poster", "background")
            assert not name.startswith("on")
            assert not name.endswith("href") or value.startswith("#")
    (style,) = find(document, "style")
    assert style.text is not None
    assert "url(" not in style.text
    assert "@import" not in style.text
    # Namespaces of SVG are names, and nothing is fetched from there; but there are none here.
    assert "http:" not in as_html(PAGE).replace("http-equiv", "")
    assert "https:" not in as_html(PAGE)


def test_policy_allows_this_style_sheet_alone() -> None:
    document = parse(PAGE)
    head = next(find(document, "head"))
    (policy,) = find(head, "meta", **{"http-equiv": "Content-Security-Policy"})
    (style,) = find(head, "style")
    assert list(head).index(policy) < list(head).index(style)
    assert style.text is not None
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    rules = dict(rule.split(" ", 1) for rule in policy.attrib["content"].split("; "))
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_links_lead_to_places_on_the_page() -> None:
    for page in (PAGE, EMPTY):
        document = parse(page)
        ids = [element.attrib["id"] for element in document.iter() if "id" in element.attrib]
        assert len(ids) == len(set(ids))
        for element in document.iter():
            if "href" in element.attrib:
                assert element.attrib["href"].removeprefix("#") in ids
            for reference in element.get("aria-labelledby", "").split():
                assert reference in ids


def test_it_can_be_heard() -> None:
    """Headings without gaps, tables with headings, pictures with words."""
    document = parse(PAGE)
    assert document.get("lang") == "en"
    levels = [int(local(e)[1]) for e in document.iter() if re.fullmatch("h[1-6]", local(e))]
    assert levels[0] == 1
    assert levels.count(1) == 1
    for level, following in itertools.pairwise(levels):
        assert following <= level + 1
    for table in find(document, "table"):
        assert list(find(table, "th", scope="col"))
    for svg in find(document, "svg"):
        if svg.get("aria-hidden") == "true":
            continue
        assert svg.get("role") == "img"
        assert text(next(find(svg, "title")))
    for summary in find(document, "summary"):
        assert text(summary)


def test_crash() -> None:
    told = section(PAGE, "crash")
    for fact in (
        r"Oops\x1b",
        "Registers of CPU 1",
        "LR c0080000001201e8",
        "TRAP 0400",
        "r12 000000000000000c",
        "r31 000000000000001f",
        "MSR 8000000040009033",
        "schedule+0x78",
        "from the livepatch stack",
        "livepatch stack c",
        "Oops: line 1",
    ):
        assert fact in told, fact


def test_registers_and_log_that_are_not_known() -> None:
    crash = CrashFacts(message=None, cpu=1, registers=UNREAD, trace=UNREAD, log=())
    told = section(
        dataclasses.replace(PAGE, report=dataclasses.replace(PAGE.report, crash=crash)), "crash"
    )
    assert "The log does not tell" in told
    assert f"CPU 1; its registers: {UNREAD}" in told


def test_findings_by_severity() -> None:
    (found,) = find(parse(PAGE), "section", id="findings")
    headings = [text(heading) for heading in find(found, "h3")]
    assert headings == ["error: toc-stub-on-leaf", "warning: a-warning"]
    for evidence, finding in zip(
        find(found, "details"), whole(PAGE.report.findings)[::-1], strict=True
    ):
        assert text(next(find(evidence, "summary"))) == "Evidence"
        assert finding.subject in text(evidence)
        assert finding.evidence in text(evidence)


def test_many_findings_of_a_kind_are_folded() -> None:
    many = dataclasses.replace(PAGE.report, findings=PAGE.report.findings[:1] * 4)
    (found,) = find(parse(dataclasses.replace(PAGE, report=many)), "section", id="findings")
    (heading,) = find(found, "h3")
    assert text(heading) == "warning: a-warning 4 times"
    (details,) = find(found, "details")
    assert "open" not in details.attrib
    assert text(details).count("its bytes") == 4


def test_patches() -> None:
    (found,) = find(parse(PAGE), "section", id="patches")
    rows = [[text(cell) for cell in row] for row in find(found, "tr")]
    function = [
        "int_to_scsilun",
        "c0080000001401e0",
        "c008000000230000",
        "1 below top",
        "overridden by other_patch",
    ]
    state = "patching, replace, forced"
    assert rows == [
        [
            *("Patch", "State", "Object"),
            *("Function", "Original", "Replacement", "Stack", "Runs"),
        ],
        ["leaf_patch", state, "scsi_common", *function],
        ["leaf_patch", state, "scsi_common", *function],
        ["leaf_patch", state, "absent (not loaded)", "no functions"],
        ["empty_patch", "disabled", "no objects"],
    ]


def test_problems() -> None:
    assert section(PAGE, "problems") == "What could not be read klp_patch at 0x1 cannot be read"


def test_nothing_to_tell() -> None:
    assert section(EMPTY, "chains").endswith("No function is live-patched.")
    assert section(EMPTY, "findings") == "Findings None."
    assert section(EMPTY, "transition") == "Transition This kernel has no livepatch."
    assert section(EMPTY, "patches") == "Patches No live patch is loaded."
    assert not list(find(parse(EMPTY), "section", id="crash"))
    assert not list(find(parse(EMPTY), "section", id="problems"))


def test_whole_pages(golden: Golden) -> None:
    """As a diff they show what the other tests here do not ask for."""
    golden("report", "everything", _without_style(as_html(PAGE)), kind="html")
    golden("report", "empty", _without_style(as_html(EMPTY)), kind="html")


def _without_style(html: str) -> str:
    """Return a page without its style sheet, which is a file of its own, and its digest."""
    html, sheets = re.subn(r"(?s)(<style>).*(</style>)", r"\1...\2", html)
    html, digests = re.subn(r"sha256-[\w+/]+=", "sha256-...", html)
    assert (sheets, digests) == (1, 1)
    return html


def test_what_is_unknown(golden: Golden) -> None:
    golden("report", "unknown", _without_style(as_html(UNKNOWN_PAGE)), kind="html")


def test_nothing_is_denied_that_is_unknown() -> None:
    page = dataclasses.replace(
        EMPTY,
        report=dataclasses.replace(EMPTY.report, crash=UNREAD, findings=(UNREAD,)),
        functions=(UNREAD,),
    )
    assert section(page, "crash") == f"Crash {UNREAD}"
    assert section(page, "findings") == f"Findings Not checked: {UNREAD}"
    assert section(page, "chains").endswith(f"A function that is live-patched: {UNREAD}")
