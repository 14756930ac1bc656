"""How does a learner try what it does not think best? Chances, choices, noise on actions and on parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

Array = np.ndarray[Any, np.dtype[Any]]


class LinearSchedule(NamedTuple):
    """A number that goes from `start` to `end` in `steps` learner steps, and stays there."""

    start: float
    end: float
    steps: int

    def __call__(self, step: int) -> float:
        """Returns the number at a learner step, 0 or more."""
        share = min(step / self.steps, 1.0) if self.steps else 1.0
        return (1.0 - share) * self.start + share * self.end


class ExponentialSchedule(NamedTuple):
    """A number whose distance from `end` shrinks to 1/e every `steps` learner steps."""

    start: float
    end: float
    steps: int

    def __call__(self, step: int) -> float:
        """Returns the number at a learner step, 0 or more."""
        left = float(np.exp(-step / self.steps)) if self.steps else 0.0
        return self.end + left * (self.start - self.end)


class Exploration(NamedTuple):
    """What is added to a learner's own actions, in numbers that say all of it.

    uniform: chance that the whole action of an agent is drawn evenly from all that are allowed, in [0, 1].
    keep: share of the last step's noise that is left in this one, in [0, 1]; 0 draws it anew in every step.
    push: standard deviation of what is added to the noise in a step; 1 is half of an action's range.
    """

    uniform: float = 0.0
    keep: float = 0.0
    push: float = 0.0


def random_choice(allowed: Array, rng: np.random.Generator) -> Array:
    """Returns `[n]` choices, each allowed one with the same chance.

    Args:
      allowed: `[n, A]`, not 0 where the choice is allowed; at least one in each row.
      rng: advanced by n times A draws.
    """
    choice: Array = np.where(allowed != 0, rng.random(allowed.shape), -1.0).argmax(1)
    return choice


def epsilon_greedy(greedy: Array, allowed: Sequence[Array], epsilon: float, rng: np.random.Generator) -> Array:
    """Returns `[n, branches]` choices: with chance `epsilon` an agent's whole action is a random one, else the greedy.

    Args:
      greedy: `[n, branches]`.
      allowed: one `[n, A]` for each branch, not 0 where the choice is allowed.
      epsilon: in [0, 1].
      rng: advanced by as many draws whatever epsilon is.
    """
    explores = rng.random(len(greedy)) < epsilon
    tried = np.stack([random_choice(branch, rng) for branch in allowed], 1)
    return np.where(explores[:, np.newaxis], tried, greedy)


def epsilon_uniform(actions: Array, epsilon: float, rng: np.random.Generator) -> Array:
    """Returns `[n, D]` actions, with chance `epsilon` each replaced by one drawn evenly from [-1, 1].

    Args:
      actions: `[n, D]`.
      epsilon: in [0, 1].
      rng: advanced by as many draws whatever epsilon is.

    Source: Andrychowicz et al. 2017, arXiv:1707.01495, appendix A.
    """
    explores = rng.random(len(actions)) < epsilon
    tried = rng.uniform(-1.0, 1.0, actions.shape)
    return np.where(explores[:, np.newaxis], tried, actions)


class GaussianNoise:
    """Noise that is drawn anew for every agent and step.

    Args:
      size: numbers of an action, D.
      sigma: standard deviation in units of the action, of which 1 is half of the range.
    """

    def __init__(self, size: int, sigma: float) -> None:
        self._size, self._sigma = size, sigma

    @property
    def exploration(self) -> Exploration:
        """The same noise in numbers."""
        return Exploration(push=float(self._sigma))

    def draw(self, agents: Sequence[str], rng: np.random.Generator) -> Array:
        """Returns `[len(agents), D]`; advances `rng`."""
        return rng.normal(0.0, self._sigma, (len(agents), self._size))

    def forget(self, agents: Iterable[str]) -> None:
        """Nothing is remembered of an agent."""


class OrnsteinUhlenbeckNoise:
    """Noise that drifts: each agent's begins at 0 in each episode and is pulled back to 0 while it is pushed about.

    Args:
      size: numbers of an action, D.
      sigma: strength of the pushes, in units of the action (of which 1 is half of the range) per root of a second.
      theta: strength of the pull, per second.
      dt: seconds that a step stands for.

    Source: Uhlenbeck and Ornstein 1930; theta and dt as in common use since Lillicrap et al. 2016, arXiv:1509.02971.
    """

    def __init__(self, size: int, sigma: float, theta: float = 0.15, dt: float = 0.01) -> None:
        self._size, self._sigma, self._theta, self._dt = size, sigma, theta, dt
        self._now: dict[str, Array] = {}  # by agent

    @property
    def exploration(self) -> Exploration:
        """The same noise in numbers."""
        return Exploration(keep=1.0 - self._theta * self._dt, push=float(self._sigma * np.sqrt(self._dt)))

    def draw(self, agents: Sequence[str], rng: np.random.Generator) -> Array:
        """Returns `[len(agents), D]` and moves those agents' noise on; advances `rng`."""
        resting = np.zeros(self._size)
        now = np.stack([self._now.get(agent, resting) for agent in agents]) if agents else np.zeros((0, self._size))
        push = rng.normal(0.0, 1.0, now.shape)
        moved: Array = now - self._theta * self._dt * now + self._sigma * np.sqrt(self._dt) * push
        self._now.update(zip(agents, moved, strict=True))
        return moved

    def forget(self, agents: Iterable[str]) -> None:
        """Lets noise begin anew for agents whose episode is over."""
        for agent in agents:
            self._now.pop(agent, None)


class AdaptiveParameterNoise:
    """Noise on an actor's parameters, as strong as it takes to change its actions by a stated amount.

    Args:
      distance: wanted difference between the actions with and without noise, in units of the action; also the first
        standard deviation of the noise.
      coefficient: by which the standard deviation grows or shrinks at each `adapt`, above 1.

    Attributes:
      sigma: standard deviation of the noise as it is now, in units of a parameter.

    Source: Plappert et al. 2018, arXiv:1706.01905, section 3 and appendix C.
    """

    def __init__(self, distance: float, coefficient: float = 1.01) -> None:
        self.sigma = distance
        self._distance, self._coefficient = distance, coefficient

    def adapt(self, distance: float) -> None:
        """Makes the next noise stronger if the last one changed actions by less than wanted, else weaker."""
        if distance < self._distance:
            self.sigma *= self._coefficient
        else:
            self.sigma /= self._coefficient

    def perturb(self, parameters: Mapping[str, torch.Tensor], generator: torch.Generator) -> dict[str, torch.Tensor]:
        """Returns copies with noise; `parameters` stay as they are, and `generator` is advanced."""
        return {
            name: value.detach()
            + self.sigma * torch.randn(value.shape, generator=generator, dtype=value.dtype).to(value.device)
            for name, value in parameters.items()
        }


def action_distance(actions: Array, others: Array) -> float:
    """Returns the root of the mean squared difference of two `[n, D]` arrays of actions.

    Source: Plappert et al. 2018, arXiv:1706.01905, appendix C, equation 10.
    """
    return float(np.sqrt(np.mean((np.asarray(actions) - np.asarray(others)) ** 2)))
