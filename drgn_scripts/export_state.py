# SPDX-License-Identifier: GPL-2.0-or-later
"""
What is the whole state of live patching in this kernel, as one JSON document?

The document of every command under its name, with every mcount site, and that of `func` for each
patched function: for a bug report, or to compare later. What could not be read is
{"unknown": REASON} in it.

    drgn -c vmcore -s vmlinux export_state.py > state.json
"""

import json
from typing import Any

import klp_debug


def document(answer: Any) -> Any:
    """Return what `--json` prints of an answer, as Python objects."""
    return json.loads(klp_debug.as_json(answer))


def described(address: int) -> Any:
    """Return the document of a function; of one whose symbol could not be read, why."""
    try:
        return document(klp_debug.describe_function(address))
    except klp_debug.CommandError as error:
        return {"unknown": str(error)}


report = klp_debug.report()
state = {
    "report": document(report),
    "ops": document(klp_debug.ftrace_users()),
    "audit": document(klp_debug.audit(list_sites=True)),
    "bt": document(klp_debug.backtraces()),
}
if report.kernel.livepatch:
    state["list"] = document(klp_debug.livepatches())
    state["transition"] = document(klp_debug.transition())
    state["func"] = [described(stack.old_func) for stack in klp_debug.func_stacks()]
print(json.dumps(state))
