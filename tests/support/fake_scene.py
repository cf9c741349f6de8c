# SPDX-License-Identifier: GPL-2.0-or-later
"""A crash of a fake kernel, as the rules look at it."""

from klp_debug.analysis.crash.crash import CrashScene, crash_scene
from klp_debug.analysis.tasks.bt import TaskTracer
from tests.support.fake_tasks import FakeTask
from tests.support.fake_view import FakeKernel
from tests.support.kernel_structs import MPROFILE, Build
from tests.support.sure import sure


def patched(build: Build = MPROFILE) -> FakeKernel:
    """Return a kernel with a patch of a module's function ``f``, and a function ``other``."""
    kernel = FakeKernel(build)
    kernel.variable("__vmalloc_start", "unsigned long", 0xC008000000000000)
    kernel.variable("__vmalloc_end", "unsigned long", 0xC00A000000000000)
    kernel.patch("first", kernel.function("f", "scsi_common"))
    kernel.function("other", traced=False)
    return kernel


def crashed(
    kernel: FakeKernel, *returns: int, nip: int, link: int | None = None, **gprs: int
) -> FakeTask:
    """
    Let task 7 crash on CPU 0; return it.

    :param link: of no mcount site and no patched function unless it is given
    :param returns: return addresses on its stack, the innermost first
    :param gprs: what registers held, ``r2=``; r1 is the beginning of its innermost frame
    """
    task = kernel.task(7, "cat")
    task.sleeps(*returns)
    kernel.run(task)
    gprs.setdefault("r1", kernel.prog_u64(task.struct["thread.ksp"]))
    link = kernel.address("_stext") + 8 if link is None else link
    kernel.save_registers(0, nip=nip, link=link, **gprs)
    kernel.save_registers(1, nip=kernel.address("_stext"), r1=kernel.idle[1].end)
    kernel.crash(0)
    return task


def scene_of(kernel: FakeKernel) -> CrashScene:
    """Return what is known of the crash."""
    view = kernel.view()
    return sure(crash_scene(view, TaskTracer(view)))
