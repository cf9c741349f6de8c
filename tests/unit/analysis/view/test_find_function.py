# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
from drgn import FaultError
from hypothesis import given
from hypothesis import strategies as st

from klp_debug.analysis.view.find_function import (
    FunctionNotFoundError,
    find_function,
    function_at,
    namesakes_in_patches,
    parse_name,
)
from klp_debug.kernel.symbols import KernelSymbol, KernelSymbols
from klp_debug.result.unknown import Unknown
from tests.support.symbol_tables import FUNC, MODULE, OBJECT, SYMBOLS, VMLINUX, symbol_table


def test_by_name() -> None:
    assert find_function(SYMBOLS, "int_to_scsilun").address == 0xC008000000140000


@pytest.mark.parametrize("spec", ["0xc008000000140004", "c008000000140004"])
def test_by_address_within(spec: str) -> None:
    assert find_function(SYMBOLS, spec).name == "int_to_scsilun"
    assert function_at(SYMBOLS, int(spec, 16)) == find_function(SYMBOLS, spec)


def test_by_module_and_name() -> None:
    assert find_function(SYMBOLS, "scsi_common:start").address == 0xC008000000140100
    assert find_function(SYMBOLS, "vmlinux:start").address == 0xC000000000000100


def test_by_position() -> None:
    twins = KernelSymbols(
        [symbol_table(None, ("twin", 0x1000, 4, FUNC), ("twin", 0x2000, 4, FUNC))]
    )
    assert find_function(twins, "twin@2").address == 0x2000


def refusal(spec: str, symbols: KernelSymbols = SYMBOLS) -> str:
    with pytest.raises(FunctionNotFoundError) as caught:
        find_function(symbols, spec)
    return str(caught.value)


def test_ambiguous_names_all_candidates() -> None:
    message = refusal("start")
    assert "vmlinux:start at 0xc000000000000100" in message
    assert "scsi_common:start at 0xc008000000140100" in message


def test_ambiguous_in_one_object_tells_positions() -> None:
    twins = KernelSymbols(
        [symbol_table(None, ("twin", 0x1000, 4, FUNC), ("twin", 0x2000, 4, FUNC))]
    )
    message = refusal("twin", twins)
    assert "twin@1 at 0x1000" in message
    assert "twin@2 at 0x2000" in message
    assert "2 symbols" in refusal("twin@3", twins)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nosuch", "no function nosuch in this kernel"),
        ("scsi_common:nosuch", "no function nosuch in scsi_common"),
        ("data", "no function data"),
        ("0xc000000000001000", "data, which is no function"),
        ("0xd000000000000010", "in no symbol"),
        ("start@x", "after @ comes a number"),
        ("\x1b[2J", r"no function \x1b[2J"),
        ("start@\x1b", r"start@\x1b: after @"),
        ("\x1b:start", r"no function start in \x1b"),
        ("", "no function"),
    ],
)
def test_refusals_are_one_sentence(spec: str, says: str) -> None:
    assert says in refusal(spec)


TWICE_IN_VMLINUX = KernelSymbols(
    [
        symbol_table(None, ("twin", 0x1000, 4, FUNC), ("twin", 0x2000, 4, FUNC)),
        symbol_table("lib", ("twin", 0x8000, 4, FUNC)),
    ]
)


def test_ambiguous_in_one_object_and_in_another() -> None:
    told = refusal("twin", TWICE_IN_VMLINUX).removeprefix("twin is ambiguous: ").split(", ")
    assert told == ["vmlinux:twin@1 at 0x1000", "vmlinux:twin@2 at 0x2000", "lib:twin at 0x8000"]
    for candidate in told:
        spec, _, address = candidate.partition(" at ")
        assert find_function(TWICE_IN_VMLINUX, spec).address == int(address, 16)


def test_position_counts_in_each_object_by_itself() -> None:
    assert find_function(TWICE_IN_VMLINUX, "twin@2").address == 0x2000
    assert find_function(TWICE_IN_VMLINUX, "lib:twin@1").address == 0x8000
    message = refusal("twin@1", TWICE_IN_VMLINUX)
    assert message == "twin is ambiguous: vmlinux:twin@1 at 0x1000, lib:twin at 0x8000"


def test_position_counts_data_as_sympos_does() -> None:
    """klp_find_callback() compares names alone."""
    symbols = KernelSymbols(
        [
            symbol_table(
                None,
                ("mixed", 0x1000, 4, FUNC),
                ("mixed", 0x2000, 8, OBJECT),
                ("mixed", 0x3000, 4, FUNC),
            )
        ]
    )
    assert find_function(symbols, "mixed@3").address == 0x3000
    assert refusal("mixed@2", symbols) == "no function mixed@2: the symbol at 0x2000 is none"
    assert "mixed@1 at 0x1000, mixed@3 at 0x3000" in refusal("mixed", symbols)


@pytest.mark.parametrize(
    ("address", "fault", "says"),
    [
        ("0xc00900000000f000", None, "is in no symbol of the kernel or its modules"),
        ("0xc00900000000f000", "not mapped: its pte entry is 0x0", "is not mapped: its pte"),
        ("0xc00900000000f000", "no page", "is in no symbol of the kernel or its modules, and"),
        ("0x10", None, "is not mapped: the kernel's addresses begin at 0xc000000000000000"),
    ],
)
def test_address_in_no_symbol(address: str, fault: str | None, says: str) -> None:
    def read(at: int, size: int) -> bytes:
        assert at == int(address, 16)
        if fault is not None:
            raise FaultError(fault, at)
        return bytes(size)

    with pytest.raises(FunctionNotFoundError) as caught:
        find_function(SYMBOLS, address, read)
    assert str(caught.value).startswith(f"{address} {says}")


CUT = KernelSymbols([VMLINUX, MODULE], Unknown("list of modules: is cut"))
"""There may be other modules."""


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nosuch", "whether there is a function nosuch in this kernel cannot be told: list of"),
        ("other:nosuch", "whether there is a function nosuch in other cannot be told: list of"),
        ("vmlinux:nosuch", "no function nosuch in vmlinux"),
        ("0xd000000000000010", "what 0xd000000000000010 is in cannot be told: list of modules"),
        ("0x10", "0x10 is not mapped"),
    ],
)
def test_what_may_be_in_a_module_that_could_not_be_read(spec: str, says: str) -> None:
    assert says in refusal(spec, CUT)


def test_what_is_found_is_found_though_modules_are_missing() -> None:
    assert find_function(CUT, "int_to_scsilun") == find_function(SYMBOLS, "int_to_scsilun")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("f", ("f", None, None, 0)),
        ("f,1", ("f", None, 1, 0)),
        ("f,0", ("f", None, None, 0)),
        ("f@2", ("f", None, 2, 0)),
        ("my-module:f@2", ("f", "my_module", 2, 0)),
        ("f [my_module]", ("f", "my_module", None, 0)),
        ("f,2 [my-module]", ("f", "my_module", 2, 0)),
        ("f+0x1c/0x130", ("f", None, None, 0x1C)),
        ("f+0x1c/0x130 [my_module]", ("f", "my_module", None, 0x1C)),
        ("f.isra.0+0x4", ("f.isra.0", None, None, 4)),
    ],
)
def test_spellings(spec: str, expected: tuple[str, str | None, int | None, int]) -> None:
    """Ours, those of sysfs and kpatch, and the kernel's own in a trace."""
    found = parse_name(spec)
    assert (found.name, found.module, found.position, found.offset) == expected


@pytest.mark.parametrize("spec", ["scsi_common:f [leaf_patch]", "a:f,1 [b]"])
def test_two_modules_are_no_name(spec: str) -> None:
    with pytest.raises(FunctionNotFoundError, match="two modules"):
        parse_name(spec)
    assert parse_name("my-module:f [my_module]").module == "my_module"


@pytest.mark.parametrize("offset", [0, 4, 0x38])
def test_an_offset_in_the_function(offset: int) -> None:
    """Right behind it as well: there a call returns to that is its last word."""
    found = find_function(SYMBOLS, f"int_to_scsilun+{offset:#x}/0x40")
    assert found == find_function(SYMBOLS, "int_to_scsilun")


@pytest.mark.parametrize("spec", ["int_to_scsilun+0x39/0x40", "int_to_scsilun+0x999"])
def test_an_offset_past_the_function(spec: str) -> None:
    """It is another function of that name: of another kernel, or one of several."""
    with pytest.raises(FunctionNotFoundError, match="has 0x38 bytes, so no "):
        find_function(SYMBOLS, spec)


@given(st.text(max_size=12))
def test_any_text_is_a_name_or_none(text: str) -> None:
    try:
        found = parse_name(text)
    except FunctionNotFoundError:
        return
    assert found.name in text


KPATCH = KernelSymbols(
    (
        symbol_table(None, ("start", 0x1000, 64, FUNC)),
        symbol_table("kpatch_mod", ("start", 0x8000, 64, FUNC)),
        symbol_table("kpatch_old", ("start", 0x9000, 64, FUNC)),
    )
)
UNREAD = Unknown("module kpatch_old: not read")


def is_patch(module: str) -> bool:
    return module.startswith("kpatch")


def test_the_function_that_callers_call_is_meant() -> None:
    assert find_function(KPATCH, "start", is_patch=is_patch).address == 0x1000
    assert find_function(KPATCH, "start,1", is_patch=is_patch).address == 0x1000
    assert find_function(KPATCH, "start [kpatch_mod]", is_patch=is_patch).address == 0x8000
    assert find_function(KPATCH, "kpatch-old:start", is_patch=is_patch).address == 0x9000


def test_what_every_module_has_stays_ambiguous() -> None:
    tables = [symbol_table(one, ("init_module", 0x8000, 64, FUNC)) for one in ("lib", "kpatch_mod")]
    with pytest.raises(FunctionNotFoundError, match="ambiguous"):
        find_function(KernelSymbols(tables), "init_module", is_patch=is_patch)


def test_a_patch_s_is_not_taken_where_its_original_may_be_unread() -> None:
    """The one that callers call may be in the module that could not be read."""
    cut = KernelSymbols((symbol_table("kpatch_mod", ("start", 0x8000, 64, FUNC)),), UNREAD)
    for spec in ("start", "start,1", "start+0x4/0x40"):
        with pytest.raises(FunctionNotFoundError, match="cannot be told: module kpatch_old"):
            find_function(cut, spec, is_patch=is_patch)
        with pytest.raises(FunctionNotFoundError, match="cannot be told: module kpatch_old"):
            find_function(cut, spec, is_patch=lambda module: UNREAD)
    assert find_function(cut, "kpatch_mod:start", is_patch=is_patch).address == 0x8000
    assert find_function(cut, "0x8004", is_patch=is_patch).address == 0x8000
    assert find_function(cut, "start", is_patch=lambda module: False).address == 0x8000


def test_its_namesakes_are_told() -> None:
    symbol = find_function(KPATCH, "start", is_patch=is_patch)
    found = namesakes_in_patches(KPATCH, symbol, is_patch)
    assert [one.module for one in found if isinstance(one, KernelSymbol)] == [
        "kpatch_mod",
        "kpatch_old",
    ]
    assert namesakes_in_patches(KPATCH, symbol, lambda module: UNREAD) == [UNREAD, UNREAD]


def test_those_of_its_other_names_too() -> None:
    tables = (
        symbol_table(None, ("start", 0x1000, 64, FUNC), ("__start", 0x1000, 64, FUNC)),
        symbol_table("kpatch_mod", ("start", 0x8000, 64, FUNC), ("__start", 0x8000, 64, FUNC)),
    )
    symbols = KernelSymbols(tables)
    for name in ("start", "__start"):
        found = namesakes_in_patches(symbols, symbols.named(name, "vmlinux")[0], is_patch)
        assert [one.address for one in found if isinstance(one, KernelSymbol)] == [0x8000]


def test_the_init_functions_of_modules_are_no_replacements_of_each_other() -> None:
    tables = (
        symbol_table("scsi", ("scsi_init", 0x7000, 64, FUNC), ("init_module", 0x7000, 64, FUNC)),
        symbol_table("kpatch_mod", ("p_init", 0x8000, 64, FUNC), ("init_module", 0x8000, 64, FUNC)),
    )
    symbols = KernelSymbols(tables)
    with pytest.raises(FunctionNotFoundError, match="is ambiguous: scsi:init_module"):
        find_function(symbols, "init_module", is_patch=is_patch)
    assert namesakes_in_patches(symbols, symbols.named("scsi_init")[0], is_patch) == []


def test_several_that_are_no_replacements_stay_ambiguous() -> None:
    with pytest.raises(FunctionNotFoundError, match="ambiguous"):
        find_function(KPATCH, "start", is_patch=lambda module: module == "kpatch_old")
    with pytest.raises(FunctionNotFoundError, match="ambiguous"):
        find_function(KPATCH, "start")


def test_a_module_that_may_be_a_patch() -> None:
    def unknown(module: str) -> bool | Unknown:
        return UNREAD if module == "kpatch_old" else True

    with pytest.raises(FunctionNotFoundError, match="whether kpatch_old is a live patch cannot"):
        find_function(KPATCH, "start", is_patch=unknown)
