# SPDX-License-Identifier: GPL-2.0-or-later
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.schedule import scope_of

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("test_a[6.1]", " 6.1"),
        ("test_a[patched-7.2-pcrel-radix]", " 7.2-pcrel-radix"),
        ("test_a[6.1-4k-hash-kdump]", " 6.1-4k-hash"),
        ("test_a[6.1-radix-host]", " 6.1-radix"),
        ("test_a[1.6.1]", ""),
        ("test_a", ""),
    ],
)
def test_scope(name: str, subject: str) -> None:
    assert scope_of(f"tests/guests/answers/test_b.py::{name}") == (
        f"tests/guests/answers/test_b.py{subject}"
    )


def test_one_worker_has_all_tests_of_a_scope(tmp_path: Path) -> None:
    """Of a real run of pytest with two workers, whose versions may not fit each other."""
    tmp_path.joinpath("conftest.py").write_text("pytest_plugins = ['tests.support.schedule']\n")
    tmp_path.joinpath("test_it.py").write_text(
        "import os, pathlib, pytest\n"
        "@pytest.mark.parametrize('other', range(5))\n"
        "@pytest.mark.parametrize('kernel', ['6.1', '7.2', '6.12-hash', '7.2-pcrel'])\n"
        "def test_it(kernel, other):\n"
        "    with pathlib.Path(__file__).with_name('who').open('a') as who:\n"
        "        print(kernel, os.environ['PYTEST_XDIST_WORKER'], file=who)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadscope", "-q", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    workers = defaultdict(set)
    lines = (tmp_path / "who").read_text().splitlines()
    assert len(lines) == 4 * 5
    for kernel, worker in map(str.split, lines):
        workers[kernel].add(worker)
    assert all(len(seen) == 1 for seen in workers.values())
    assert set.union(*workers.values()) == {"gw0", "gw1"}
