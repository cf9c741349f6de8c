# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit of tasks: whether one is inside of a patch that is applied no more."""

from collections.abc import Iterable, Iterator

from klp_debug.analysis.catalogue import TASK_IN_RETIRED_PATCH
from klp_debug.analysis.patches.retired import retired_modules
from klp_debug.analysis.tasks.inside import frame_inside
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.result.bt import TaskTrace
from klp_debug.result.common import Finding
from klp_debug.result.text import plural
from klp_debug.result.unknown import Unknown


def retired_findings(view: KernelView, traces: Iterable[TaskTrace]) -> Iterator[Finding | Unknown]:
    """
    Iterate over a finding for each task inside of a patch that is applied no more.

    :param traces: of the tasks that have a livepatch stack, as each has that is in a replacement
    """
    if not view.has_livepatch:
        return
    retired = retired_modules(view)
    for trace in traces:
        for module in retired:
            found = frame_inside(trace, module.name)
            if isinstance(found, Unknown):
                yield found
            elif found is not None:
                comm: object = trace.comm
                name = "a task whose name is unknown" if isinstance(comm, Unknown) else comm
                evidence = f"it is in {found}; {_held(module.name, module.references)}"
                yield TASK_IN_RETIRED_PATCH.on(f"{name} ({trace.pid})", evidence)
    if retired.missing is not None:
        yield retired.missing


def _held(module: str, references: int | Unknown | None) -> str:
    if isinstance(references, Unknown):
        return f"how many references the kernel has to {module} is unknown"
    if references is None:
        return f"this kernel cannot remove {module}"
    return f"the kernel has {plural(references, 'reference')} to {module}"
