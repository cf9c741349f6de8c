# SPDX-License-Identifier: GPL-2.0-or-later
"""Kprobes, BPF trampolines and tracing instances of a fake kernel."""

from tests.support.fake_kernel import Struct
from tests.support.fake_view import FakeKernel

BUCKETS = 4
"""Of each hash table; the kernel's are longer."""
_HEAD = 8


class Probes:
    """What hooks functions in a kernel, besides its ftrace_ops."""

    def __init__(self, kernel: FakeKernel) -> None:
        self.kernel = kernel
        for name in ("aggr_pre_handler", "kprobe_dispatcher", "handle_it"):
            kernel.function(name, traced=False)
        self._tables = {name: self._table(name) for name in ("kprobe_table", "trampoline_table")}

    def _table(self, name: str) -> int:
        at = self.kernel.allocate(_HEAD * BUCKETS)
        head = self.kernel.types.aggregate("hlist_head")
        self.kernel.place(name, self.kernel.prog.array_type(head, BUCKETS), at)
        return at

    def _push(self, table: str, bucket: int, node: int) -> None:
        head = self._tables[table] + _HEAD * bucket
        self.kernel.put_u64(node, self.kernel.prog_u64(head), head)
        self.kernel.put_u64(head, node)

    def kprobe(
        self, probed: int, symbol: str | None = None, *, handler: str = "handle_it"
    ) -> Struct:
        """Register a kprobe."""
        made = self.kernel.new("kprobe", addr=probed)
        self._fill(made, symbol, handler)
        self._push("kprobe_table", probed // 4 % BUCKETS, made.at("hlist"))
        return made

    def _fill(self, probe: Struct, symbol: str | None, handler: str) -> None:
        if symbol is not None:
            probe["symbol_name"] = self.kernel.string(symbol)
        probe["pre_handler"] = self.kernel.functions[handler].address

    def event(self, probed: int, symbol: str, group: str, name: str) -> Struct:
        """Register the kprobe of a trace event; return its ``struct kprobe``."""
        class_ = self.kernel.new("trace_event_class", system=self.kernel.string(group))
        of = self.kernel.new("trace_probe_event")
        of["call.class"], of["call.name"] = class_, self.kernel.string(name)
        trace = self.kernel.new("trace_kprobe")
        trace["tp.event"] = of
        probe = trace.member("rp.kp", "kprobe")
        probe["addr"] = probed
        self._fill(probe, symbol, "kprobe_dispatcher")
        self._push("kprobe_table", probed // 4 % BUCKETS, probe.at("hlist"))
        return probe

    def aggregate(self, probed: int, *probes: Struct) -> Struct:
        """Register what stands for several kprobes at one address."""
        made = self.kprobe(probed, handler="aggr_pre_handler")
        self.kernel.link(made.at("list"), *(probe.at("list") for probe in probes))
        return made

    def trampoline(self, target: int, *programs: tuple[str, int]) -> Struct:
        """Register a trampoline of BPF with programs: name and id."""
        image = self.kernel.new("bpf_tramp_image", image=target, size=0x100)
        made = self.kernel.new("bpf_trampoline", cur_image=image)
        for name, id_ in reversed(programs):
            aux = self.kernel.new("bpf_prog_aux", id=id_, name=name.encode())
            link = self.kernel.new("bpf_tramp_link")
            link["link.prog"] = self.kernel.new("bpf_prog", aux=aux)
            node, head = link.at("tramp_hlist"), made.at("progs_hlist")
            self.kernel.put_u64(node, self.kernel.prog_u64(head), head)
            self.kernel.put_u64(head, node)
        self._push("trampoline_table", target // 0x100 % BUCKETS, made.at("hlist"))
        return made
