# SPDX-License-Identifier: GPL-2.0-or-later
"""
Each hazard, in modules made by hand.

tests/guests/scan/test_bad_patches.py has real ones, test_no_site.py beside it those that take
debug information.
"""

import json
import re
import struct
from pathlib import Path

import pytest

from klp_debug.result.scan import Hazard, Scan
from klp_debug.scan.hazards import HAZARDS
from klp_debug.scan.scan import Scanner
from tests.support.made_module import made_module
from tests.support.made_object import (
    ADDR64,
    LIVEPATCH,
    NOTYPE,
    OBJECT,
    REL24,
    REL32,
    TOC16_DS,
    TOC16_HA,
    UNDEF,
    MadeObject,
)
from tests.support.made_patch import (
    BL,
    BLR,
    MFLR,
    NOP,
    TOC_SETUP,
    VERMAGIC,
    B,
    Func,
    made_patch,
    modinfo,
)
from tests.support.schemas import SCHEMAS
from tests.support.trampoline_words import BROKEN

INFO = ("livepatch=Y", "name=made_patch", f"vermagic={VERMAGIC}")


@pytest.fixture
def module(tmp_path: Path) -> Path:
    return made_module().write(tmp_path / "scsi_common.ko")


def scan_of(patch: MadeObject, *against: Path) -> Scan:
    path = against[0].with_name("made_patch.ko")
    patch.write(path)
    return Scanner(against=against).scan([path], "note", lambda name: None)


def hazards(patch: MadeObject, *against: Path) -> dict[str, Hazard]:
    found = scan_of(patch, *against).hazards
    assert len({one.id for one in found}) == len(found)
    return {one.id: one for one in found}


def replacing(name: str, new_func: int | None = 0, sympos: int = 0) -> MadeObject:
    return made_patch({"scsi_common": [Func(name, new_func, sympos)]})


def only(found: dict[str, Hazard], id_: str) -> str:
    assert list(found) == [id_]
    return found[id_].evidence


def test_a_patch_without_fault(module: Path) -> None:
    answer = scan_of(replacing("with_toc"), module)
    assert answer.hazards == ()
    assert answer.clean
    (file,) = answer.files
    assert file.kind == "livepatch"
    assert file.patch is not None
    (one,) = file.patch
    assert (one.object, one.old_name, one.sympos) == ("scsi_common", "with_toc", 0)
    assert one.original is not None
    assert (one.original.kind, one.original.site, one.original.address) == ("toc", 12, 12)
    assert one.replacement is not None
    assert (one.replacement.name, one.replacement.toc_setup) == ("replacement", "none")


@pytest.mark.parametrize(
    ("func", "id_", "evidence"),
    [
        (Func("gone"), "original-missing", "scsi_common.ko has no symbol of that name"),
        (Func("only"), "original-missing", "no symbol of that name, but only.isra.0"),
        (Func("twice"), "original-ambiguous", "1: .text 0x24; 2: .text 0x30"),
        (Func("twice", sympos=3), "original-wrong-position", "old_sympos is 3, scsi_common.ko has"),
        (Func("quiet"), "original-too-small", ".text 0x20: 4 bytes, where a site"),
        (Func("silent"), "original-without-site", ".text 0x3c: notrace or assembler"),
        (Func("data"), "original-without-site", ".data 0x0 is the start of no function"),
        (Func("cloned"), "original-has-clones", "scsi_common.ko has cloned.constprop.0"),
        (Func("int_to_scsilun"), "original-leaf", "its site is at +0x4"),
        (Func("with_toc", None), "replacement-missing", "new_func is NULL"),
        (Func("with_toc", 8), "replacement-not-at-entry", ".text+0x8, replacement+0x8"),
    ],
)
def test_what_is_replaced_by_what(module: Path, func: Func, id_: str, evidence: str) -> None:
    found = hazards(made_patch({"scsi_common": [func]}), module)
    assert evidence in only(found, id_)
    assert found[id_].subject.startswith(func.old_name)


@pytest.mark.parametrize("sympos", [1, 2])
def test_a_position_chooses(module: Path, sympos: int) -> None:
    (file,) = scan_of(replacing("twice", sympos=sympos), module).files
    assert file.patch is not None
    original = file.patch[0].original
    assert original is not None
    assert original.address == {1: 36, 2: 48}[sympos]


def test_every_element_of_the_arrays(module: Path) -> None:
    patch = made_patch(
        {
            "scsi_common": [Func("with_toc"), Func("gone"), Func("twice", sympos=2)],
            "other": [Func("f"), Func("g")],
            None: [Func("h")],
        }
    )
    answer = scan_of(patch, module)
    (file,) = answer.files
    assert file.patch is not None
    assert [(one.object, one.old_name, one.sympos) for one in file.patch] == [
        ("scsi_common", "with_toc", 0),
        ("scsi_common", "gone", 0),
        ("scsi_common", "twice", 2),
        ("other", "f", 0),
        ("other", "g", 0),
        ("vmlinux", "h", 0),
    ]
    assert [(one.id, one.subject) for one in answer.hazards if one.level != "note"] == [
        ("object-not-given", "other, vmlinux"),
        ("original-missing", "gone [scsi_common]"),
    ]


@pytest.mark.parametrize("name", ["scsi-common", "vmlinux"])
def test_names_that_no_module_can_have(module: Path, name: str) -> None:
    found = hazards(made_patch({name: [Func("f")]}), module)
    assert name in only(found, "object-never-patched")


def test_leaf_on_a_kernel_before_the_fix(tmp_path: Path) -> None:
    vermagic = "4.5.0-rc1 SMP mod_unload mprofile-kernel "
    module = made_module(vermagic).write(tmp_path / "scsi_common.ko")
    info = ("livepatch=Y", "name=made_patch", f"vermagic={vermagic}")
    found = hazards(made_patch(info=info), module)
    assert "the patch is for Linux 4.5" in only(found, "original-leaf-crashes")
    assert "336a7b5dd80a" in found["original-leaf-crashes"].action


def test_another_kernel(tmp_path: Path) -> None:
    module = made_module("6.1.177 SMP mod_unload ").write(tmp_path / "scsi_common.ko")
    assert "6.1.177 SMP" in only(hazards(replacing("with_toc"), module), "other-kernel")


def test_powerpc_keeps_the_init_text_of_modules(module: Path) -> None:
    patch = made_patch({"scsi_common": [Func("early")]}, section=".init.text")
    assert list(hazards(patch, module)) == ["original-leaf"]


def test_vmlinux_frees_its_init_text(tmp_path: Path) -> None:
    kernel = MadeObject(kind=2)
    kernel.symbol("early", kernel.text(".init.text", MFLR, BL, BLR), 0, 12)
    vmlinux = kernel.write(tmp_path / "vmlinux")
    found = hazards(made_patch({None: [Func("early")]}), vmlinux)
    assert only(found, "original-in-init-text") == "it is in .init.text"


def calling(word: int, following: int, section: int = UNDEF) -> MadeObject:
    """Return a patch whose replacement branches to another module, by the loader's relocation."""
    words = (*TOC_SETUP, MFLR, BL, word, following, BLR)
    patch = made_patch({"scsi_common": [Func("with_toc")]}, words=words)
    patch.relocate(1, 16, REL24, patch.symbol("strnlen", section, kind=NOTYPE))
    return patch


def test_sibling_call(module: Path) -> None:
    found = hazards(calling(B, BLR), module)
    assert only(found, "replacement-sibling-call") == "replacement+0x10: b strnlen"


def test_call_without_nop(module: Path) -> None:
    assert "bl strnlen; 4e800020" in only(hazards(calling(BL, BLR), module), "call-without-nop")
    assert hazards(calling(BL, NOP), module) == {}
    # As after an earlier load: the loader takes the restore for its own.
    assert hazards(calling(BL, 0xE8410018), module) == {}


def test_a_module_that_cannot_be_loaded_again(module: Path) -> None:
    """VERMAGIC is of 6.1; the call is one of the object itself, so that nothing else is wrong."""
    patch = calling(BL, NOP, LIVEPATCH)
    symbol = patch.symbol(".klp.sym.scsi_common.quiet,0", LIVEPATCH, kind=NOTYPE)
    patch.relocate(1, 16, REL24, symbol, klp="scsi_common")
    evidence = only(hazards(patch, module), "object-reload-refused")
    assert evidence == "livepatch relocates 1 call for it; the patch is for Linux 6.1"


def test_branch_too_far(module: Path) -> None:
    patch = replacing("with_toc")
    function = patch.symbol("copy", patch.text(".text.copy", *TOC_SETUP, BLR, BLR), 0, 16, other=96)
    patch.relocate(patch.text(".fixup", B), 0, REL24, function, 12)
    evidence = only(hazards(patch, module), "branch-too-far")
    assert evidence == "a branch to copy+0xc will go to copy+0x14"


def test_sites_unlisted(module: Path) -> None:
    found = hazards(made_patch({"scsi_common": [Func("with_toc")]}, listed=False), module)
    evidence = only(found, "sites-unlisted")
    assert evidence == (
        "1 function calling _mcount, the file has no __mcount_loc: ftrace will know none;"
        " the first is at .text+0x4"
    )


def test_no_patchable_sites(tmp_path: Path) -> None:
    vermagic = "7.2.12 SMP preempt mod_unload patchable-function-entry relocatable "
    module = made_module(vermagic).write(tmp_path / "scsi_common.ko")
    info = ("livepatch=Y", "name=made_patch", f"vermagic={vermagic}")
    patch = made_patch({"scsi_common": [Func("with_toc")]}, words=(BLR,), info=info)
    assert "7.2.12" in only(hazards(patch, module), "patch-without-sites")


def test_not_marked(module: Path) -> None:
    patch = made_patch({"scsi_common": [Func("with_toc")]}, info=INFO[1:])
    assert only(hazards(patch, module), "not-marked-livepatch") == "it would replace with_toc"


@pytest.mark.parametrize(
    ("section", "says"),
    [
        (".init.klp_objects", "klp-build made it, and its .init.klp_objects has no object"),
        (".other", "nothing in its data"),
    ],
)
def test_no_klp_patch(module: Path, section: str, says: str) -> None:
    made = MadeObject()
    made.section(".modinfo", modinfo(*INFO))
    made.section(section, bytes(8))
    assert says in only(hazards(made, module), "no-klp-patch")


def test_a_module_of_kpatch_build(module: Path) -> None:
    """Made by hand after kpatch-patch.h."""
    made = MadeObject()
    text = made.text(".text", MFLR, BLR, BLR)
    made.section(".modinfo", modinfo(*INFO))
    strings = made.section(".kpatch.strings", b"\0vmlinux\0f\0scsi_common\0twice\0quiet\0")
    rows = [(4, 0, 9, 1), (0, 2, 23, 11), (0, 0, 29, 11)]
    table = b"".join(struct.pack("<7Q", 0, 8, 0, 0, sympos, 0, 0) for _, sympos, _, _ in rows)
    funcs = made.section(".kpatch.funcs", table)
    code, names = made.symbol("", text, kind=3), made.symbol("", strings, kind=3)
    made.symbol("replacement", text, 0, 4)
    made.symbol("other_replacement", text, 4, 8)
    for number, (new_addr, _, name, objname) in enumerate(rows):
        made.relocate(funcs, 56 * number, ADDR64, code, new_addr)
        made.relocate(funcs, 56 * number + 40, ADDR64, names, name)
        made.relocate(funcs, 56 * number + 48, ADDR64, names, objname)
    answer = scan_of(made, module)
    (file,) = answer.files
    assert file.patch is not None
    assert [
        (one.object, one.old_name, one.sympos, one.replacement and one.replacement.name)
        for one in file.patch
    ] == [
        ("vmlinux", "f", 0, "other_replacement"),
        ("scsi_common", "twice", 2, "replacement"),
        ("scsi_common", "quiet", 0, "replacement"),
    ]
    assert [(one.id, one.subject) for one in answer.hazards if one.level != "note"] == [
        ("object-not-given", "vmlinux"),
        ("original-too-small", "quiet [scsi_common]"),
    ]


def test_the_object_of_which_kpatch_build_makes_a_module_is_none_yet(
    tmp_path: Path, module: Path
) -> None:
    """It has rows, but nothing of a module that could be marked."""
    made = MadeObject()
    text = made.text(".text", MFLR, BLR)
    made.symbol("replacement", text, 0, 8)
    strings = made.section(".kpatch.strings", b"with_toc\0scsi_common\0")
    rows = made.section(".kpatch.funcs", bytes(56))
    names = made.symbol("", strings, kind=3)
    made.relocate(rows, 0, ADDR64, made.symbol("", text, kind=3))
    made.relocate(rows, 40, ADDR64, names)
    made.relocate(rows, 48, ADDR64, names, 9)
    made.section(".debug_str", b"GNU C11 14.2.0 -m64 -O2\0", flags=0)
    answer = Scanner(against=[module]).scan(
        [made.write(tmp_path / "output.o")], "note", lambda name: None
    )
    assert answer.hazards == ()
    (file,) = answer.files
    assert file.kind == "object"
    assert file.patch is not None
    assert [one.old_name for one in file.patch] == ["with_toc"]


def test_compiler_options(module: Path) -> None:
    patch = replacing("with_toc")
    patch.section(".debug_str", b"x\0GNU C11 14.2.0 -m64 -O2\0", flags=0)
    says = "GNU C11 14.2.0, not told -fno-optimize-sibling-calls"
    assert only(hazards(patch, module), "sibling-calls-allowed") == says
    patch = replacing("with_toc")
    patch.section(".debug_str", b"GNU C11 14.2.0 -m64 -fno-optimize-sibling-calls\0", flags=0)
    assert hazards(patch, module) == {}


def relocating(
    name: str,
    type_: int = ADDR64,
    *,
    for_object: str = "scsi_common",
    section: int = LIVEPATCH,
) -> MadeObject:
    """Return a patch with one relocation that livepatch is to apply."""
    patch = replacing("with_toc")
    symbol = patch.symbol(name, section, kind=NOTYPE)
    patch.relocate(patch.section("pointers", bytes(8)), 0, type_, symbol, klp=for_object)
    return patch


@pytest.mark.parametrize("position", ["quiet,0", "quiet,1", "twice,2"])
def test_a_livepatch_relocation_without_fault(module: Path, position: str) -> None:
    assert hazards(relocating(f".klp.sym.scsi_common.{position}"), module) == {}


@pytest.mark.parametrize(
    ("patch", "id_", "evidence"),
    [
        (
            relocating(".klp.sym.scsi_common.quiet,0", section=UNDEF),
            "klp-relocation-refused",
            "is not marked as a livepatch symbol",
        ),
        (relocating("quiet"), "klp-relocation-refused", "is not .klp.sym.OBJECT.NAME,POSITION"),
        (
            relocating(".klp.sym.vmlinux.f,0"),
            "klp-relocation-refused",
            "a relocation for scsi_common may not use one of vmlinux",
        ),
        (
            relocating(".klp.sym.vmlinux.f,0", TOC16_HA, for_object="vmlinux"),
            "klp-relocation-out-of-range",
            "R_PPC64_TOC16_HA at +0x0",
        ),
        (
            relocating(".klp.sym.scsi_common.quiet,0", TOC16_DS),
            "klp-relocation-out-of-range",
            "R_PPC64_TOC16_DS at +0x0",
        ),
        (relocating(".klp.sym.scsi_common..TOC.,0"), "klp-toc-symbol", "in .klp.rela.scsi_common"),
        (relocating(".klp.sym.scsi_common..toc,0"), "klp-toc-symbol", "in .klp.rela.scsi_common"),
        (relocating(".klp.sym.scsi_common.count.17,0"), "klp-symbol-not-found", "has none of that"),
        (relocating(".klp.sym.scsi_common.gone,0"), "klp-symbol-not-found", "has none of that"),
        (relocating(".klp.sym.scsi_common.twice,0"), "klp-symbol-not-found", "2: .text 0x30"),
        (relocating(".klp.sym.scsi_common.twice,3"), "klp-symbol-not-found", "2: .text 0x30"),
    ],
)
def test_livepatch_relocations(module: Path, patch: MadeObject, id_: str, evidence: str) -> None:
    found = hazards(patch, module)
    found.pop("object-not-given", None)  # of vmlinux
    assert evidence in only(found, id_)


@pytest.mark.parametrize("name", ["__key.12345", "_rs.4", "__func__.9"])
def test_a_static_local_that_the_object_has_exactly_so_is_no_hazard(
    tmp_path: Path, name: str
) -> None:
    """As most patches of kpatch-build use some."""
    made = made_module()
    made.symbol(name, made.section(".data..local", bytes(8)), 0, 8, kind=OBJECT)
    module = made.write(tmp_path / "scsi_common.ko")
    patch = relocating(f".klp.sym.scsi_common.{name},1")
    assert hazards(patch, module) == {}
    assert evidence_without_objects(patch, tmp_path) == (
        "scsi_common",
        "1 of its functions is to be replaced, 1 of its symbols is used,"
        " 1 static local variable among them",
    )


def evidence_without_objects(patch: MadeObject, folder: Path) -> tuple[str, str]:
    """Return subject and evidence of the one hazard that is told where no object is given."""
    path = patch.write(folder / "made_patch.ko")
    (hazard,) = Scanner().scan([path], "note", lambda name: None).hazards
    assert hazard.id == "object-not-given"
    return hazard.subject, hazard.evidence


def test_one_line_sums_up_what_cannot_be_checked(tmp_path: Path) -> None:
    patch = made_patch({"ext4": [Func("f"), Func("g")], None: [Func("h")]})
    pointers = patch.section("pointers", bytes(16))
    for number, name in enumerate(("xfs.count.3", "xfs.twice")):
        symbol = patch.symbol(f".klp.sym.{name},0", LIVEPATCH, kind=NOTYPE)
        patch.relocate(pointers, 8 * number, ADDR64, symbol, klp="xfs")
    assert evidence_without_objects(patch, tmp_path) == (
        "ext4, vmlinux, xfs",
        "ext4: 2 of its functions are to be replaced; vmlinux: 1 of its functions is to be"
        " replaced; xfs: 2 of its symbols are used, 1 static local variable among them",
    )


@pytest.mark.parametrize("type_", [TOC16_HA, REL32])
def test_modules_may_be_near_each_other(module: Path, type_: int) -> None:
    assert hazards(relocating(".klp.sym.scsi_common.quiet,0", type_), module) == {}


def using_a_pointer(for_object: str, *, through_toc: bool) -> MadeObject:
    """Return a patch of scsi_common whose replacement uses what livepatch fills in."""
    patch = replacing("with_toc")
    pointers = patch.section("pointers", bytes(16))
    symbol = patch.symbol(f".klp.sym.{for_object}.quiet,0", LIVEPATCH, kind=NOTYPE)
    patch.relocate(pointers, 8, ADDR64, symbol, klp=for_object)
    used = patch.symbol("", pointers, kind=3)
    if through_toc:
        toc = patch.section(".toc", bytes(8))
        patch.relocate(toc, 0, ADDR64, used, 8)
        patch.relocate(1, 8, TOC16_DS, patch.symbol("", toc, kind=3))
    else:
        patch.relocate(1, 8, TOC16_DS, used, 8)
    return patch


@pytest.mark.parametrize("through_toc", [False, True])
def test_a_relocation_for_another_object_may_come_late(module: Path, through_toc: bool) -> None:
    found = hazards(using_a_pointer("other", through_toc=through_toc), module)
    assert found.pop("object-not-given").subject == "other"
    evidence = only(found, "klp-relocation-late")
    assert evidence == ("replacement uses pointers+0x8, which is for other: .klp.sym.other.quiet,0")
    own = using_a_pointer("scsi_common", through_toc=through_toc)
    assert hazards(own, module) == {}


def test_a_kernel_that_clobbers_r15(tmp_path: Path) -> None:
    kernel = MadeObject(kind=2)
    kernel.symbol("ftrace_caller", kernel.text(".text", *BROKEN), 0, 4 * len(BROKEN))
    vmlinux = kernel.write(tmp_path / "vmlinux")
    found = hazards(made_patch({None: [Func("gone")]}), vmlinux)
    assert found["kernel-clobbers-r15"].evidence == "ftrace_caller at 0x0"


def test_the_schema_knows_every_kind() -> None:
    schema = json.loads((SCHEMAS / "scan.schema.json").read_text())
    known = schema["$defs"]["Hazard"]["properties"]["id"]["enum"]
    assert known == [kind.id for kind in HAZARDS]


def test_every_kind_is_tried_here() -> None:
    guests = Path(__file__).parents[2] / "guests" / "scan"
    files = [Path(__file__), guests / "test_no_site.py"]
    tried = set(re.findall(r'"([a-z0-9-]+)"', "".join(one.read_text() for one in files)))
    assert {kind.id for kind in HAZARDS} <= tried
