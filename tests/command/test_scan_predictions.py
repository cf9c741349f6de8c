# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``scan`` predicts of each patch of the lab is what ``list``, ``func`` and ``report`` see."""

import json
from typing import Any

import pytest

from tests.command.klp_debug_cli import klp_debug_run
from tests.command.scanned import scan_json
from tests.every_kernel import on_every_kernel
from vmcores.capture import CaptureSet
from vmcores.guest_modules import SOURCES as MODULES
from vmcores.scenario import load_scenario

pytestmark = pytest.mark.lab

SCENARIOS = (
    "patched",
    "replaced",
    "replacing",
    "stalled",
    "seed_shape",
    "sibling_call",
    "hang",
    "crash_in_replacement",
    "sleep_in_replacement",
    "livepatch_stack_overflow",
    "klp_relocations_applied",
)
GONE = "patch_module_gone"


# The MMU changes nothing of what is predicted: both once.
PLAYED = pytest.mark.parametrize(
    "captures",
    [
        pytest.param((name, mmu, kernel), id=f"{name}-{kernel}-{mmu}")
        for name in SCENARIOS
        for kernel, mmu in load_scenario(name).cases()
        if mmu == "radix" or name == "patched"
    ],
    indirect=True,
)


def loaded_by(scenario: str) -> set[str]:
    """Return the patches that the steps of a scenario load."""
    return {
        words[1]
        for step in load_scenario(scenario).steps
        if len(words := step.split()) > 1 and words[0].endswith("-patch")
    }


def test_every_patch_of_the_lab_is_predicted() -> None:
    patches = {path.stem for path in MODULES.glob("*_patch*.c")}
    assert set().union(*map(loaded_by, (*SCENARIOS, GONE))) == patches


def scanned(captures: CaptureSet, name: str) -> Any:
    """Return the whole answer about one patch."""
    modules = captures.image.modules
    return scan_json(modules / f"{name}.ko", captures.image.vmlinux, modules)


def seen(captures: CaptureSet, command: str, *words: str) -> Any:
    """Return what a command sees in the capture; a crash makes its exit code 1."""
    kind = "kdump" if "kdump" in captures.paths else next(iter(captures.paths))
    target = ("-c", captures.path(kind), "-s", captures.image.vmlinux)
    ran = klp_debug_run(command, *words, *target, "--json")
    assert ran.status in (0, 1), ran.err
    return json.loads(ran.out)


def assert_original(captures: CaptureSet, one: Any, *, pcrel: bool) -> None:
    """Compare what is predicted of a function with what ``func`` sees of it."""
    document = seen(captures, "func", one["old_name"])
    original = one["original"]
    assert document["entry"]["toc_setup"] == original["toc_setup"]
    assert document["site"]["offset"] == original["site"]
    assert document["site"]["dialect"] == original["dialect"]
    assert document["leaf_without_toc"] is (original["kind"] == "leaf" and not pcrel)


@PLAYED
def test_predicted_and_seen(captures: CaptureSet) -> None:
    patches = seen(captures, "report")["patches"]
    assert patches
    for patch in patches:
        (file,) = scanned(captures, patch["name"])["files"]
        predicted = {(one["object"], one["old_name"]): one for one in file["patch"]}
        loaded = {
            (obj["name"], function["old_name"]): function
            for obj in patch["objects"]
            for function in obj["functions"]
            if not function["nop"]
        }
        assert predicted.keys() == loaded.keys()
        for (module, name), one in predicted.items():
            function = loaded[module, name]
            assert function["new_symbol"] == f"{one['replacement']['name']} [{patch['name']}]"
            assert function["sympos"] == one["sympos"]
            if module == "vmlinux":
                assert function["old_func"] == one["original"]["address"]
            assert_original(captures, one, pcrel=file["pcrel"])


@on_every_kernel(GONE)
def test_predicted_of_a_patch_whose_module_is_gone(captures: CaptureSet) -> None:
    """Its klp_func is gone with it: what is left to see is the function that it hooks."""
    (file,) = scanned(captures, "gone_patch")["files"]
    (one,) = file["patch"]
    assert (one["object"], one["old_name"]) == ("scsi_common", "scsi_set_sense_information")
    assert_original(captures, one, pcrel=file["pcrel"])
    (finding,) = seen(captures, "report")["findings"]
    assert finding["subject"] == f"{one['old_name']}+{one['original']['site']:#x} [scsi_common]"


@on_every_kernel("klp_relocation_unresolved")
def test_the_crash_through_a_pointer_that_was_not_filled_in_was_predicted(
    captures: CaptureSet,
) -> None:
    predicted = ids(scanned(captures, "reloc_patch"))
    assert predicted["klp-relocation-late"] == ["uptime_proc_show [vmlinux]"]
    verdict = seen(captures, "report")["verdict"]
    assert verdict["id"] == "klp-relocation-unresolved"
    assert any("relocated_uptime_proc_show" in line for line in verdict["what"])


def ids(answer: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in answer["hazards"]:
        found.setdefault(one["id"], []).append(one["subject"])
    return found


@on_every_kernel("sibling_call")
def test_the_crash_after_a_sibling_call_was_predicted(captures: CaptureSet) -> None:
    predicted = ids(scanned(captures, "sibling_patch"))
    assert predicted["replacement-sibling-call"] == ["scsi_set_sense_information [scsi_common]"]
    verdict = seen(captures, "report")["verdict"]
    assert verdict["id"] == "caller-toc-overwritten"
    assert any("ends in a sibling call of strnlen" in line for line in verdict["what"])


@on_every_kernel("seed_crash")
def test_the_seeds_crash_was_predicted(captures: CaptureSet) -> None:
    """Both functions go through the same damaged stub; only the leaf that scan names crashes."""
    assert ids(scanned(captures, "leaf_patch"))["original-leaf"] == ["int_to_scsilun [scsi_common]"]
    assert "original-leaf" not in ids(scanned(captures, "toc_patch"))
    verdict = seen(captures, "report")["verdict"]
    assert verdict["id"] == "toc-stub-on-leaf"
    assert any("int_to_scsilun [scsi_common]" in line for line in verdict["what"])


@on_every_kernel("patched")
def test_the_good_patches_have_only_notes(captures: CaptureSet) -> None:
    for name in ("leaf_patch", "toc_patch", "cmdline_patch_1", "cmdline_patch_2"):
        answer = scanned(captures, name)
        assert {one["level"] for one in answer["hazards"]} <= {"note"}, answer["hazards"]
