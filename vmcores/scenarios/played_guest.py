# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests in which a scenario's steps are done, for what is to be seen while they run."""

from dataclasses import asdict
from pathlib import Path

from vmcores.build.guest_modules import module_sources
from vmcores.build.image import image
from vmcores.damages import sources
from vmcores.guest.guest import Guest
from vmcores.guest.saved_guest import SavedGuest, saved_guest
from vmcores.host.cache import file_digests
from vmcores.oracle import oracle, oracle_files
from vmcores.oracle.oracle import Oracle
from vmcores.scenarios import capture
from vmcores.scenarios.capture import play
from vmcores.scenarios.scenario import Scenario

_ORACLE = "oracle.json"


def played_guest(scenario: Scenario, kernel: str, mmu: str) -> SavedGuest:
    """Return a guest after the SCENARIO's steps. Raises LabError."""

    def prepare(guest: Guest, folder: Path) -> None:
        play(guest, scenario).save(folder / _ORACLE)

    told = asdict(scenario)
    del told["kernels"], told["hash_kernels"]
    shaping = [Path(str(module.__file__)) for module in (capture, oracle, oracle_files)]
    if scenario.damage is not None:
        shaping += sources(scenario.damage)
    return saved_guest(
        scenario.name,
        [told, module_sources(scenario.commands), file_digests(*shaping)],
        image(kernel),
        mmu,
        memory=scenario.memory,
        smp=scenario.smp,
        prepare=prepare,
    )


def oracle_of(guest: SavedGuest) -> Oracle:
    """Return what a played guest said of itself behind the steps."""
    return Oracle.load(guest.folder / _ORACLE)
