"""Which agents of one behavior are there, who plays them, and what are they living through right now?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gym_bridges.areas import Actions, BehaviorSpec, Decisions, Endings
from gym_bridges.rollouts.exploration import Exploration, explore
from gym_bridges.rollouts.journal import NOBODY, Journal, Seat
from gym_bridges.rollouts.networks import Acted, Networks
from gym_bridges.rollouts.seats import Match, Result, Role, Seats


class Rules(NamedTuple):
    """What the trainer asks for.

    current: the player whose seats may teach.
    mirror: whether all of them do, or only those of the learning team.
    horizon: longest piece, in rows.
    wanted: rows that are enough; 0 of a behavior that has enough already.
    whole: whether pieces outlive a rollout, so that only rows of pieces that have ended count and come back; else
      every piece ends with the rollout.
    version: of the weights that `current` plays with.
    exploration: of `current`.
    """

    current: str
    mirror: bool
    horizon: int
    wanted: int
    whole: bool
    version: int
    exploration: Exploration


class Crowd:
    """The agents of one behavior, in slots that are used again.

    Args:
      behavior: its name, without the team.
      spec: what its agents see and do.
      seats: of the process.
    """

    def __init__(self, behavior: str, spec: BehaviorSpec, seats: Seats) -> None:
        self.behavior = behavior
        self.networks = Networks(spec)
        self.journal = Journal(spec)
        self.rules = Rules("", False, 1, 0, False, 0, Exploration())
        self._spec = spec
        self._seats = seats
        self.clear()

    def clear(self) -> None:
        """Forgets all agents, as after a reset of the environments."""
        self._slot_of: dict[int, int] = {}
        self._free: list[int] = []
        self._held: list[tuple[Match, Role, int] | None] = []  # by slot: match, role, group
        self._numbers = np.zeros((0, 8), np.int64)  # by slot and the columns below
        self._noise = np.zeros((0, self._spec.actions.continuous))  # by slot: of exploration, in the last step
        self._paid = np.zeros((0, 2))  # by slot: to the agent alone, and with its group's share, in this episode
        self._teaches = np.zeros(0, bool)  # by slot
        self._memories = np.zeros((0, 0), np.float32)  # by slot: what its player remembers
        self._finished = 0  # rows of pieces that have ended
        self.journal.clear()

    # Place of the player among the networks; piece being written, its last row (or NOBODY), its rows; agent steps;
    # the agent, its match and its team.
    _PLACE, _PIECE, _ROW, _ROWS, _LENGTH, _AGENT, _MATCH, _TEAM = range(8)

    @property
    def has_enough(self) -> bool:
        """Whether there are as many rows as the trainer wants of a behavior that learns."""
        return 0 < self.rules.wanted <= (self._finished if self.rules.whole else len(self.journal))

    def look_up(self) -> None:
        """Finds the players of everybody seated again, after networks or rules have changed."""
        for slot in self._slot_of.values():
            self._look_up(slot)

    def seat(self, role: Role, decisions: Decisions) -> None:
        """Seats those who decide for the first time; may raise `seats.OutOfMatches`, and can then be called again."""
        known = self._slot_of
        new = [row for row, agent in enumerate(decisions.agent_ids.tolist()) if agent not in known]
        for row in sorted(new, key=lambda row: int(decisions.agent_ids[row])):
            group = 0 if decisions.group_ids is None else int(decisions.group_ids[row])
            match = self._seats.sit(role, group)
            slot = self._free.pop() if self._free else self._new_slot()
            self._held[slot] = (match, role, group)
            agent = int(decisions.agent_ids[row])
            self._numbers[slot] = (NOBODY, NOBODY, NOBODY, 0, 0, agent, match.number, role.team)
            self._noise[slot] = 0.0
            self._memories[slot] = 0.0
            self._paid[slot] = 0.0
            self._look_up(slot)
            known[agent] = slot

    def end(self, endings: Endings) -> None:
        """Pays those whose episode is over, closes their pieces and frees their seats.

        Whoever ends without a decision was never seated, and does not count, as on the wire.
        """
        known = self._known(endings.agent_ids)
        if not known.any():
            return
        endings = _only(endings, known)
        slots = self._slots(endings.agent_ids)
        rewards = self._pay(slots, endings.rewards, endings.group_rewards)
        rows = np.flatnonzero(self._numbers[slots, self._PIECE] != NOBODY)
        seen = [values[rows] for values in endings.observations]
        self._close(slots[rows], seen, ~endings.truncated[rows], np.ones(len(rows), bool))
        for agent, slot, reward, cut_off in zip(
            endings.agent_ids.tolist(), slots.tolist(), rewards.tolist(), endings.truncated.tolist(), strict=True
        ):
            held = self._held[slot]
            assert held is not None
            own, with_group = self._paid[slot].tolist()
            match, role, group = held
            self._seats.rise(
                match, role, group, Result(reward, with_group, own, int(self._numbers[slot, self._LENGTH]), cut_off)
            )
            self._held[slot] = None
            self._free.append(slot)
            del self._slot_of[agent]

    def pay(self, decisions: Decisions) -> None:
        """Pays those who decide again, and ends pieces that have reached the horizon."""
        known = self._known(decisions.agent_ids)
        if not known.any():
            return
        slots = self._slots(decisions.agent_ids[known])
        group = None if decisions.group_rewards is None else decisions.group_rewards[known]
        self._pay(slots, decisions.rewards[known], group)
        written = self._numbers[slots, self._PIECE] != NOBODY
        full = written & (self._numbers[slots, self._ROWS] >= self.rules.horizon)
        if full.any():
            self._close_unfinished(slots[full], [seen[known][full] for seen in decisions.observations])

    def act(self, due: Sequence[Decisions], rng: np.random.Generator) -> list[Actions]:
        """Lets every agent act, those of all teams together, and writes down the rows that teach.

        Args:
          due: the decisions of each team; all agents are seated.
          rng: advanced.

        Returns:
          What the environment is told, for each team.
        """
        slots = np.concatenate([self._slots(decisions.agent_ids) for decisions in due])
        if not len(slots):
            return [self.no_actions() for _ in due]
        seen = [np.concatenate(sensor) for sensor in zip(*(decisions.observations for decisions in due), strict=True)]
        allowed = None
        if any(decisions.forbidden is not None for decisions in due):
            allowed = np.concatenate([self._allowed(decisions) for decisions in due])
        before = self._memories[slots]
        after = before.copy()
        acted = self.networks.act(self._numbers[slots, self._PLACE], seen, allowed, rng, after)
        self._memories[slots] = after
        acted = self._explored(slots, acted, allowed, rng)
        self._numbers[slots, self._LENGTH] += 1
        rows = np.flatnonzero(self._teaches[slots])
        if len(rows):
            teaching = slots[rows]
            fresh = teaching[self._numbers[teaching, self._PIECE] == NOBODY]
            self._numbers[fresh, self._PIECE] = self.journal.begin(len(fresh))
            self._numbers[fresh, self._ROWS] = 0
            self._numbers[teaching, self._ROWS] += 1
            self._numbers[teaching, self._ROW] = self.journal.add(
                self._numbers[teaching, self._PIECE],
                [values[rows] for values in seen],
                None if allowed is None else allowed[rows],
                acted.continuous[rows],
                acted.discrete[rows],
                before[rows],
                self.rules.version,
            )
        ends = np.cumsum([len(decisions.agent_ids) for decisions in due])[:-1]
        return [Actions(*both) for both in zip(np.split(acted.sent, ends), np.split(acted.discrete, ends), strict=True)]

    def no_actions(self) -> Actions:
        """What the environment is told of a team of which nobody has to decide."""
        actions = self._spec.actions
        return Actions(np.zeros((0, actions.continuous), np.float32), np.zeros((0, len(actions.branches)), np.int32))

    def take(self, decisions: list[Decisions]) -> dict[str, np.ndarray]:
        """Returns the journal's rows; agents stay seated, and so do pieces that have not ended if they may.

        Args:
          decisions: that are due now. Where all pieces end with the rollout, an agent in the middle of something else
            loses its last row, whose reward and end are not known.
        """
        dropped = np.zeros(0, np.int64) if self.rules.whole else self._close_everything(decisions)
        taken, moved = self.journal.take(dropped)
        for column, numbers in ((self._PIECE, moved.pieces), (self._ROW, moved.rows)):
            written = np.flatnonzero(self._numbers[:, column] != NOBODY)
            self._numbers[written, column] = numbers[self._numbers[written, column]]
        self._finished = 0
        return taken

    def _close_everything(self, decisions: list[Decisions]) -> np.ndarray:
        """Ends all pieces, and returns the numbers of the rows that are not complete."""
        for due in decisions:
            seated = self._known(due.agent_ids)
            slots = self._slots(due.agent_ids[seated])
            open_ = self._numbers[slots, self._PIECE] != NOBODY
            self._close_unfinished(slots[open_], [seen[seated][open_] for seen in due.observations])
        dropped = []
        for slot in self._slot_of.values():
            if self._numbers[slot, self._PIECE] != NOBODY:
                row = int(self._numbers[slot, self._ROW])
                dropped.append(row)
                self._close_unfinished(np.array([slot]), self.journal.seen_at(row))
        return np.array(dropped, np.int64)

    def _close_unfinished(self, slots: np.ndarray, seen: list[np.ndarray]) -> None:
        no = np.zeros(len(slots), bool)
        self._close(slots, seen, no, no)

    def _close(self, slots: np.ndarray, seen: list[np.ndarray], terminal: np.ndarray, ended: np.ndarray) -> None:
        seat = Seat(*(self._numbers[slots, column] for column in (self._AGENT, self._MATCH, self._TEAM)))
        self.journal.close(self._numbers[slots, self._PIECE], seen, terminal, ended, seat)
        self._finished += int(self._numbers[slots, self._ROWS].sum())
        self._numbers[slots, self._PIECE] = NOBODY
        self._numbers[slots, self._ROW] = NOBODY

    def _explored(self, slots: np.ndarray, acted: Acted, allowed: np.ndarray | None, rng: np.random.Generator) -> Acted:
        """Returns what agents do after all: those whom the learner plays may try something else."""
        how = self.rules.exploration
        if not (how.uniform or how.push):
            return acted
        own = np.flatnonzero(self._numbers[slots, self._PLACE] == self.networks.place(self.rules.current))
        tried, self._noise[slots[own]] = explore(
            Acted(*(field[own] for field in acted)),
            None if allowed is None else allowed[own],
            self._spec.actions.branches,
            self._noise[slots[own]],
            how,
            rng,
        )
        for field, changed in zip(acted, tried, strict=True):
            field[own] = changed
        return acted

    def _allowed(self, decisions: Decisions) -> np.ndarray:
        if decisions.forbidden is None:
            return np.ones((len(decisions.agent_ids), sum(self._spec.actions.branches)), bool)
        return ~np.concatenate(decisions.forbidden, axis=1)

    def _pay(self, slots: np.ndarray, own: np.ndarray, group: np.ndarray | None) -> np.ndarray:
        """Books what agents were paid, and returns it, `[n]`, the group's share included."""
        group = np.zeros(len(own)) if group is None else group
        total = own + group
        self._paid[slots, 0] += own
        self._paid[slots, 1] += total
        rows = self._numbers[slots, self._ROW]
        written = rows != NOBODY
        self.journal.pay(rows[written], own[written], group[written])
        return total

    def _look_up(self, slot: int) -> None:
        held = self._held[slot]
        assert held is not None
        match, role, _ = held
        player = match.players[role]
        self._numbers[slot, self._PLACE] = self.networks.place(player)
        is_turn = self.rules.mirror or role.team == match.learning_team
        is_learned_from = self.rules.wanted > 0 or self.rules.whole  # a piece that outlives a rollout has no gaps
        self._teaches[slot] = is_learned_from and player == self.rules.current and is_turn

    def _known(self, agent_ids: np.ndarray) -> np.ndarray:
        return np.array([agent in self._slot_of for agent in agent_ids.tolist()], bool)

    def _slots(self, agent_ids: np.ndarray) -> np.ndarray:
        slot_of = self._slot_of
        return np.array([slot_of[agent] for agent in agent_ids.tolist()], np.int64)

    def _new_slot(self) -> int:
        slots, size = len(self._held), self.networks.memory_size  # known since the first plan
        self._memories = np.concatenate((self._memories.reshape(slots, size), np.zeros((1, size), np.float32)))
        self._held.append(None)
        self._numbers = np.concatenate((self._numbers, np.zeros((1, 8), np.int64)))
        self._noise = np.concatenate((self._noise, np.zeros((1, self._spec.actions.continuous))))
        self._paid = np.concatenate((self._paid, np.zeros((1, 2))))
        self._teaches = np.append(self._teaches, False)
        return len(self._held) - 1


def _only(endings: Endings, known: np.ndarray) -> Endings:
    if known.all():
        return endings
    group_rewards = None if endings.group_rewards is None else endings.group_rewards[known]
    return Endings(
        endings.agent_ids[known],
        tuple(seen[known] for seen in endings.observations),
        endings.rewards[known],
        endings.truncated[known],
        group_rewards=group_rewards,
    )
