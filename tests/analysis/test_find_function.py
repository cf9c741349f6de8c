# SPDX-License-Identifier: GPL-2.0-or-later
import pytest

from klp_debug.analysis.find_function import FunctionNotFoundError, find_function
from klp_debug.kernel.symbols import KernelSymbols
from tests.kernel.symbol_tables import FUNC, symbol_table
from tests.kernel.test_symbols import SYMBOLS


def test_by_name() -> None:
    assert find_function(SYMBOLS, "int_to_scsilun").address == 0xC008000000140000


@pytest.mark.parametrize("spec", ["0xc008000000140004", "c008000000140004"])
def test_by_address_within(spec: str) -> None:
    assert find_function(SYMBOLS, spec).name == "int_to_scsilun"


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
        ("0x10", "in no symbol"),
        ("start@x", "after @ comes a number"),
        ("\x1b[2J", r"no function \x1b[2J"),
        ("", "no function"),
    ],
)
def test_refusals_are_one_sentence(spec: str, says: str) -> None:
    assert says in refusal(spec)
