"""What does a bridge do when its trainer wants whole rollouts? It obeys plans, one after another.

The trainer's steps on the wire go on as a heartbeat: each is answered at once and without agents, and while the bridge
waits for the next one, it plays. Letters (see `mailbox`), all with `protocol`:

| letter | from | says |
|---|---|---|
| `hello` | bridge | who is here: behaviors, areas |
| `plan.N` | trainer | `wire`: never mind, and why; or `play`: policies, matches, rules, a seed |
| `rollout.N` | bridge | rows and pieces for each behavior, results of seats, matches that are over |
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from gym_bridges.areas import Actions, Areas, Decisions, Step
from gym_bridges.checks import check_steps
from gym_bridges.rollouts.crowd import Crowd, Rules
from gym_bridges.rollouts.exploration import Exploration
from gym_bridges.rollouts.mailbox import OPEN, PROTOCOL, Letter, Mailbox
from gym_bridges.rollouts.seats import OutOfMatches, Role, Seats

_log = logging.getLogger(__name__)

LONGEST_SECONDS = 5.0  # of one rollout; then it comes back shorter than was wanted, so that the trainer hears of us


def role_of(behavior_id: str) -> Role:
    """Splits `Name?team=K`; a name alone is team 0."""
    name, _, team = behavior_id.partition("?team=")
    return Role(name, int(team or 0))


class _Rollout(NamedTuple):
    number: int
    rng: np.random.Generator
    deadline: float  # on the monotonic clock, in seconds


class Session:
    """One process between its trainer and its areas.

    Attributes:
      on: whether rollouts are played; None until the trainer has decided.

    Args:
      mailbox: of this process.
      areas: that are played.
      num_areas: how many.
      episode_over: called after every step in which an episode ended.
    """

    def __init__(self, mailbox: Mailbox, areas: Areas, num_areas: int, episode_over: Callable[[], None]) -> None:
        self.on: bool | None = None
        self._mailbox = mailbox
        self._areas = areas
        self._episode_over = episode_over
        self._next_plan = 0
        self._rollout: _Rollout | None = None
        self._steps: Mapping[str, Step] = {}
        self._stale = False  # whether steps were made on the wire since
        self._seats = Seats()
        self._roles = {role_of(behavior_id): behavior_id for behavior_id in sorted(areas.behaviors)}
        self._crowds = {
            role.behavior: Crowd(role.behavior, areas.behaviors[behavior_id], self._seats)
            for role, behavior_id in self._roles.items()
        }
        hello = {"protocol": PROTOCOL, "areas": num_areas, "behaviors": sorted(areas.behaviors)}
        mailbox.post("hello", hello, {})

    def clear(self, steps: Mapping[str, Step]) -> None:
        """The areas have been reset to `steps`: nobody is seated any more, and a rollout that was on is lost."""
        self._steps = steps
        self._stale = False
        self._rollout = None
        self._seats.clear()
        for crowd in self._crowds.values():
            crowd.clear()

    def takes_over(self) -> bool:
        """Returns whether rollouts are played from now on; until the trainer has said so, it is all on the wire."""
        if self.on is None:
            if (self._mailbox.folder.parent / OPEN).exists():
                self.work()
            else:
                self.on = False
        self._stale = not self.on
        return bool(self.on)

    def work(self) -> bool:
        """Makes one step of the rollout that is on, or looks for the next plan; returns whether there was any work."""
        if self._rollout is None:
            plan = self._mailbox.take(f"plan.{self._next_plan}")
            if plan is None:
                return False
            self._next_plan += 1
            self.on = plan.header["kind"] == "play"
            if not self.on:
                _log.info("no rollouts: %s", plan.header["why"])
                return True
            self._rollout = self._begin(plan)
        if self._is_over(self._rollout):
            self._report(self._rollout.number)
            self._rollout = None
        return True

    def _is_over(self, rollout: _Rollout) -> bool:
        """Makes one step, unless enough has been played."""
        if any(crowd.has_enough for crowd in self._crowds.values()) or time.monotonic() > rollout.deadline:
            return True
        try:
            for role, step in self._in_turn():
                self._crowds[role.behavior].seat(role, step.decisions)
        except OutOfMatches:
            return True
        self._steps = self._areas.step(self._act(rollout.rng))
        check_steps(self._areas.behaviors, self._steps)
        for role, step in self._in_turn():
            self._crowds[role.behavior].end(step.endings)
            self._crowds[role.behavior].pay(step.decisions)
        if any(len(step.endings.agent_ids) for step in self._steps.values()):
            self._episode_over()
        return False

    def _begin(self, plan: Letter) -> _Rollout:
        if self._stale:
            self.clear(self._areas.reset(None))
        self._seats.deal(plan.header["matches"])
        for behavior, asked in plan.header["behaviors"].items():
            crowd = self._crowds[behavior]
            new: dict[str, dict[str, np.ndarray]] = {player: {} for player in asked["new"]}
            for key, array in plan.arrays.items():
                whose, place, name = key.rsplit("/", 2)
                if whose == behavior:
                    new[asked["new"][int(place)]][name] = array
            crowd.networks.change(new, asked["dropped"])
            crowd.networks.deterministic = asked["deterministic"]
            asked["exploration"] = Exploration(**asked["exploration"])
            crowd.rules = Rules(**{name: asked[name] for name in Rules._fields})
            crowd.look_up()
        rng = np.random.default_rng(plan.header["seed"])
        return _Rollout(plan.header["number"], rng, time.monotonic() + LONGEST_SECONDS)

    def _in_turn(self) -> Iterator[tuple[Role, Step]]:
        for role, behavior_id in self._roles.items():
            if behavior_id in self._steps:
                yield role, self._steps[behavior_id]

    def _act(self, rng: np.random.Generator) -> dict[str, Actions]:
        due: dict[str, list[Decisions]] = {}
        for role, step in self._in_turn():
            due.setdefault(role.behavior, []).append(step.decisions)
        acted = {behavior: iter(self._crowds[behavior].act(decisions, rng)) for behavior, decisions in due.items()}
        return {
            behavior_id: next(acted[role.behavior])
            if behavior_id in self._steps
            else self._crowds[role.behavior].no_actions()
            for role, behavior_id in self._roles.items()
        }

    def _report(self, number: int) -> None:
        over, begun = self._seats.take_over()
        arrays: dict[str, np.ndarray] = {}
        for behavior, crowd in self._crowds.items():
            due = [step.decisions for role, step in self._in_turn() if role.behavior == behavior]
            arrays |= {f"{behavior}/{name}": array for name, array in crowd.take(due).items()}
        matches = [{"number": m.number, "results": [[*role, *result] for role, result in m.results]} for m in over]
        header = {"protocol": PROTOCOL, "begun": begun, "left": self._seats.left, "matches": matches}
        self._mailbox.post(f"rollout.{number}", header, arrays)
