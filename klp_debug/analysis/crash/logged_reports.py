# SPDX-License-Identifier: GPL-2.0-or-later
"""
What the kernel's log reports that it survived: oopses and warnings on whose trace a patch is.

Source: ``show_regs()`` and ``show_stack()`` in arch/powerpc/kernel/process.c,
``dump_stack_print_info()`` in lib/dump_stack.c, ``__warn()`` in kernel/panic.c.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from klp_debug.analysis.catalogue import OOPS_IN_PATCH, WARNING_IN_PATCH
from klp_debug.analysis.patches.roles import PatchedFunctions
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.kernel.log import LogRecord, oops_reports, warning_reports
from klp_debug.kernel.module import module_is_livepatch, module_name
from klp_debug.result.common import Finding, FindingKind
from klp_debug.result.unknown import Unknown, known

_TRACED = re.compile(
    r"\[<?(?P<address>[0-9a-f]{16})>?\] (?P<symbol>[^\s+]+\+0x[0-9a-f]+)/0x[0-9a-f]+"
    r"(?: \[(?P<module>\w+)\])?"
)
"""``[c008000000130014] wait_here+0x14/0x1c [wait_patch]``, of NIP, LR and the call trace."""
_TASK = re.compile(r"CPU: \d+ (?:UID: \d+ )?PID: (?P<pid>\d+) Comm: (?P<comm>.*)")
_TAINT = re.compile(r"(?:Kdump: loaded )?(?P<taint>Not tainted|Tainted: .*?)\s+\d+\.\d+\.\d+")
_PATCH = re.compile(r"livepatch: (?:enabling patch )?'(?P<patch>[^']+)'")
_OWN_CODE = re.compile(r"(?:klp|livepatch)_")
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class _Call:
    """One function on a trace, and what live patching has to do with it."""

    symbol: str
    why: str | None


def logged_findings(view: KernelView, *, crashed: bool) -> list[Finding | Unknown]:
    """
    Return a finding for each oops and each warning in the log that has to do with live patching.

    Those of the same place are one. The log may have lost older ones.

    >>> [(finding.id, finding.subject) for finding in logged_findings(view, crashed=False)]
    [('oops-in-patch', 'crashing_leaf_probe_wait_here+0x14 [crash_patch]')]

    :param crashed: whether the last oops in the log is the one that took the kernel down, which
        the verdict is about
    """
    if not view.has_livepatch:
        return []
    oopses = oops_reports(view.log.items)
    involved = _Involved(view)
    found: list[Finding | Unknown] = [
        *_findings(OOPS_IN_PATCH, oopses[:-1] if crashed else oopses, involved),
        *_findings(WARNING_IN_PATCH, warning_reports(view.log.items), involved),
    ]
    if view.log.missing is not None:
        found.append(view.log.missing)
    return found


class _Involved:
    """Tells what live patching has to do with what a trace names."""

    def __init__(self, view: KernelView) -> None:
        self._view = view
        self._functions = view.once(PatchedFunctions)
        self._patches = {
            match["patch"] for record in view.log.items if (match := _PATCH.match(record.text))
        }
        for module in view.modules:
            where = f"module at {module.value_():#x}"
            if view.problems.attempt(where, module_is_livepatch, module) is True:
                name = view.problems.attempt(where, module_name, module)
                if isinstance(name, str):
                    self._patches.add(name)

    def call(self, traced: re.Match[str]) -> _Call | Unknown:
        """Judge one line of a trace."""
        module = traced["module"]
        symbol = f"{traced['symbol']} [{module}]" if module else traced["symbol"]
        if module in self._patches:
            return _Call(symbol, f"of the patch {module}")
        if not module and _OWN_CODE.match(symbol):
            return _Call(symbol, "livepatch's own code")
        # What is at the address now need not be what was there: modules come and go.
        address = int(traced["address"], 16)
        there = self._view.symbols.known_at(address)
        if there is None or (there.name, there.module) != (
            traced["symbol"].partition("+")[0],
            module,
        ):
            return _Call(symbol, None)
        role = self._functions.role_at(address)
        if isinstance(role, Unknown):
            return role
        return _Call(symbol, None if role is None else f"{role.role}, {role.patch}")


def _findings(
    kind: FindingKind, reports: Iterable[list[LogRecord]], involved: _Involved
) -> Iterator[Finding | Unknown]:
    seen: dict[str, list[tuple[list[LogRecord], list[_Call]]]] = {}
    for report in reports:
        judged = [
            involved.call(match) for record in report if (match := _TRACED.search(record.text))
        ]
        near = [call for call in known(judged) if call.why is not None]
        if near:
            seen.setdefault(near[0].symbol, []).append((report, near))
        else:
            yield from [call for call in judged if isinstance(call, Unknown)][:1]
    for subject, alike in seen.items():
        yield kind.on(subject, _evidence(alike))


def _evidence(alike: list[tuple[list[LogRecord], list[_Call]]]) -> str:
    (report, near), *more = alike
    calls = ", ".join(f"{call.symbol} ({call.why})" for call in near[:_SHOWN])
    if len(near) > _SHOWN:
        calls += f", and {len(near) - _SHOWN} more"
    if more:
        last = more[-1][0][0].seconds
        calls += f"; {len(more)} more of the same, the last at {last:.6f} s"
    first = report[0]
    return f"at {first.seconds:.6f} s{_task(report)}: {first.text}; on its trace {calls}"


def _task(report: list[LogRecord]) -> str:
    """Return the task and the taint that a report tells, as far as it does."""
    task = next((match for record in report if (match := _TASK.search(record.text))), None)
    if task is None:
        return ""
    taint = _TAINT.search(task["comm"])
    comm = task["comm"][: taint.start()].strip() if taint else task["comm"].split()[0]
    tainted = f", {' '.join(taint['taint'].split())}" if taint else ""
    return f" in {comm} ({task['pid']}){tainted}"
