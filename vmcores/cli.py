# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's command line: `python -m vmcores`."""

import argparse
import json
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

from vmcores.bench import as_json, as_text, bench
from vmcores.build.image import image
from vmcores.build.recipe import load_recipe, recipe_names
from vmcores.demo import demo
from vmcores.errors import LabError
from vmcores.guest.guest import Guest
from vmcores.host.cache import cache_root
from vmcores.scenarios.capture import captures, play
from vmcores.scenarios.covering import covering_cases
from vmcores.scenarios.scenario import Scenario, load_scenario, scenario_names
from vmcores.scenarios.take_all import take_all


def _kernels(_arguments: argparse.Namespace) -> int:
    for name in recipe_names():
        recipe = load_recipe(name)
        print(f"{name}: {recipe.source} ({recipe.suite}), {', '.join(recipe.cpus)}")
    return 0


def _scenarios(_arguments: argparse.Namespace) -> int:
    for name in scenario_names():
        scenario = load_scenario(name)
        print(
            f"{name}: {scenario.description}\n"
            f"    kernels {', '.join(scenario.kernels)}; MMU {', '.join(scenario.mmus)};"
            f" captures {', '.join(scenario.captures)}"
        )
    return 0


def _build(arguments: argparse.Namespace) -> int:
    for name in arguments.kernel or recipe_names():
        built = image(name)
        print(f"{name}: {built.kernel.recipe.source} {built.kernel.source_version}")
        print(f"  vmlinux {built.vmlinux}\n  modules {built.modules}")
    return 0


def _boot(arguments: argparse.Namespace) -> int:
    scenario = load_scenario(arguments.scenario) if arguments.scenario else None
    kernel = arguments.kernel or (scenario.kernels[0] if scenario else "6.1")
    mmu = arguments.mmu or (scenario.mmus[0] if scenario else "radix")
    booted = image(kernel)
    with Guest(booted, mmu, memory=arguments.memory, smp=arguments.smp, terminal=True) as guest:
        if scenario:
            play(guest, scenario)
        lines = (
            "",
            f"kernel    {booted.vmlinux}",
            f"modules   {booted.modules} (in the guest: /modules)",
            f"share     {guest.share} (in the guest: /share)",
            f"QMP       {guest.qmp_socket}",
            f"gdbstub   {guest.gdb_socket}",
            *([f"to crash  {scenario.crash}"] if scenario else []),
            "The guest's shell is below: `poweroff -f` or Ctrl-A x ends it.",
            "",
        )
        print("\r\n".join(lines), end="\r\n", flush=True)
        guest.machine.wait(float("inf"))
    return 0


def _capture(arguments: argparse.Namespace) -> int:
    covering = not (arguments.scenario or arguments.full)
    chosen = [
        (name, kernel, mmu)
        for name, scenario in (
            (name, load_scenario(name)) for name in arguments.scenario or scenario_names()
        )
        for kernel, mmu in (covering_cases(scenario) if covering else scenario.cases())
        if arguments.kernel in (None, kernel) and arguments.mmu in (None, mmu)
    ]
    if len(chosen) > 1:
        take_all(chosen)
    for name, kernel, mmu in chosen:
        _print_captures(load_scenario(name), kernel, mmu)
    return 0


def _print_captures(scenario: Scenario, kernel: str, mmu: str) -> None:
    taken = captures(scenario, kernel, mmu)
    print(f"{scenario.name} ({kernel}, {mmu}):")
    paths = {"vmlinux": taken.image.vmlinux, "modules": taken.image.modules}
    paths |= taken.paths | {"oracle": taken.folder / "oracle.json", "console": taken.console_log}
    for what, path in paths.items():
        print(f"  {what:10} {path}")


def _bench(arguments: argparse.Namespace) -> int:
    for kernel in arguments.kernel or ["6.12"]:
        for measured in bench(kernel, arguments.mmu, arguments.smp, arguments.runs):
            told = json.dumps(as_json(measured)) if arguments.json else as_text(measured)
            print(told, flush=True)
    return 0


def _demo(_arguments: argparse.Namespace) -> int:
    return demo()


def _clean(_arguments: argparse.Namespace) -> int:
    if cache_root().exists():
        shutil.rmtree(cache_root())
        print(f"removed {cache_root()}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m vmcores",
        description="The guest lab: builds ppc64le kernels, boots them under QEMU, patches them,"
        f" and captures them. All it makes is in {cache_root()}.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(
        name: str, function: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=f"{text}.")
        added.set_defaults(function=function)
        return added

    command("kernels", _kernels, "list the kernel recipes")
    command("scenarios", _scenarios, "list the scenarios")

    build = command("build", _build, "build kernels, with their modules, and the user land")
    build.add_argument("kernel", nargs="*", help="recipe name (default: all)")

    boot = command("boot", _boot, "boot a guest to a shell on this terminal")
    boot.add_argument("scenario", nargs="?", help="play this scenario first")
    _add_kernel(boot, "default: the scenario's first, else 6.1")
    _add_mmu(boot, "default: the scenario's first, else radix")
    boot.add_argument("--memory", default="512M", help="default: 512M")
    boot.add_argument("--smp", type=int, default=2, help="number of CPUs (default: 2)")

    capture = command("capture", _capture, "take a scenario's captures and print their paths")
    capture.add_argument("scenario", nargs="*", help="scenario name (default: the covering set)")
    capture.add_argument(
        "--full", action="store_true", help="all scenarios, on all their kernels and MMUs"
    )
    _add_kernel(capture, "default: all of the scenario's")
    _add_mmu(capture, "default: all of the scenario's")

    measure = command(
        "bench", _bench, "measure the pause, round trips and bytes of disarming ten functions"
    )
    measure.add_argument("kernel", nargs="*", help="recipe name (default: 6.12)")
    _add_mmu(measure, "default: radix", "radix")
    measure.add_argument("--smp", type=int, default=2, help="number of CPUs (default: 2)")
    measure.add_argument("--runs", type=int, default=3, help="how often each (default: 3)")
    measure.add_argument("--json", action="store_true", help="a line of JSON each")

    command("demo", _demo, "capture a patched kernel through kdump and look at it with klp-debug")
    command("clean", _clean, "remove all kernels, captures and logs from the cache")
    return parser


def _add_kernel(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument("--kernel", choices=recipe_names(), help=f"kernel recipe ({default})")


def _add_mmu(parser: argparse.ArgumentParser, default: str, value: str | None = None) -> None:
    parser.add_argument(
        "--mmu",
        choices=["radix", "hash"],
        default=value,
        help=f"radix is POWER9, hash is POWER8 ({default})",
    )


def _terminate(_number: int, _frame: FrameType | None) -> None:
    # As an exception, so that the `with` blocks end their guests.
    sys.exit(128 + signal.SIGTERM)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that ARGV tells; return the exit status."""
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return int(arguments.function(arguments))
    except LabError as error:
        print("\n".join([f"vmcores: {error}", *getattr(error, "__notes__", [])]), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
