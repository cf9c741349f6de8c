# SPDX-License-Identifier: GPL-2.0-or-later
"""
The page of a report.

Two things hold for everything in it that comes from the target, whatever the templates do:
control, bidirectional and other non-ASCII characters are shown by their codes, as in a terminal,
and what has a meaning in HTML is escaped.
"""

import base64
import functools
import hashlib
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from klp_debug.render.bt import frame_notes, livepatch_frame, task_doing
from klp_debug.render.func import record_cell, toc_sentence
from klp_debug.render.html.chain_diagram import chain_diagram
from klp_debug.render.html.finding_groups import finding_groups
from klp_debug.render.html.histogram import bars
from klp_debug.render.html.register_groups import register_groups
from klp_debug.render.html.task_squares import task_squares
from klp_debug.render.kernel import kernel_lines
from klp_debug.render.list import FUNCTION_HEADINGS, function_cells, object_name, patch_state
from klp_debug.render.terminal import escape
from klp_debug.render.transition import transition_summary
from klp_debug.result.page import ReportPage
from klp_debug.result.unknown import Unknown, known, number_of


def as_html(page: ReportPage) -> str:
    """Return a report as one HTML document, in ASCII but for what its templates hold."""
    environment = _environment()
    loader = environment.loader
    assert loader is not None
    style, _, _ = loader.get_source(environment, "page.css")
    drawn = [chain_diagram(function, page.report.crash) for function in known(page.functions)]
    diagrams = sorted(drawn, key=lambda diagram: not diagram.broken)
    return environment.get_template("page.html.jinja").render(
        page=page,
        report=page.report,
        diagrams=diagrams,
        broken=[diagram for diagram in diagrams if diagram.broken],
        findings=finding_groups(known(page.report.findings)),
        unchecked=_unread(page.report.findings),
        unread_functions=_unread(page.functions),
        histogram=bars(known(page.offsets)),
        unread_offsets=_unread(page.offsets),
        squares=task_squares(page.transition) if page.transition is not None else None,
        style=Markup(style),  # noqa: S704 - our own
        policy=_policy(style),
    )


def _unread(items: tuple[object, ...]) -> list[Unknown]:
    return [item for item in items if isinstance(item, Unknown)]


def _policy(style: str) -> str:
    """
    Return a Content Security Policy that lets a browser do nothing but show the page.

    Were anything of a target ever to get into the page as markup, it could still neither run nor
    load, and not even style: only the one style sheet that has this digest counts.
    """
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("klp_debug.render.html"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        doing=task_doing,
        function_cells=function_cells,
        kernel_lines=kernel_lines,
        livepatch_frame=livepatch_frame,
        notes=frame_notes,
        number_of=number_of,
        object_name=object_name,
        patch_state=patch_state,
        record=record_cell,
        registers=register_groups,
        summary=transition_summary,
        toc=toc_sentence,
    )
    environment.tests["unknown"] = lambda value: isinstance(value, Unknown)
    environment.globals["FUNCTION_HEADINGS"] = FUNCTION_HEADINGS
    return environment


def _shown(value: Any) -> str:
    """Return what a template's expression becomes, but for the escaping of HTML, which is next."""
    # Markup is what a macro made, out of values that went through here.
    return value if isinstance(value, Markup) else escape(str(value))
