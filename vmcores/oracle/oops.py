# SPDX-License-Identifier: GPL-2.0-or-later
"""The oops on a ppc64le guest's console: the guest's own word on its crash."""

import re
from dataclasses import dataclass

from vmcores.errors import GuestError

GPRS = 32


@dataclass(frozen=True)
class Called:
    """A line of the call trace."""

    sp: int
    address: int
    symbol: str
    """'name+0xoffset/0xsize', with ' [module]' where it is of one."""
    reliable: bool


@dataclass(frozen=True)
class Oops:
    """What the kernel printed of an oops."""

    message: str
    """The 'BUG: ...' or 'kernel BUG at ...'; without one, what follows 'Oops: '."""
    trap: int
    cpu: int
    pid: int
    comm: str
    nip: int
    lr: int
    ctr: int
    gprs: tuple[int, ...]
    """r0 to r31."""
    dar: int | None
    """The data address that could not be accessed; None where the kernel tells none."""
    cfar: int | None
    """Where the last branch was made; None where the kernel tells none."""
    nip_symbol: str
    lr_symbol: str
    """As in the call trace; '0x...' where there is no symbol."""
    call_trace: tuple[Called, ...]
    """The innermost first; up to the exception that entered the kernel."""


_TIME = re.compile(r"^\[ *\d+\.\d+\] ", re.MULTILINE)
_OOPS = re.compile(r"^Oops: (?P<what>.*), sig: \d+ \[#\d+\]", re.MULTILINE)
_BUG = re.compile(r"^(?:BUG: |kernel BUG at ).*", re.MULTILINE)
_CPU = re.compile(
    r"^CPU: (\d+) (?:UID: \d+ )?PID: (\d+) Comm: (.*?)"
    r" (?:Kdump: loaded )?(?:Not tainted|Tainted: )",
    re.MULTILINE,
)
_NIP = re.compile(r"^NIP:  ([0-9a-f]{16}) LR: ([0-9a-f]{16}) CTR: ([0-9a-f]{16})", re.MULTILINE)
_TRAP = re.compile(r"^REGS: [0-9a-f]+ TRAP: ([0-9a-f]{4}) ", re.MULTILINE)
_END = re.compile(r"^---+ interrupt: |^---\[ end trace ", re.MULTILINE)
_GPRS = re.compile(r"^GPR\d\d: ((?:[0-9a-f]{16} ?)+)", re.MULTILINE)
_DAR = re.compile(r"^(?:CFAR: \S+ )?DAR: ([0-9a-f]{16}) ", re.MULTILINE)
_CFAR = re.compile(r"^CFAR: ([0-9a-f]{16}) ", re.MULTILINE)
_SYMBOL = r"^{} \[[0-9a-f]{{16}}\] (\S+(?: \[\w+\])?)"
_CALLED = re.compile(
    r"\[([0-9a-f]{16})\] \[([0-9a-f]{16})\] (\S+(?: \[\w+\])?)( \(unreliable\))?\s*$"
)
BUG_LINES = 12
"""How far before 'Oops:' its message may be."""


def parse_oops(console: str) -> Oops | None:
    """
    Return the first oops of a console's text; None if there is none.

    Raises GuestError for one with a part missing.
    """
    text = _TIME.sub("", console)
    oops = _OOPS.search(text)
    if not oops:
        return None
    before = "\n".join(text[: oops.start()].splitlines()[-BUG_LINES:])
    bugs = _BUG.findall(before)
    # Behind that, of the exception that entered the kernel: the user's registers among it.
    end = _END.search(text, oops.start())
    text = text[oops.start() : end.start() if end else None]
    cpu, pid, comm = _found(_CPU, text).groups()
    nip, lr, ctr = (int(word, 16) for word in _found(_NIP, text).groups())
    gprs = tuple(int(word, 16) for line in _GPRS.findall(text) for word in line.split())
    if len(gprs) != GPRS:
        raise GuestError(f"the oops has {len(gprs)} registers, not {GPRS}")
    dar, cfar = _DAR.search(text), _CFAR.search(text)
    return Oops(
        message=bugs[-1] if bugs else oops["what"],
        trap=int(_found(_TRAP, text)[1], 16),
        cpu=int(cpu),
        pid=int(pid),
        comm=comm,
        nip=nip,
        lr=lr,
        ctr=ctr,
        gprs=gprs,
        dar=int(dar[1], 16) if dar else None,
        cfar=int(cfar[1], 16) if cfar else None,
        nip_symbol=_found(re.compile(_SYMBOL.format("NIP"), re.MULTILINE), text)[1],
        lr_symbol=_found(re.compile(_SYMBOL.format("LR"), re.MULTILINE), text)[1],
        call_trace=tuple(_call_trace(text)),
    )


def _found(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    match = pattern.search(text)
    if not match:
        raise GuestError(f"the oops has no line {pattern.pattern}")
    return match


def _call_trace(text: str) -> list[Called]:
    _, _, trace = text.partition("Call Trace:\n")
    calls = []
    for line in trace.splitlines():
        match = _CALLED.match(line)
        if not match:
            break
        sp, address, symbol, unreliable = match.groups()
        calls.append(Called(int(sp, 16), int(address, 16), symbol, not unreliable))
    return calls
