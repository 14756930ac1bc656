"""How does a small network take one step down its gradient without the detours? Loss and gradient are traced once.

With two layers of 64, modules, autograd and one kernel for each parameter cost more than the arithmetic.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from mlagents.torch_utils import torch
from mlagents.trainers.torch_entities.encoders import Normalizer
from torch import nn
from torch.func import functional_call, grad
from torch.utils._pytree import tree_leaves

from mlagents_selfplay.graphs import traced

Tensors = dict[str, torch.Tensor]


class GradientStep:
    """Changes the parameters of an optimiser so that a loss becomes smaller.

    Args:
      loss: its forward pass takes a batch (tensors, in tuples or lists) and returns the loss, a scalar, and what is to
        be known beside it, tensors in a dictionary. It holds every network that it needs as a submodule; those
        whose parameters the optimiser does not have are left as they are.
      optimizer: Adam, told to run as one kernel.
      max_norm: longer gradients are shortened to this length; None leaves them.
    """

    def __init__(self, loss: nn.Module, optimizer: torch.optim.Adam, max_norm: float | None = None) -> None:
        self._loss = loss
        self._optimizer = optimizer
        self._max_norm = max_norm
        trained = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        self._parameters = {name: value for name, value in loss.named_parameters() if id(value) in trained}
        self._fixed = list(fixed_tensors(loss, trained))  # normalisers replace theirs, so they are looked up again
        self._graphs: dict[tuple[Any, ...], Callable[..., Any]] = {}  # by shapes of the batch
        for group in optimizer.param_groups:
            group.update(fused=True, foreach=False)

    def __call__(self, batch: Any) -> Tensors:
        """Takes one step and returns what the loss wants known."""
        fixed = {name: getattr(module, attribute) for name, module, attribute in self._fixed}
        arguments = (self._parameters, fixed, batch)
        shapes = tuple(tensor.shape for tensor in tree_leaves(batch))
        if shapes not in self._graphs:
            self._graphs[shapes] = traced(self._gradients, *arguments)
        gradients, known = self._graphs[shapes](*arguments)
        for name, parameter in self._parameters.items():
            parameter.grad = gradients[name]
        self._optimizer.step()
        return dict(known)

    @property
    def count(self) -> int:
        """Steps taken so far, those before a resume included: Adam counts them."""
        return int(self._optimizer.state[self._optimizer.param_groups[0]["params"][0]]["step"])

    def _gradients(self, parameters: Tensors, fixed: Tensors, batch: Any) -> tuple[Tensors, Tensors]:
        def loss_of(parameters: Tensors) -> Any:
            return functional_call(self._loss, {**parameters, **fixed}, (batch,), tie_weights=False)

        gradients, known = grad(loss_of, has_aux=True)(parameters)
        if self._max_norm is not None:
            norm = torch.stack([gradient.square().sum() for gradient in gradients.values()]).sum().sqrt()
            scale = (self._max_norm / (norm + 1e-6)).clamp(max=1.0)
            gradients = {name: gradient * scale for name, gradient in gradients.items()}
        return gradients, known


def fixed_tensors(module: nn.Module, trained: set[int]) -> Iterator[tuple[str, nn.Module, str]]:
    """Yields the tensors of a module whose `id` is not among `trained`: full name, submodule, and its attribute."""
    for path, part in module.named_modules():
        for attribute, value in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)):
            if id(value) not in trained:
                yield f"{path}.{attribute}" if path else attribute, part, attribute


def lagging_copy(network: nn.Module) -> nn.Module:
    """Returns a target network: a copy without gradients that shares the normalisers, which know no lag."""
    shared = {id(part): part for part in network.modules() if isinstance(part, Normalizer)}
    return copy.deepcopy(network, shared).requires_grad_(False)


class Follower:
    """Moves a target network towards the network that it was copied from.

    Args:
      target: changed.
      online: not changed.

    Source: Lillicrap et al. 2016, arXiv:1509.02971; Mnih et al. 2015 with tau = 1 now and then.
    """

    def __init__(self, target: nn.Module, online: nn.Module) -> None:
        pairs = zip(target.parameters(), online.parameters(), strict=True)
        self._pairs = [(lagging, leading) for lagging, leading in pairs if leading.requires_grad]

    def __call__(self, tau: float) -> None:
        """Goes a share of the way, in (0, 1]; 1 copies."""
        with torch.no_grad():
            for lagging, leading in self._pairs:
                lagging.lerp_(leading, tau)
