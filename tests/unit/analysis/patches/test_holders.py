# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose an ftrace_ops is, by name."""

import pytest

from klp_debug.analysis.patches.holders import Holders, Names
from klp_debug.result.unknown import Unknown
from tests.support.fake_kernel import Struct
from tests.support.fake_probes import Probes
from tests.support.fake_view import FakeKernel

IMAGE = 0xC008000001000000


@pytest.fixture
def probes() -> Probes:
    made = Probes(FakeKernel())
    made.kernel.function("f")
    return made


def site(probes: Probes) -> int:
    return probes.kernel.functions["f"].site


def names(
    probes: Probes, user: str | None, *, ops: Struct | None = None, targets: tuple[int, ...] = ()
) -> Names:
    kernel = probes.kernel
    ops = ops or kernel.ops("callback", kernel.functions["f"]).struct
    return Holders(kernel.view()).of(user, ops.object, [site(probes)], targets)


def test_kprobes_of_a_site(probes: Probes) -> None:
    probes.kprobe(site(probes))["post_handler"] = IMAGE
    probes.event(site(probes), "f", "kprobes", "mine")
    probes.kprobe(site(probes) + 0x40, "other")
    label = probes.kernel.functions["f"].site_label
    assert sorted(map(str, names(probes, "kprobes"))) == [
        "kprobe on f+0x0, event kprobes/mine",
        f"kprobe on {label}, with a post_handler",
    ]


@pytest.mark.parametrize("module", [None, "killswitch"])
def test_killswitch(probes: Probes, module: str | None) -> None:
    """In the kernel, or as the module outside the tree: its kprobe has an empty post_handler."""
    handler = "ks_kprobe_pre_handler"
    probes.kernel.function(handler, module, traced=False)
    probes.kprobe(site(probes), "f", handler=handler)["post_handler"] = IMAGE
    (name,) = names(probes, "kprobes")
    assert name == "kprobe on f+0x0, of killswitch, with a post_handler"


def test_bpf_programs(probes: Probes) -> None:
    probes.trampoline(IMAGE, ("mine", 3), ("", 5))
    assert names(probes, "BPF", targets=(IMAGE,)) == (
        "BPF program mine (id 3)",
        "BPF program (id 5)",
    )
    assert names(probes, "BPF", targets=(IMAGE + 0x1000,)) == ()


def test_the_instance_of_a_tracer(probes: Probes) -> None:
    kernel = probes.kernel
    top, mine = kernel.new("trace_array"), kernel.new("trace_array", name=kernel.string("mine"))
    for instance, name in ((top, "the top tracing instance"), (mine, "instance mine")):
        ops = kernel.ops("function_trace_call", kernel.functions["f"]).struct
        ops["private"] = instance
        assert names(probes, "function tracer", ops=ops) == (name,)


@pytest.mark.parametrize("user", ["livepatch", None])
def test_those_that_have_no_names(probes: Probes, user: str | None) -> None:
    assert names(probes, user) == ()


def test_what_cannot_be_read(probes: Probes) -> None:
    probes.kprobe(site(probes)).lose()
    (unknown,) = names(probes, "kprobes")
    assert isinstance(unknown, Unknown)
    probes.trampoline(IMAGE, ("mine", 3)).lose()
    (unknown,) = names(probes, "BPF", targets=(IMAGE,))
    assert isinstance(unknown, Unknown)
