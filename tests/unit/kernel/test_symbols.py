# SPDX-License-Identifier: GPL-2.0-or-later
from klp_debug.kernel.symbols import KernelSymbols
from klp_debug.result.address import Address
from klp_debug.result.unknown import Unknown
from tests.support.sure import sure
from tests.support.symbol_tables import FUNC, MODULE, NOTYPE, SYMBOLS, VMLINUX, symbol_table


def test_named_finds_all() -> None:
    assert [(symbol.module, symbol.address) for symbol in SYMBOLS.named("start")] == [
        (None, 0xC000000000000100),
        ("scsi_common", 0xC008000000140100),
    ]


def test_named_in_one_object() -> None:
    assert [symbol.module for symbol in SYMBOLS.named("start", "vmlinux")] == [None]
    assert [symbol.module for symbol in SYMBOLS.named("start", "scsi_common")] == ["scsi_common"]
    assert SYMBOLS.named("start", "nowhere") == []


def test_covering_prefers_the_sized_function() -> None:
    symbol = sure(SYMBOLS.covering(0xC000000000000104))
    assert symbol.name == "start"


def test_covering_ends_where_the_symbol_ends() -> None:
    assert SYMBOLS.covering(0xC000000000000310) is None


def test_a_symbol_without_size_reaches_to_the_next() -> None:
    symbol = sure(SYMBOLS.covering(0xC0000000000002FC))
    assert symbol.name == "unsized"


def test_the_last_symbol_of_vmlinux_does_not_swallow_the_modules() -> None:
    assert SYMBOLS.format(0xC008000000140004) == "int_to_scsilun+0x4 [scsi_common]"
    assert SYMBOLS.format(0xC00800000FFFFFFF) is None


def test_format_is_the_kernels() -> None:
    assert SYMBOLS.format(0xC000000000000100) == "start"
    assert SYMBOLS.format(0xC000000000000108) == "start+0x8"


def test_hostile_names_are_escaped() -> None:
    table = symbol_table("evil", ("a\x1b[2J\xff", 0x1000, 4, FUNC))
    assert table.covering(0x1000).name.isascii()  # type: ignore[union-attr]


def test_a_name_offset_outside_the_strings_is_no_crash() -> None:
    table = symbol_table("evil", ("name", 0x1000, 4, FUNC))
    table._symbols = table._symbols.copy()
    table._symbols["name"] = 0xFFFFFFF0
    assert table.covering(0x1000).name == ""  # type: ignore[union-attr]


def test_a_symbol_without_size_stays_in_its_modules_memory() -> None:
    """Modules lie in any order: the last symbol of one must not reach into the next."""
    inner = symbol_table("inner", ("f", 0x2000, 4, FUNC), regions=[(0x2000, 0x1000)])
    outer = symbol_table(
        "outer",
        ("TOC.", 0x1000, 0, NOTYPE),
        ("g", 0x4000, 4, FUNC),
        regions=[(0x1000, 0x1000), (0x4000, 0x1000)],
    )
    symbols = KernelSymbols([outer, inner])
    assert symbols.format(0x2000) == "f [inner]"
    assert symbols.format(0x1800) == "TOC.+0x800 [outer]"
    assert symbols.format(0x3000) is None


CUT = Unknown("symbols of module at 0xc008000000540000: is cut")
MISSING = KernelSymbols([VMLINUX, MODULE], CUT)
OF_NO_TABLE = 0xC008000000540010


def test_an_address_that_may_be_of_a_module_whose_symbols_are_missing() -> None:
    assert MISSING.known_at(OF_NO_TABLE) is None
    assert MISSING.covering(OF_NO_TABLE) == CUT
    assert MISSING.format(OF_NO_TABLE) == CUT
    assert MISSING.label(OF_NO_TABLE) == "0xc008000000540010 (its symbol is unknown)"


def test_an_address_of_a_table_that_was_read() -> None:
    at = 0xC008000000140004
    symbol = sure(SYMBOLS.known_at(at))
    assert symbol.name == "int_to_scsilun"
    assert MISSING.known_at(at) == MISSING.covering(at) == symbol
    assert MISSING.format(at) == MISSING.label(at) == "int_to_scsilun+0x4 [scsi_common]"


def test_no_module_is_where_none_can_be() -> None:
    """A process's memory and the linear map are not where modules are loaded."""
    for address in (0x1000, 0xC000000000000310, 0xC0000FFFFFFFFFFF):
        assert MISSING.covering(address) is None
        assert MISSING.label(address) == f"{address:#018x}"


def test_a_label_of_what_has_no_symbol() -> None:
    assert SYMBOLS.covering(OF_NO_TABLE) is None
    assert SYMBOLS.label(OF_NO_TABLE) == "0xc008000000540010"


def test_any_kind_of_number_is_an_address() -> None:
    """As results have them, and as a sum of registers may leave them."""
    for address in (Address(OF_NO_TABLE), OF_NO_TABLE - (1 << 64)):
        assert MISSING.covering(address) == CUT
