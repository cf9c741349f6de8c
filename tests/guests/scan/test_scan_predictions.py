# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``scan`` predicts of each patch of the lab is what ``list``, ``func`` and ``report`` see."""

import json
import re
from typing import Any

import pytest

from tests.support.cli import klp_debug_run
from tests.support.every_kernel import on_every_kernel
from tests.support.scanned import scan_json
from tests.support.tier import by_tier, cases
from vmcores.build.guest_modules import SOURCES as MODULES
from vmcores.build.image import image
from vmcores.scenarios.capture import CaptureSet
from vmcores.scenarios.scenario import load_scenario

pytestmark = pytest.mark.lab

SCENARIOS = (
    "patched",
    "replaced",
    "replacing",
    "stalled",
    "seed_shape",
    "sibling_call",
    "hang",
    "crash_in_callback",
    "crash_in_replacement",
    "returned_to_removed",
    "sleep_in_replacement",
    "livepatch_stack_overflow",
    "klp_relocations_applied",
    "namesake",
)
GONE = "patch_module_gone"


EACH = [(name, mmu, kernel) for name in SCENARIOS for kernel, mmu in cases(name)]
ONCE = list({name: (name, mmu, kernel) for name, mmu, kernel in EACH}.values())
PATCHED = [(name, mmu, kernel) for name, mmu, kernel in EACH if (name, mmu) == ("patched", "radix")]
PLAYED = pytest.mark.parametrize(
    "captures",
    [
        pytest.param((name, mmu, kernel), id=f"{name}-{kernel}-{mmu}")
        # The MMU changes nothing of what is predicted.
        for name, mmu, kernel in by_tier(
            covering=[*PATCHED, *(case for case in ONCE if case[0] != "patched")], full=EACH
        )
    ],
    indirect=True,
)


def loaded_by(scenario: str) -> set[str]:
    """Return the patches that the commands of a scenario load."""
    commands = " ".join(load_scenario(scenario).commands)
    names = re.findall(r"(?:\w-patch |/modules/)(\w+_patch\w*)", commands)
    return set(names)


LIVE = {"late_patch", "shadow_patch", "warn_patch"}
"""Those that only guests load which run when they are asked; each kernel takes them."""


def test_every_patch_of_the_lab_is_predicted() -> None:
    patches = {path.stem.removesuffix("_main") for path in MODULES.glob("*_patch*.c")}
    assert set().union(*map(loaded_by, (*SCENARIOS, GONE))) == patches - LIVE


@pytest.mark.parametrize("name", sorted(LIVE))
@pytest.mark.parametrize("kernel", ["6.1", "7.2"])
def test_what_a_kernel_takes_has_no_error(name: str, kernel: str) -> None:
    of = image(kernel)
    found = scan_json(of.modules / f"{name}.ko", of.vmlinux, of.modules)
    assert [one for one in found["hazards"] if one["level"] == "error"] == []
    # What a guest of 6.1 does when the object comes back: test_barred_object.py.
    refused = name == "late_patch" and kernel == "6.1"
    assert ("object-reload-refused" in ids(found)) is refused


def scanned(captures: CaptureSet, name: str) -> Any:
    """Return the whole answer about one patch."""
    modules = captures.image.modules
    return scan_json(modules / f"{name}.ko", captures.image.vmlinux, modules)


def seen(captures: CaptureSet, *commands: str) -> list[Any]:
    """Return what commands see in the capture."""
    kind = "kdump" if "kdump" in captures.paths else next(iter(captures.paths))
    target = ("-c", captures.path(kind), "-s", captures.image.vmlinux)
    documents = []
    for command in commands:
        ran = klp_debug_run(*command.split(), *target, "--json")
        assert ran.status in (0, 1), ran.err
        documents.append(json.loads(ran.out))
    return documents


def assert_original(document: Any, one: Any, *, pcrel: bool) -> None:
    """Compare what is predicted of a function with what ``func`` sees of it."""
    original = one["original"]
    assert document["name"] == one["old_name"]
    assert document["entry"]["toc_setup"] == original["toc_setup"]
    assert document["site"]["offset"] == original["site"]
    assert document["site"]["dialect"] == original["dialect"]
    assert document["leaf_without_toc"] is (original["kind"] == "leaf" and not pcrel)


def replaced_by(file: Any) -> dict[tuple[str, str], Any]:
    return {(one["object"], one["old_name"]): one for one in file["patch"]}


@PLAYED
def test_predicted_and_seen(request: pytest.FixtureRequest, captures: CaptureSet) -> None:
    scenario = request.node.callspec.params["captures"][0]
    files = {name: scanned(captures, name)["files"][0] for name in sorted(loaded_by(scenario))}
    predicted = [(name, one) for name, file in files.items() for one in file["patch"]]
    commands = [f"func {one['object']}:{one['old_name']}" for _, one in predicted]
    report, *functions = seen(captures, "report", *commands)
    for (name, one), document in zip(predicted, functions, strict=True):
        assert_original(document, one, pcrel=files[name]["pcrel"])
    assert report["patches"]
    for patch in report["patches"]:
        loaded = {
            (obj["name"], function["old_name"]): function
            for obj in patch["objects"]
            for function in obj["functions"]
            if not function["nop"]
        }
        expected = replaced_by(files[patch["name"]])
        assert expected.keys() == loaded.keys()
        for key, one in expected.items():
            function = loaded[key]
            assert function["new_symbol"] == f"{one['replacement']['name']} [{patch['name']}]"
            assert function["sympos"] == one["sympos"]
            if one["object"] == "vmlinux":
                assert function["old_func"] == one["original"]["address"]


@on_every_kernel(GONE)
def test_predicted_of_a_patch_whose_module_is_gone(captures: CaptureSet) -> None:
    """Its klp_func is gone with it: what is left to see is the function that it hooks."""
    (file,) = scanned(captures, "gone_patch")["files"]
    (one,) = file["patch"]
    assert (one["object"], one["old_name"]) == ("scsi_common", "scsi_set_sense_information")
    report, function = seen(captures, "report", f"func {one['old_name']}")
    assert_original(function, one, pcrel=file["pcrel"])
    (finding,) = (found for found in report["findings"] if "unknown" not in found)
    assert finding["subject"] == f"{one['old_name']}+{one['original']['site']:#x} [scsi_common]"


@on_every_kernel("klp_relocation_unresolved")
def test_the_crash_through_a_pointer_that_was_not_filled_in_was_predicted(
    captures: CaptureSet,
) -> None:
    predicted = ids(scanned(captures, "reloc_patch"))
    assert predicted["klp-relocation-late"] == ["uptime_proc_show [vmlinux]"]
    verdict = seen(captures, "report")[0]["verdict"]
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
    verdict = seen(captures, "report")[0]["verdict"]
    assert verdict["id"] == "caller-toc-overwritten"
    assert any("ends in a sibling call of strnlen" in line for line in verdict["what"])


@on_every_kernel("seed_crash")
def test_the_seeds_crash_was_predicted(captures: CaptureSet) -> None:
    """Both functions go through the same damaged stub; only the leaf that scan names crashes."""
    assert ids(scanned(captures, "leaf_patch"))["original-leaf"] == ["int_to_scsilun [scsi_common]"]
    assert "original-leaf" not in ids(scanned(captures, "toc_patch"))
    verdict = seen(captures, "report")[0]["verdict"]
    assert verdict["id"] == "toc-stub-on-leaf"
    assert any("int_to_scsilun [scsi_common]" in line for line in verdict["what"])


@on_every_kernel("patched")
def test_the_good_patches_have_only_notes(captures: CaptureSet) -> None:
    for name in ("leaf_patch", "toc_patch", "cmdline_patch_1", "cmdline_patch_2"):
        answer = scanned(captures, name)
        assert {one["level"] for one in answer["hazards"]} <= {"note"}, answer["hazards"]
