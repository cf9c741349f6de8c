# SPDX-License-Identifier: GPL-2.0-or-later
"""Live patches of a fake kernel, as kernel/livepatch/ keeps them."""

from dataclasses import dataclass, field

from tests.support.fake_ftrace import FUNCTION_SIZE, FakeFunction, FakeOps, FtraceKernel
from tests.support.fake_kernel import Struct
from tests.support.fake_modules import FakeModule
from tests.support.kernel_structs import MPROFILE, Build
from tests.support.livepatch_handler_words import IN_LINE, OUT_OF_LINE, Handler
from tests.support.made_object import FUNC


@dataclass(eq=False)
class FakeFuncStack:
    """The ``struct klp_ops`` of one function, and what is on its func_stack, top first."""

    struct: Struct
    ops: FakeOps
    funcs: list[Struct]


@dataclass(eq=False)
class FakePatch:
    """One patch, with its module."""

    name: str
    module: FakeModule
    struct: Struct
    objects: dict[str, Struct] = field(default_factory=dict)
    """``vmlinux`` or the module that is patched -> ``struct klp_object``."""
    funcs: dict[str, Struct] = field(default_factory=dict)
    """The original's name -> ``struct klp_func``."""
    replacements: dict[str, FakeFunction] = field(default_factory=dict)
    """The same -> the replacement; none for a nop."""


class LivepatchKernel(FtraceKernel):
    """A kernel that can be patched."""

    def __init__(self, build: Build = MPROFILE) -> None:
        super().__init__(build)
        self.stacks: dict[str, FakeFuncStack] = {}
        """Name of a function -> its func_stack."""
        self.patches: list[FakePatch] = []
        if not build.livepatch:
            return
        self.handler = self.function("klp_ftrace_handler", traced=False)
        self.function("livepatch_handler", traced=False)
        self.saves_by(OUT_OF_LINE if build.out_of_line else IN_LINE)
        self.klp_patches = self.variable("klp_patches", "struct list_head")
        self.klp_ops = self.variable("klp_ops", "struct list_head")
        self.link(self.klp_patches)
        self.link(self.klp_ops)
        self.transition_patch = self.variable("klp_transition_patch", "struct klp_patch *")
        self.target_state = self.variable("klp_target_state", "int", 0xFFFFFFFF)

    def saves_by(self, handler: Handler) -> None:
        """Let ``livepatch_handler`` be of other words, which lay its entries out."""
        self.livepatch_entry = handler
        address = self.functions["livepatch_handler"].address
        self.symbol("livepatch_handler", address, 4 * len(handler.words), FUNC)
        self.put_words(address, *handler.words)

    def patch(
        self,
        name: str,
        *functions: FakeFunction,
        nops: tuple[FakeFunction, ...] = (),
        replace: bool = False,
    ) -> FakePatch:
        """
        Load and enable a patch.

        :param functions: whose replacements are ``NAME_FUNCTION`` in the patch's module
        :param nops: functions that an atomic replace gives back
        """
        module = self.module(name)
        module.struct["klp"] = 1
        made = FakePatch(name, module, module.new("klp_patch", mod=module.struct))
        made.struct["enabled"] = 1
        if not self.build.linux_4_12:
            made.struct["replace_set" if self.build.replace_sets else "replace"] = int(replace)
        self.patches.append(made)
        if self.build.linux_4_12:
            self._lay_out_arrays(made, functions)
        for function in (*functions, *nops):
            self._replace(made, function, nop=function in nops)
        by_object: dict[str, list[Struct]] = {}
        for function in (*functions, *nops):
            by_object.setdefault(_owner(function), []).append(made.funcs[function.name])
        if not self.build.linux_4_12:
            for owner, funcs in by_object.items():
                obj = made.objects[owner]
                self.link(obj.at("func_list"), *(func.at("node") for func in funcs))
            made_objects = made.objects.values()
            self.link(made.struct.at("obj_list"), *(obj.at("node") for obj in made_objects))
        self.link(self.klp_patches, *(patch.struct.at("list") for patch in self.patches))
        return made

    def in_transition(self, patch: FakePatch, *, to: int = 1) -> None:
        """
        Begin a transition of a patch.

        :param to: KLP_PATCHED (1) or KLP_UNPATCHED (0)
        """
        self.put_u64(self.transition_patch, patch.struct.address)
        self.put_u64(self.target_state, to)
        for func in patch.funcs.values():
            func["transition"] = 1

    def _lay_out_arrays(self, patch: FakePatch, functions: tuple[FakeFunction, ...]) -> None:
        """Let objects and functions lie one behind the other, as they had to before lists."""
        by_object: dict[str, list[FakeFunction]] = {}
        for function in functions:
            by_object.setdefault(_owner(function), []).append(function)
        objects = patch.module.array("klp_object", len(by_object))
        patch.struct["objs"] = objects[0]
        for obj, (owner, replaced) in zip(objects, by_object.items(), strict=True):
            self._fill_object(patch, obj, replaced[0])
            patch.objects[owner] = obj
            funcs = patch.module.array("klp_func", len(replaced))
            obj["funcs"] = funcs[0]
            patch.funcs |= {each.name: func for each, func in zip(replaced, funcs, strict=True)}

    def _replace(self, patch: FakePatch, function: FakeFunction, *, nop: bool) -> None:
        obj = self._object(patch, function)
        func = patch.funcs.get(function.name)
        if func is None:
            # That of a nop is allocated by klp_alloc_func_nop(), the others are the module's data.
            func = (self.new if nop else patch.module.new)("klp_func")
        func["old_name"] = self.string(function.name)
        func["old_addr" if self.build.linux_4_12 else "old_func"] = function.address
        if nop:
            func["new_func"], func["nop"] = function.address, 1
        else:
            made = self.function(f"{patch.name}_{function.name}", patch.name, traced=False)
            patch.replacements[function.name] = made
            func["new_func"] = made.address
        func["old_size"] = func["new_size"] = FUNCTION_SIZE
        func["patched"] = 1
        func["kobj.parent"] = obj.at("kobj")
        patch.funcs[function.name] = func
        self._push(function, func)

    def _object(self, patch: FakePatch, function: FakeFunction) -> Struct:
        owner = _owner(function)
        if owner not in patch.objects:
            patch.objects[owner] = patch.module.new("klp_object")
            self._fill_object(patch, patch.objects[owner], function)
        return patch.objects[owner]

    def _fill_object(self, patch: FakePatch, obj: Struct, function: FakeFunction) -> None:
        obj["patched"] = 1
        if function.module is not None:
            obj["name"] = self.string(function.module.name)
            obj["mod"] = function.module.struct
        obj["kobj.parent"] = patch.struct.at("kobj")

    def _push(self, function: FakeFunction, func: Struct) -> None:
        stack = self.stacks.get(function.name)
        if stack is None:
            struct = self.new("klp_ops")
            fops = struct.member("fops", "ftrace_ops")
            permanent = () if self.build.linux_4_12 else ("PERMANENT",)
            names = ("ENABLED", "DYNAMIC", "INITIALIZED", "IPMODIFY", *permanent)
            ops = self.register(fops, "klp_ftrace_handler", (function,), flags=names)
            stack = FakeFuncStack(struct, ops, [])
            self.stacks[function.name] = stack
            nodes = [each.struct.at("node") for each in self.stacks.values()]
            self.link(self.klp_ops, *nodes)
        stack.funcs.insert(0, func)
        nodes = [each.at("stack_node") for each in stack.funcs]
        self.link(stack.struct.at("func_stack"), *nodes)


def _owner(function: FakeFunction) -> str:
    return function.module.name if function.module is not None else "vmlinux"
