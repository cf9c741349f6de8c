# SPDX-License-Identifier: GPL-2.0-or-later
from dataclasses import replace
from pathlib import Path

import pytest

from vmcores.build import recipe
from vmcores.build.kernel_build import check_config, kernel_key
from vmcores.build.recipe import load_recipe, recipe_names
from vmcores.errors import LabError


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_loads(name: str) -> None:
    assert "CONFIG_PPC64=y" in load_recipe(name).config_text()


def test_unknown_recipe_names_the_known() -> None:
    with pytest.raises(LabError, match=r"no kernel recipe 'x'; there are: .*6\.1"):
        load_recipe("x")


def test_wrong_field(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.toml").write_text('sauce = "linux"\n')
    monkeypatch.setattr(recipe, "FOLDER", tmp_path)
    with pytest.raises(LabError, match=r"'bad': .*sauce"):
        load_recipe("bad")


def test_key_depends_on_all_that_shapes_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "FOLDER", tmp_path)
    config = tmp_path / "guest.config"
    config.write_text("CONFIG_A=y\n")
    base = replace(load_recipe_text(tmp_path), config=("guest.config",))
    key = kernel_key(base, "1", "gcc 12")
    assert kernel_key(replace(base, expected_seconds=1), "1", "gcc 12") == key
    others = {
        kernel_key(base, "2", "gcc 12"),
        kernel_key(base, "1", "gcc 13"),
        kernel_key(replace(base, targets=("vmlinux",)), "1", "gcc 12"),
    }
    config.write_text("CONFIG_A=n\n")
    others.add(kernel_key(base, "1", "gcc 12"))
    assert len(others | {key}) == 5


def load_recipe_text(folder: Path) -> recipe.Recipe:
    (folder / "k.toml").write_text(
        'source = "s"\nsuite = "u"\nconfig = []\ncompiler = "c"\ncross = "x-"\n'
        "expected_seconds = 5\n"
    )
    return load_recipe("k")


def test_config_that_kconfig_did_not_take() -> None:
    base = load_recipe("6.1")
    got = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_N=4\n"
    check_config(base, "CONFIG_A=y\nCONFIG_B=n\nCONFIG_GONE=n\nCONFIG_N=4\n", got)
    # A later fragment overrides an earlier one.
    check_config(base, "CONFIG_B=y\nCONFIG_B=n\n", got)
    with pytest.raises(LabError, match=r"did not take CONFIG_B, CONFIG_N$"):
        check_config(base, "CONFIG_A=y\nCONFIG_B=y\nCONFIG_N=8\n", got)
