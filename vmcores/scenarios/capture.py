# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a scenario in a guest and keeps its captures, with the oracle, in the cache."""

import functools
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from vmcores.build.guest_modules import module_sources
from vmcores.build.image import Image, image
from vmcores.damages import DAMAGES, sources
from vmcores.errors import ScenarioError
from vmcores.guest.guest import CRASH_CAPTURES, QEMU_CAPTURES, Guest
from vmcores.guest.saved_guest import booted_guest
from vmcores.host.cache import entry, entry_folder, file_digests, key_of
from vmcores.host.stage import stage
from vmcores.oracle.oops import Oops, parse_oops
from vmcores.oracle.oracle import Oracle
from vmcores.scenarios.scenario import Scenario

FILES = CRASH_CAPTURES | QEMU_CAPTURES
# Our own code that shapes a capture.
_SHAPING = (
    *("guest/agent", "guest/debugger", "guest/guest", "guest/machine", "guest/saved_guest"),
    *("oracle/oracle", "oracle/oracle_files", "scenarios/capture", "scenarios/scenario"),
)


@dataclass(frozen=True)
class CaptureSet:
    """The captures of one scenario with one kernel and MMU, all of the same guest."""

    scenario: Scenario
    kernel: str
    """Name of the recipe."""
    mmu: str
    image: Image
    folder: Path

    @functools.cached_property
    def oracle(self) -> Oracle:
        """What the guest said just before the captures."""
        return Oracle.load(self.folder / "oracle.json")

    @functools.cached_property
    def oops(self) -> Oops | None:
        """What the guest printed of its oops; None if it had none."""
        return parse_oops(self.console_log.read_text(errors="replace"))

    @property
    def console_log(self) -> Path:
        """All that the guest's console said, the crash kernel's words too."""
        return self.folder / "console.log"

    @property
    def paths(self) -> dict[str, Path]:
        """Kind -> file."""
        return {kind: self.folder / FILES[kind] for kind in self.scenario.captures}

    def path(self, kind: str) -> Path:
        """Return the capture of that KIND. Raises ScenarioError if the scenario has none."""
        if kind not in self.scenario.captures:
            raise ScenarioError(f"scenario '{self.scenario.name}' takes no capture '{kind}'")
        return self.folder / FILES[kind]


def play(guest: Guest, scenario: Scenario) -> Oracle:
    """
    Do the SCENARIO's steps in GUEST and return its oracle then; after that, its damage.

    Raises GuestError for a failed step or damage, ScenarioError if what must be true is not.
    """
    for step in scenario.steps:
        guest.check(step)
    oracle = guest.oracle()
    broken = scenario.true.broken(oracle)
    if oracle.mmu != guest.mmu:
        broken.append(f"mmu: expected {guest.mmu}, got {oracle.mmu}")
    if broken:
        raise ScenarioError(f"scenario '{scenario.name}' ({guest.mmu}): {'; '.join(broken)}")
    if scenario.damage is not None:
        DAMAGES[scenario.damage](guest, oracle)
    for step in scenario.then:
        guest.check(step)
    return oracle


def captures(scenario: Scenario, kernel: str, mmu: str) -> CaptureSet:
    """
    Return the captures of SCENARIO with KERNEL and MMU; takes them if the cache has them not.

    Raises LabError.
    """
    _check(scenario, kernel, mmu)
    booted = image(kernel)
    label, key = _entry(scenario, mmu, booted)

    def make(folder: Path) -> None:
        with stage(f"capture {scenario.name} ({kernel}, {mmu})", 40):
            _take(scenario, mmu, booted, folder)

    folder = entry("captures", label, key, make)
    return CaptureSet(scenario, kernel, mmu, booted, folder)


def is_captured(scenario: Scenario, kernel: str, mmu: str) -> bool:
    """Return whether the cache has them; builds the kernel if need be. Raises LabError."""
    _check(scenario, kernel, mmu)
    return entry_folder("captures", *_entry(scenario, mmu, image(kernel))).is_dir()


def _check(scenario: Scenario, kernel: str, mmu: str) -> None:
    if (kernel, mmu) not in scenario.cases():
        raise ScenarioError(
            f"scenario '{scenario.name}' is not for kernel '{kernel}' with MMU '{mmu}', but for"
            f" {', '.join(f'{one} ({other})' for one, other in scenario.cases())}"
        )


def _entry(scenario: Scenario, mmu: str, booted: Image) -> tuple[str, str]:
    """Return the label and the key of the cache's entry."""
    shaping = [Path(__file__).parents[1] / f"{name}.py" for name in _SHAPING]
    cpu = booted.kernel.recipe.cpus[mmu]
    told = asdict(scenario)
    del told["kernels"], told["hash_kernels"]
    level = booted.kernel.recipe.dump_level
    if scenario.damage is not None:
        shaping += sources(scenario.damage)
    key = key_of(
        *(booted.key, told, mmu, cpu, level),
        module_sources(scenario.commands),
        file_digests(*shaping),
    )
    return f"{scenario.name}-{booted.kernel.recipe.name}-{mmu}", key


def _take(scenario: Scenario, mmu: str, booted: Image, folder: Path) -> None:
    # In the cache, not in /tmp: the captures are large, and stay where they are written.
    share = folder / "share"
    # A quarter of a boot's seconds, and the same for what a scenario does.
    guest = booted_guest(booted, mmu, memory=scenario.memory, smp=scenario.smp, share=share)
    with guest:
        play(guest, scenario).save(folder / "oracle.json")
        for kind in QEMU_CAPTURES.keys() & set(scenario.captures):
            guest.dump(kind, folder / FILES[kind])
        crash_kinds = [kind for kind in CRASH_CAPTURES if kind in scenario.captures]
        if crash_kinds:
            files = guest.crash(crash_kinds, scenario.last, scenario.crash)
            for kind, path in files.items():
                path.rename(folder / FILES[kind])
        shutil.copy(guest.machine.console_log, folder)
        oops = parse_oops(guest.machine.console_log.read_text(errors="replace"))
        if broken := scenario.true.broken_by_end(oops):
            raise ScenarioError(f"scenario '{scenario.name}' ({mmu}): {'; '.join(broken)}")
    shutil.rmtree(share)
    for kind in scenario.captures:
        _make_sparse(folder / FILES[kind])


def _make_sparse(path: Path) -> None:
    """Give the zero pages of a capture back to the file system, where it can."""
    subprocess.run(
        ["fallocate", "--dig-holes", path],
        check=False,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
