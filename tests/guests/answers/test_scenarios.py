# SPDX-License-Identifier: GPL-2.0-or-later
"""
``list`` and ``func`` where patches move: stalled, forced and replaced, on every kernel.

They are compared with the guest's own word: sysfs, kallsyms, and what the functions did.
"""

from typing import Any

import pytest

from tests.support.cli import klp_debug_json, klp_debug_run
from tests.support.every_kernel import on_every_kernel
from vmcores.scenarios.capture import CaptureSet

pytestmark = pytest.mark.lab


def target(captures: CaptureSet) -> tuple[Any, ...]:
    kind = captures.scenario.captures[0]
    return "--core", captures.path(kind), "--symbols", captures.image.vmlinux


def patches(captures: CaptureSet) -> dict[str, Any]:
    """Return the patches that list finds, after comparing them with those of sysfs."""
    document = klp_debug_json("list", *target(captures))
    assert document["problems"] == []
    found = {patch["name"]: patch for patch in document["patches"]}
    assert {
        name: (
            patch["enabled"],
            patch["transition"] is not None,
            {
                (obj["name"], function["old_name"])
                for obj in patch["objects"]
                for function in obj["functions"]
            },
        )
        for name, patch in found.items()
    } == {
        patch.name: (patch.enabled, patch.transition, patch.functions())
        for patch in captures.oracle.patches
    }
    return found


def function(patch: Any, name: str) -> Any:
    (found,) = (
        function
        for obj in patch["objects"]
        for function in obj["functions"]
        if function["old_name"] == name
    )
    return found


@on_every_kernel("unpatched")
def test_never_patched(captures: CaptureSet) -> None:
    assert patches(captures) == {}
    # The probe tells that the original ran.
    assert "int_to_scsilun d2040b0300000000" in captures.oracle.leaf_probe
    shown = klp_debug_json("func", "int_to_scsilun", *target(captures))
    assert shown["site"]["state"] == "idle"
    assert shown["winner"] is None
    assert shown["problems"] == []


@on_every_kernel("stalled")
def test_stalled_transition(captures: CaptureSet) -> None:
    patch = patches(captures)["wait_patch"]
    assert patch["transition"] == "patching"
    assert not patch["forced"]
    waiting = function(patch, "leaf_probe_wait_here")
    assert waiting["transition"]
    assert waiting["winner"]
    assert waiting["runs"] == "in transition"
    text = klp_debug_run("list", *target(captures)).out
    assert "wait_patch is patching" in text
    assert "replacement in tasks already switched" in text
    shown = klp_debug_json("func", "leaf_probe_wait_here", *target(captures))
    assert shown["winner"]["patch"] == "wait_patch"
    assert "in transition" in shown["runs"]


@on_every_kernel("forced")
def test_forced_transition(captures: CaptureSet) -> None:
    assert "livepatch: forcing remaining tasks to the patched state" in captures.oracle.log
    patch = patches(captures)["wait_patch"]
    # klp_force_transition() marks patches that are being removed; this one was being applied.
    assert not patch["forced"]
    assert patch["transition"] is None
    assert function(patch, "leaf_probe_wait_here")["runs"] == "replacement"


@on_every_kernel("replaced")
def test_atomic_replace_is_over(captures: CaptureSet) -> None:
    found = patches(captures)
    assert list(found) == ["replace_patch"]
    assert found["replace_patch"]["replace"]
    # What the guest's /proc/cmdline said shows which version ran.
    assert captures.oracle.cmdline == "replace_patch\n"
    assert function(found["replace_patch"], "cmdline_proc_show")["runs"] == "replacement"
    # A replaced patch left nothing armed on the function that the new one does not replace.
    idle = klp_debug_json("func", "scsi_set_sense_information", *target(captures))
    assert idle["site"]["state"] == "idle"
    assert idle["winner"] is None


@on_every_kernel("replacing")
def test_atomic_replace_under_way(captures: CaptureSet) -> None:
    found = patches(captures)
    assert found["wait_replace_patch"]["transition"] == "patching"
    nop = function(found["wait_replace_patch"], "cmdline_proc_show")
    assert nop["nop"]
    assert nop["winner"]
    below = function(found["cmdline_patch_1"], "cmdline_proc_show")
    assert not below["winner"]
    assert below["stack_position"] == 1
    assert below["runs"] == "in transition"
    # The shell that read /proc/cmdline had switched: it got the original.
    assert "cmdline_patch_1" not in captures.oracle.cmdline
    assert "console=hvc0" in captures.oracle.cmdline
    shown = klp_debug_json("func", "cmdline_proc_show", *target(captures))
    assert shown["problems"] == []
    assert shown["runs"].startswith("cmdline_proc_show itself")
    assert "tasks not yet switched run patched_cmdline_proc_show_1" in shown["runs"]
    # Modules lie in any order in memory: each address is named after its own.
    waiting = klp_debug_json("func", "leaf_probe_wait_here", *target(captures))
    site = waiting["chain"][0]
    name, _, offset = site["symbol"].removesuffix(" [leaf_probe]").partition("+")
    assert name == "leaf_probe_wait_here"
    start = captures.oracle.address(name, "leaf_probe")
    assert int(site["address"], 16) == start + int(offset or "0", 16)


@on_every_kernel("replace_forced")
def test_patch_whose_removal_was_forced(captures: CaptureSet) -> None:
    """The guest crashed right after the force, before the patch below could go."""
    assert (
        "livepatch: forcing remaining tasks to the patched state"
        in captures.console_log.read_text()
    )
    document = klp_debug_json("list", *target(captures))
    found = {patch["name"]: patch for patch in document["patches"]}
    assert found["cmdline_patch_1"]["forced"]
    assert not found["wait_replace_patch"]["forced"]
    assert found["wait_replace_patch"]["transition"] == "patching"
    assert "enabled, forced" in klp_debug_run("list", *target(captures)).out


def symbols(captures: CaptureSet, name: str) -> dict[str | None, int]:
    """Return where each object has a symbol of that name, as kallsyms said."""
    found = {one.module: one.address for one in captures.oracle.kallsyms if one.name == name}
    assert len(found) > 1
    return found


@on_every_kernel("namesake")
@pytest.mark.parametrize("command", ["func", "site"])
@pytest.mark.parametrize("spelled", ["{name}", "{name},1", "scsi-common:{name}", "{address:#x}"])
def test_a_name_that_a_patch_has_too_means_the_original(
    captures: CaptureSet, command: str, spelled: str
) -> None:
    name = "int_to_scsilun"
    at = symbols(captures, name)
    # The probe tells that a call ran the replacement.
    assert f"{name} d8d8d8d8d8d8d8d8" in captures.oracle.leaf_probe
    spec = spelled.format(name=name, address=at["scsi_common"])
    shown = klp_debug_json(command, spec, *target(captures))
    assert shown["problems"] == []
    assert shown["module"] == "scsi_common"
    site = int(shown["site"]["address"], 16)
    assert at["scsi_common"] <= site < at["scsi_common"] + 0x10
    (other,) = shown["namesakes"]
    assert (other["module"], int(other["address"], 16)) == ("namesake_patch", at["namesake_patch"])


@on_every_kernel("namesake")
@pytest.mark.parametrize("spelled", ["namesake-patch:{name}", "{address:#x}"])
def test_a_replacement_of_its_original_s_name(captures: CaptureSet, spelled: str) -> None:
    at = symbols(captures, "int_to_scsilun")["namesake_patch"]
    shown = klp_debug_json(
        "func", spelled.format(name="int_to_scsilun", address=at), *target(captures)
    )
    assert int(shown["address"], 16) == at
    found = shown["in_patch"]
    assert (found["patch"], found["replaces"]) == ("namesake_patch", "int_to_scsilun [scsi_common]")
    assert (found["runs"], found["disarmed"]) == ("replacement", None)
