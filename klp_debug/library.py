# SPDX-License-Identifier: GPL-2.0-or-later
"""
What scripts call, as ``from klp_debug import ...``.

Like drgn's helpers, every function takes the :class:`drgn.Program` first, or none for drgn's
default program. Those that answer a command return its answer: plain data, with the addresses of
the structures it was read from. :func:`object_of` turns these into drgn objects, and the walks of
:mod:`klp_debug.kernel.livepatch` yield drgn objects to begin with.

Where something cannot be read, it is :class:`Unknown` in the answer, the rest is as it is, and the
reason is among the answer's ``problems``. All raise :exc:`TargetError` if the program is no ppc64le
Linux kernel with debugging information, or a kernel without ``CONFIG_LIVEPATCH`` is asked about
patches, and :exc:`CommandError` if an argument names nothing; both say why in one sentence.
"""

import logging
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from drgn import Object, Program, TypeKind
from drgn.helpers.common.prog import takes_program_or_default

from klp_debug.analysis.audit.audit import audit as audit_sites
from klp_debug.analysis.audit.site import report_site
from klp_debug.analysis.chain.func import report_func
from klp_debug.analysis.crash.report import report as report_crash
from klp_debug.analysis.patches.func_stacks import FuncStack, FuncStacks
from klp_debug.analysis.tasks.choose import choose_tasks, task_at
from klp_debug.analysis.tasks.transition import transition as report_transition
from klp_debug.analysis.view import find_function as by_name
from klp_debug.analysis.view.find_site import find_site, find_site_at
from klp_debug.analysis.view.kernel_view import KernelView
from klp_debug.analysis.view.view_cache import view_of
from klp_debug.command.audit import AUDIT
from klp_debug.command.bt import BT, trace_tasks
from klp_debug.command.command import Command
from klp_debug.command.func import FUNC
from klp_debug.command.list import LIST, list_patches
from klp_debug.command.ops import OPS, list_ops
from klp_debug.command.report import REPORT
from klp_debug.command.site import SITE
from klp_debug.command.transition import TRANSITION
from klp_debug.errors import CommandError, TargetError
from klp_debug.kernel.livepatch import (
    for_each_klp_func,
    for_each_klp_object,
    for_each_klp_ops,
    for_each_klp_patch,
    klp_func_patch,
    klp_func_stack,
    klp_patch_name,
)
from klp_debug.kernel.symbols import KernelSymbol
from klp_debug.render.as_json import as_json
from klp_debug.render.as_text import as_text
from klp_debug.result.audit import Audit
from klp_debug.result.bt import TraceList
from klp_debug.result.common import Problem
from klp_debug.result.func import FuncReport, Hop, RecordResult
from klp_debug.result.list import Patch, PatchedFunction, PatchedObject, PatchList
from klp_debug.result.ops import FtraceOps, OpsList
from klp_debug.result.report import Report
from klp_debug.result.site import SiteOps, SiteReport
from klp_debug.result.transition import TransitionReport
from klp_debug.result.unknown import AtLeast, Unknown, known
from klp_debug.targets.host_program import remember_target
from klp_debug.targets.opening import open_target
from klp_debug.targets.options import TargetOptions

__all__ = (
    "AtLeast",
    "CommandError",
    "TargetError",
    "Unknown",
    "as_json",
    "as_text",
    "audit",
    "backtraces",
    "call_chain",
    "describe_function",
    "find_function",
    "for_each_klp_func",
    "for_each_klp_object",
    "for_each_klp_ops",
    "for_each_klp_patch",
    "ftrace_users",
    "func_stacks",
    "klp_func_patch",
    "klp_func_stack",
    "klp_patch_name",
    "known",
    "livepatches",
    "mcount_site",
    "object_of",
    "open_program",
    "report",
    "transition",
)

_logger = logging.getLogger("klp_debug")

Place: TypeAlias = str | int | Object | KernelSymbol
"""
Names a function: as the command ``func`` takes it (``NAME``, ``MODULE:NAME``, ``NAME@N``,
``NAME,N``, ``NAME+0x1c/0x130 [MODULE]``), by an address in it, as a drgn object (the function
itself, or a pointer to it such as ``klp_func.old_func``), or as :func:`find_function` returned it.
"""


def _view(prog: Program, command: Command) -> KernelView:
    """Return a view for one answer of a command."""
    view = view_of(prog)
    command.check_kernel(view)
    return view


def _name_or_address(place: Place) -> str | int:
    """
    Return the name that a place is given by, or an address in it.

    :raises CommandError: if it is a number that is no address
    """
    match place:
        case str():
            return place
        case KernelSymbol():
            return place.address
        case Object():
            is_function = place.type_.unaliased_kind() == TypeKind.FUNCTION
            address = place.address_ if is_function else place.value_()
            return int(address or 0)
        case _ if 0 <= place < 1 << 64:
            return int(place)
    raise CommandError(f"{place:#x} is no address: it has more than 64 bits, or is negative")


def _function(view: KernelView, place: Place) -> KernelSymbol:
    where = _name_or_address(place)
    if isinstance(where, str):
        return by_name.find_function(view.symbols, where, view.prog.read, view.is_patch_module)
    return by_name.function_at(view.symbols, where, view.prog.read)


def _site(view: KernelView, place: Place) -> int:
    """Return the index of a site among the ftrace records."""
    where = _name_or_address(place)
    return find_site(view, where) if isinstance(where, str) else find_site_at(view, where)


def open_program(
    core: str | PathLike[str] | None = None,
    *,
    kernel: bool = False,
    qemu: str | None = None,
    symbols: Iterable[str | PathLike[str]] = (),
    kernel_directory: str | PathLike[str] | None = None,
    vmcoreinfo: str | PathLike[str] | None = None,
    more_parts: Iterable[str | PathLike[str]] = (),
) -> Program:
    """
    Open a target, also one that drgn by itself cannot, with its debugging information.

    For scripts that do not run in drgn, or look at a second target. Exactly one of ``core``,
    ``kernel`` and ``qemu`` names it.

    :param core: a vmcore, or a memory dump of QEMU's; of one that makedumpfile split, a part
    :param kernel: the running kernel, through ``/proc/kcore``
    :param qemu: a QMP socket: a unix socket's path, or ``host:port``
    :param symbols: vmlinux, ``.ko`` files, or folders of them
    :param kernel_directory: a folder with vmlinux and modules, as installed or as built
    :param vmcoreinfo: vmcoreinfo text to use instead of the target's own
    :param more_parts: the other parts of a vmcore that makedumpfile split
    :raises TargetError: if it cannot be opened
    """
    target = open_target(
        TargetOptions(
            core=_path(core),
            more_parts=tuple(Path(path) for path in more_parts),
            kernel=kernel,
            qemu=qemu,
            symbols=tuple(Path(path) for path in symbols),
            kernel_directory=_path(kernel_directory),
            vmcoreinfo=_path(vmcoreinfo),
        )
    )
    remember_target(target)
    return target.prog


def _path(given: str | PathLike[str] | None) -> Path | None:
    return None if given is None else Path(given)


@takes_program_or_default
def livepatches(prog: Program) -> PatchList:
    """
    List the live patches: the answer of ``list``.

    .. code-block:: python3

        for patch in known(livepatches(prog)):
            for obj in known(patch.objects):
                for function in known(obj.functions):
                    print(patch.name, function.old_name, function.runs)

    :return: every patch in stacking order, with its objects and functions
    """
    return list_patches(_view(prog, LIST))


@takes_program_or_default
def func_stacks(prog: Program) -> tuple[FuncStack, ...]:
    """
    List the func_stacks, as drgn objects.

    What cannot be read is logged as a warning: there may be more then.

    :return: of each its ``struct klp_ops *``, and the ``struct klp_func *`` on it, top first
    """
    view = view_of(prog)
    stacks = FuncStacks(view).all.items
    _warn(view.problems.all())
    return stacks


@takes_program_or_default
def find_function(prog: Program, function: Place) -> KernelSymbol:
    """
    Find the function of a name or address.

    :return: its name, module, address, size in bytes, and ``st_other``
    :raises CommandError: if there is none, or several
    """
    return _function(view_of(prog), function)


@takes_program_or_default
def describe_function(prog: Program, function: Place) -> FuncReport:
    """
    Describe a function: the answer of ``func``.

    :return: its entry points, mcount site, record, call chain, and what a call of it runs
    :raises CommandError: if there is no such function, or several
    """
    view = _view(prog, FUNC)
    return report_func(view, _function(view, function))


@takes_program_or_default
def call_chain(prog: Program, function: Place) -> tuple[Hop | Unknown, ...]:
    """
    Follow a function from its mcount site to what a call of it runs, and check each link.

    A link that does not lead where it must has ``ok`` false. What cannot be read ends the chain,
    as ``Unknown``, and is logged as a warning.

    :return: the links; none for a function without an mcount site
    :raises CommandError: if there is no such function, or several
    """
    described = describe_function(prog, function)
    _warn(described.problems)
    return described.chain


@takes_program_or_default
def mcount_site(prog: Program, site: Place) -> SiteReport:
    """
    Check one mcount site against its ftrace record, its stubs and its ops: ``site``.

    :param site: its function, or an address: the site's own, the function's, or one in its
        out-of-line stub
    :raises CommandError: if it names no site, or several
    """
    view = _view(prog, SITE)
    return report_site(view, _site(view, site))


@takes_program_or_default
def ftrace_users(prog: Program) -> OpsList:
    """
    List the registered ftrace_ops: the answer of ``ops``.

    :return: each with whose it is, its filters, and the functions that it hooks
    """
    return list_ops(_view(prog, OPS))


@takes_program_or_default
def audit(prog: Program, *, list_sites: bool = False) -> Audit:
    """
    Check every mcount site against its ftrace record, its stub and its ops: ``audit``.

    :param list_sites: whether to return every site as well, not contradictions alone
    """
    return audit_sites(_view(prog, AUDIT), list_sites=list_sites)


@takes_program_or_default
def transition(prog: Program) -> TransitionReport:
    """
    Look at the transition under way: the answer of ``transition``.

    :return: its patch and direction, and why each task has not switched that has not
    """
    return report_transition(_view(prog, TRANSITION))


@takes_program_or_default
def backtraces(
    prog: Program, task: str | int | Object = "all", *, in_patched: bool = False
) -> TraceList:
    """
    Walk the stacks of tasks, with the frames that are on the livepatch stack alone: ``bt``.

    :param task: a PID, ``struct task_struct *``, or what ``bt`` takes: a comm, ``cpuN``,
        ``crashed``, ``all``
    :param in_patched: only tasks inside a function that is live-patched, or its replacement
    :raises CommandError: if there is no such task
    """
    view = _view(prog, BT)
    if isinstance(task, Object):
        return trace_tasks(view, (task_at(view, task.value_()),), in_patched=in_patched)
    return trace_tasks(view, choose_tasks(view, str(task)), in_patched=in_patched)


@takes_program_or_default
def report(prog: Program) -> Report:
    """
    Say whether live patching caused the crash: the answer of ``report``.

    :return: the verdict with its proof; without a crash, a report of the health of live patching
    """
    return report_crash(_view(prog, REPORT))


_TYPES = {
    Patch: "struct klp_patch *",
    PatchedObject: "struct klp_object *",
    PatchedFunction: "struct klp_func *",
    FtraceOps: "struct ftrace_ops *",
    SiteOps: "struct ftrace_ops *",
    RecordResult: "struct dyn_ftrace *",
}


@takes_program_or_default
def object_of(
    prog: Program,
    result: Patch | PatchedObject | PatchedFunction | FtraceOps | SiteOps | RecordResult,
) -> Object:
    """
    Return the structure that a part of an answer was read from.

    .. code-block:: python3

        (patch,) = livepatches(prog)
        object_of(prog, patch).mod.state

    :return: ``struct klp_patch *``, ``struct klp_object *``, ``struct klp_func *``,
        ``struct ftrace_ops *`` or ``struct dyn_ftrace *``
    """
    return Object(prog, _TYPES[type(result)], result.address)


def _warn(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        _logger.warning("%s: %s", problem.where, problem.what)
