"""How does a function of small tensors run without its detours? Traced once, it is a flat list of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlagents.torch_utils import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_flatten, tree_unflatten


def traced(function: Callable[..., Any], *example: Any) -> Callable[..., Any]:
    """Returns what does the same as a function, for arguments of the same shapes, in a fraction of the time.

    Modules, autograd and `vmap` leave nothing behind but the operations they came down to, and those are run by
    TorchScript's interpreter, where it knows them all, rather than by Python's. Random numbers are drawn anew in
    every call.

    Args:
      function: of tensors in lists and dictionaries, without decisions that depend on their values.
      example: arguments.
    """
    flat, shape_of_arguments = tree_flatten(example)
    shape_of_result = None

    def of_flat(*tensors: torch.Tensor) -> Any:
        nonlocal shape_of_result
        result, shape_of_result = tree_flatten(function(*tree_unflatten(list(tensors), shape_of_arguments)))
        return tuple(result)

    with torch.no_grad():
        graph = make_fx(of_flat)(*flat)
        graph.graph.eliminate_dead_code()
        graph.recompile()
        run = _in_torchscript(graph, [tensor.detach() for tensor in flat])
    assert shape_of_result is not None

    def call(*arguments: Any) -> Any:
        with torch.no_grad():
            return tree_unflatten(list(run(*tree_flatten(arguments)[0])), shape_of_result)

    return call


def _in_torchscript(graph: Any, example: list[torch.Tensor]) -> Callable[..., Any]:
    try:
        return torch.jit.trace(graph, tuple(example), check_trace=False)
    except RuntimeError:  # it cannot express every argument: the gradient of a convolution has a list of truths
        return graph
