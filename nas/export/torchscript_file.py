"""Files that `torch.jit.load` reads, in Python and in C++."""

import io
import json
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import GraphModule
from torch.fx.graph import CodeGen
from torch.fx.node import map_aggregate

from nas.export.torch_export_file import FACTS

_NOT_FINITE = {"missing": float("nan"), "endless": float("inf"), "minus_endless": float("-inf")}


def content(program: ExportedProgram, facts: Mapping[str, Any]) -> bytes:
    """Return a file of the program, with facts beside it."""
    file = io.BytesIO()
    scripted = torch.jit.script(_scriptable(program))
    torch.jit.save(scripted, file, _extra_files={FACTS: json.dumps(facts)})
    return file.getvalue()


def reader(content: bytes) -> Callable[[Tensor], Tensor]:
    """Return what the file computes."""
    loaded: Callable[[Tensor], Tensor] = torch.jit.load(io.BytesIO(content))  # type: ignore[no-untyped-call]
    return loaded


def _scriptable(program: ExportedProgram) -> GraphModule:
    """Return the program as a module that TorchScript compiles, so that sizes stay open; a trace would fix them.

    Weights lie side by side, operators are called without the name of their overload, sizes are not asserted, what is
    no finite number has a name, and what comes out is a tensor instead of a tuple.
    """
    module = program.module(check_guards=False)
    graph = module.graph
    for name, value in _NOT_FINITE.items():
        setattr(module, name, value)
    with graph.inserting_before(next(iter(graph.nodes))):
        named = {repr(value): graph.get_attr(name) for name, value in _NOT_FINITE.items()}
    for number, node in enumerate(list(graph.nodes)):
        if node.target in _NOT_FINITE:
            continue
        node.args = map_aggregate(node.args, lambda value: named.get(repr(value), value))
        if node.op == "get_attr":
            module.register_buffer(f"weight_{number}", attrgetter(node.target)(module).detach())
            node.target = f"weight_{number}"
        elif node.op == "output":
            node.args = (node.args[0][0],)
        elif node.op == "call_function" and "assert" in str(node.target):
            graph.erase_node(node)
        elif isinstance(node.target, torch._ops.OpOverload):
            node.target = node.target.overloadpacket
    graph.eliminate_dead_code()
    graph.set_codegen(CodeGen())
    return GraphModule(module, graph)
