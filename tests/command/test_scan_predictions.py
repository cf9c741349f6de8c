# SPDX-License-Identifier: GPL-2.0-or-later
"""What ``scan`` predicts of each patch of the lab is what ``list``, ``func`` and ``report`` see."""

from typing import Any

import pytest

from tests.command.klp_debug_cli import klp_debug_json, klp_debug_run
from tests.every_kernel import on_every_kernel
from vmcores.capture import CaptureSet

pytestmark = pytest.mark.lab

ON_LOADED_PATCHES = on_every_kernel(
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
)
"""Between them they load every patch of vmcores/modules, but for gone_patch, which is gone."""


def scanned(captures: CaptureSet, name: str) -> Any:
    """Return the whole answer about one patch, checked against its schema."""
    modules = captures.image.modules
    words = (modules / f"{name}.ko", "--against", captures.image.vmlinux, modules)
    return klp_debug_json("scan", *words, status=klp_debug_run("scan", *words).status)


def seen(captures: CaptureSet, command: str, *words: str) -> Any:
    """Return what a command sees in the capture; a crash makes its exit code 1."""
    kind = "kdump" if "kdump" in captures.paths else next(iter(captures.paths))
    target = ("-c", captures.path(kind), "-s", captures.image.vmlinux)
    status = klp_debug_run(command, *words, *target).status
    return klp_debug_json(command, *words, *target, status=status)


@ON_LOADED_PATCHES
def test_predicted_and_seen(captures: CaptureSet) -> None:
    patches = seen(captures, "list")["patches"]
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
            document = seen(captures, "func", name)
            assert document["entry"]["toc_setup"] == one["original"]["toc_setup"]
            assert document["site"]["offset"] == one["original"]["site"]
            assert document["site"]["dialect"] == one["original"]["dialect"]
            is_leaf = one["original"]["kind"] == "leaf" and not file["pcrel"]
            assert document["leaf_without_toc"] is is_leaf


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
