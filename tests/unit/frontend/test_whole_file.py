# SPDX-License-Identifier: GPL-2.0-or-later
"""A file is there as a whole or not at all."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from klp_debug.errors import CommandError
from klp_debug.frontend.whole_file import WholeFile


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_written(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    with WholeFile(path) as file:
        assert not path.exists()
        file.write("text\n")
        assert path.read_text() == "text\n"
    assert names(tmp_path) == ["page.html"]


def test_mode_is_what_the_umask_asks_for(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with WholeFile(tmp_path / "page.html") as file:
            file.write("")
    finally:
        os.umask(before)
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o640


def test_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    (tmp_path / "link").symlink_to("page.html")
    with WholeFile(tmp_path / "link") as file:
        assert path.read_text() == "old"
        file.write("new")
    assert path.read_text() == "new"
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path) == ["link", "page.html"]


def test_what_was_there_stays_if_the_block_fails(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), WholeFile(path):
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert names(tmp_path) == ["page.html"]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Make this process's files no larger than SIZE bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [100, 1_000_000])
def test_no_space(tmp_path: Path, size: int) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    with (
        pytest.raises(CommandError, match=r"page\.html cannot be written: File too large"),
        WholeFile(path) as file,
        file_size_limit(50),
    ):
        file.write("x" * size)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["page.html"]


def refused(path: Path) -> str:
    with pytest.raises(CommandError) as caught, WholeFile(path):
        pytest.fail("it should have been refused at once")
    return str(caught.value)


def test_no_such_folder(tmp_path: Path) -> None:
    path = tmp_path / "no" / "page.html"
    assert refused(path) == f"{path} cannot be written: No such file or directory"


@pytest.mark.parametrize("path", ["/", ".", "", "/dev/null"])
def test_no_regular_file(path: str) -> None:
    """A device that a rename replaced would be gone for every process of the machine."""
    assert refused(Path(path)) == f"{Path(path)} cannot be written: it is no regular file"
    assert not Path("/dev/null").is_file()


def test_fifo(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert refused(tmp_path / "fifo").endswith("it is no regular file")


def test_name_too_long(tmp_path: Path) -> None:
    assert "cannot be written: File name too long" in refused(tmp_path / ("x" * 300))


def test_folder_of_someone_else(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    assert refused(tmp_path / "page.html").endswith("cannot be written: Permission denied")
