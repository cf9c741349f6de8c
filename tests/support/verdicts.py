# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``report`` must say of each scenario, and what it says."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from docs.verdicts import Told, verdicts_page
from tests.support.cli import klp_debug_json
from vmcores.scenarios.capture import CaptureSet, captures
from vmcores.scenarios.covering import covering_cases
from vmcores.scenarios.scenario import Scenario, load_scenario


class Expected(NamedTuple):
    """The right verdict on a scenario."""

    blame: str
    id: str | None = None
    findings: frozenset[str] = frozenset()
    """The ids of all findings."""
    unreadable: bool = False
    """Whether something of livepatch cannot be read, by what the scenario does."""
    patches: tuple[str, ...] | None = None
    """The patches in the end, where the last command or the crash loads or replaces one."""
    armed: int | None = None
    """How many sites are armed then, if it is not as many as before."""

    @property
    def clean(self) -> bool:
        healthy = self.blame in ("not involved", "no crash")
        return healthy and not self.findings and not self.unreadable


def caused(id_: str, *others: str, unreadable: bool = False, alone: bool = False) -> Expected:
    """Live patching caused the crash; ALONE: the crash only shows it, no finding does."""
    return Expected("caused", id_, frozenset(others if alone else (id_, *others)), unreadable)


VERDICTS: dict[str, Expected] = {
    "armed_site_altered": caused("site-unknown-word"),
    "caller_toc_overwritten": caused("caller-toc-overwritten", "toc-stub-on-leaf", alone=True),
    "crash_elsewhere": Expected("not involved"),
    "crash_in_callback": Expected(
        "involved", "crash-in-livepatch", patches=("callback_patch", "cmdline_patch_1")
    ),
    "crash_in_replacement": Expected("involved", "crash-in-replacement"),
    "damaged_livepatch_stack": Expected("no crash", None, frozenset({"livepatch-stack-damaged"})),
    "disabled": Expected("not involved"),
    "forced": Expected("no crash"),
    "ftrace_bug": Expected(
        "no crash",
        None,
        frozenset({"ftrace-disabled", "site-unknown-word", "ops-count-mismatch"}),
    ),
    "hang": Expected("no crash"),
    "klp_relocation_unresolved": caused("klp-relocation-unresolved", alone=True),
    "klp_relocations_applied": Expected("no crash"),
    "livepatch_stack_overflow": caused("livepatch-stack-overflow"),
    "livepatch_stack_trap": caused("livepatch-stack-damaged"),
    "new_func_to_nowhere": caused("wild-branch", "replacement-wrong-entry", alone=True),
    "ops_func_to_nowhere": caused("wild-branch", "ops-wrong-callback", alone=True),
    "patch_module_gone": caused("patch-module-gone", unreadable=True),
    "patched": Expected("not involved"),
    "r15_clobbered": caused("livepatch-clobbers-r15"),
    "replaced": Expected("not involved"),
    "replacement_wrong_toc": caused("replacement-wrong-toc", "replacement-wrong-entry", alone=True),
    "seed_crash": caused("toc-stub-on-leaf"),
    "returned_to_removed": Expected(
        "involved", "crash-in-removed-module", patches=("replace_patch",), armed=2
    ),
    "sibling_call": caused("caller-toc-overwritten", alone=True),
    "sleep_in_replacement": Expected("no crash"),
    "stalled": Expected("no crash"),
    "stub_to_nowhere": caused("wild-branch", "stub-corrupt", alone=True),
    "toc_stub_survives": Expected("not involved", None, frozenset({"toc-stub-on-leaf"})),
    "trampoline_to_data": caused("wild-branch", "trampoline-wrong-call", alone=True),
    "unpatched": Expected("not involved"),
}


def target(taken: CaptureSet) -> tuple[Any, ...]:
    """Return the options that name the first capture of a scenario."""
    kind = taken.scenario.captures[0]
    return "--core", taken.path(kind), "--symbols", taken.image.vmlinux


def report(taken: CaptureSet) -> Any:
    """Return what ``report --json`` says of a capture; its exit code must be the right one."""
    return _report(VERDICTS[taken.scenario.name].clean, target(taken))


@functools.cache
def _report(clean: bool, target: tuple[Any, ...]) -> Any:
    return klp_debug_json("report", *target, status=0 if clean else 1)


def told(taken: CaptureSet) -> Told:
    """Return the verdict of ``report``."""
    verdict = report(taken)["verdict"]
    return Told(verdict["blame"], verdict["id"])


def right(scenario: str) -> Told:
    """Return the verdict that ``report`` must give."""
    return Told(VERDICTS[scenario].blame, VERDICTS[scenario].id)


def page_of_all(verdict: Callable[[Scenario, str, str], Told]) -> str:
    """
    Return docs/verdicts.md on the covering set.

    :param verdict: returns that of a scenario on a kernel and MMU
    """
    scenarios = {name: load_scenario(name) for name in VERDICTS}
    return verdicts_page(
        right={name: right(name) for name in VERDICTS},
        described={name: one.description for name, one in scenarios.items()},
        told=[
            (name, verdict(one, kernel, mmu))
            for name, one in scenarios.items()
            for kernel, mmu in covering_cases(one)
        ],
    )


def told_of(scenario: Scenario, kernel: str, mmu: str) -> Told:
    """Return the verdict of ``report`` on a scenario's captures."""
    return told(captures(scenario, kernel, mmu))
