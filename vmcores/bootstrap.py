# SPDX-License-Identifier: GPL-2.0-or-later
"""
Makes a bare machine ready: host packages, then the virtual environment.

`python3 -m vmcores.bootstrap [venv|lab|test]`, in the project's folder. Runs before there is any
virtual environment, so it uses Python's own library only.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from vmcores.build.recipe import load_recipe, recipe_names
from vmcores.host.cache import log_path
from vmcores.host.host import LAB_NEEDS, TEST_NEEDS, VENV_NEEDS, Need, apt_knows, missing
from vmcores.host.timings import expected_seconds, remember

PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
APT_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
BAR_WIDTH = 30


class BootstrapError(Exception):
    """The machine cannot be made ready; the message says what the user has to do."""


def run(title: str, argv: Sequence[str], estimate: float, env: dict[str, str]) -> None:
    """Run ARGV as a stage with a log and a line of progress. Raises BootstrapError."""
    log = log_path(title)
    expected = expected_seconds(title, estimate)
    terminal = sys.stderr.isatty()
    start = time.monotonic()
    if not terminal:
        print(f"{title} ... (about {expected:.0f} s)", file=sys.stderr, flush=True)
    with log.open("w") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=os.environ | env
        )
        try:
            while process.poll() is None:
                time.sleep(0.2)
                if terminal:
                    elapsed = time.monotonic() - start
                    full = int(BAR_WIDTH * min(elapsed / max(expected, 0.1), 0.98))
                    bar = "#" * full + "." * (BAR_WIDTH - full)
                    print(
                        f"\r{title} [{bar}] {elapsed:.0f} s of about {expected:.0f} s ",
                        end="",
                        file=sys.stderr,
                        flush=True,
                    )
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    seconds = time.monotonic() - start
    before, after = ("\r", "\x1b[K") if terminal else ("", "")
    print(f"{before}{title}: {seconds:.1f} s{after}", file=sys.stderr)
    if process.returncode:
        raise BootstrapError(
            f"stage '{title}' failed with status {process.returncode}; its log is {log}"
        )
    remember(title, seconds)


def install_command(packages: Sequence[str]) -> list[str]:
    """Return the command that installs PACKAGES."""
    return ["apt-get", "install", "--yes", "--no-install-recommends", *packages]


def explain(lacking: Sequence[Need], update: bool) -> str:
    """Return what to do, as root, about the needs LACKING and outdated package lists."""
    commands = ["apt-get update"] if update else []
    packages = sorted({need.package for need in lacking})
    if packages:
        commands.append(" ".join(install_command(packages)))
    names = ", ".join(need.what for need in lacking)
    reason = f"this machine lacks {names}" if names else "apt has no list of source packages"
    return f"{reason}; as root, run: {' && '.join(commands)}"


def install_packages(needs: Sequence[Need], sources: Sequence[str]) -> None:
    """
    Make the host have NEEDS, and apt know SOURCES. Raises BootstrapError.

    Installs as root only; else the error says what to install.
    """
    lacking = missing(needs)
    unknown = [source for source in sources if not apt_knows(source)]
    if not lacking and not unknown:
        return
    packages = sorted({need.package for need in lacking})
    update = bool(unknown) or not all(apt_knows(package) for package in packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BootstrapError(explain(lacking, update))
    if update:
        run("apt-get update", ["apt-get", "update"], 10, APT_ENVIRONMENT)
    if packages:
        print(f"installing {' '.join(packages)}", file=sys.stderr)
        run("host packages", install_command(packages), 90, APT_ENVIRONMENT)
    still = missing(needs)
    if still:
        raise BootstrapError(explain(still, update=False))
    unknown = [source for source in sources if not apt_knows(source)]
    if unknown:
        raise BootstrapError(f"the host's apt sources have no package {', '.join(unknown)}")


def venv_stamp() -> str:
    """Return what the virtual environment depends on."""
    project = (PROJECT / "pyproject.toml").read_bytes()
    return f"{sys.version_info[:2]} {hashlib.sha256(project).hexdigest()}\n"


def make_venv() -> None:
    """
    Make .venv with the project in it, unless it is there and pyproject.toml is unchanged.

    Raises BootstrapError.
    """
    stamp = VENV / "bootstrap-stamp"
    if stamp.exists() and stamp.read_text() == venv_stamp():
        return
    python = VENV / "bin" / "python"
    # Half of one may be there, without pip, from a Python that had no ensurepip.
    ask_pip = [str(python), "-m", "pip", "--version"]
    if not python.exists() or subprocess.run(ask_pip, capture_output=True, check=False).returncode:
        run("virtual environment", [sys.executable, "-m", "venv", str(VENV)], 5, {})
    install = [str(python), "-m", "pip", "install", "--editable", f"{PROJECT}[dev]"]
    run("python packages", install, 60, {})
    stamp.write_text(venv_stamp())


def main(argv: Sequence[str] | None = None) -> int:
    """Make the machine ready for what ARGV names; return 0, or 2 with a sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python3 -m vmcores.bootstrap", description=__doc__)
    parser.add_argument(
        "purpose",
        nargs="?",
        choices=["venv", "lab", "test"],
        default="lab",
        help="venv: the virtual environment only; lab: host packages as well (default); test: also"
        " the browser that tests look at pages with",
    )
    purpose = parser.parse_args(argv).purpose
    try:
        if purpose != "venv":
            recipes = [load_recipe(name) for name in recipe_names()]
            # What has a build root has package lists of its own as well.
            sources = sorted({recipe.source for recipe in recipes if not recipe.build_root})
            needs = TEST_NEEDS if purpose == "test" else LAB_NEEDS
            install_packages((*VENV_NEEDS, *needs), sources)
        else:
            install_packages(VENV_NEEDS, [])
        make_venv()
    except BootstrapError as error:
        print(f"bootstrap: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
