"""Population-based training: who is asked to change, whose weights are handed on, and whom does a member meet?"""

from __future__ import annotations

from collections import Counter

from mlagents_selfplay.mail.letters import Guest, Letter
from mlagents_selfplay.population.evolution import (
    Age,
    choose_parent,
    inherit,
    may_be_parent,
    may_change,
    meeting_chances,
    mutate,
)
from mlagents_selfplay.population.league import League
from mlagents_selfplay.population.records import Record, Report
from mlagents_selfplay.population.settings import BY_RATING


class EvolvingLeague(League):
    """After each snapshot a member gets new guests, and, when its time has come, a parent."""

    def _initial_hyperparameters(self) -> dict[str, float]:
        return {key: range_.sample(self.rng) for key, range_ in self.settings.hyperparameters.items()}

    def _decide(self, report: Report, record: Record) -> None:
        if report.final or report.snapshot is None or record.pending is not None:
            return
        member, parent = report.member, self._parent_for(report.member)
        values: dict[str, float] = {}
        if parent is not None:
            rules = self.settings.evolution
            theirs = self.records[parent].hyperparameters
            values = inherit(record.hyperparameters, theirs, rules.inherit_probability, self.rng)
            values = mutate(values, self.settings.hyperparameters, rules, self.rng)
            self._note("asked to change", member, step=report.step, parent=parent, hyperparameters=values)
        guests = self._guests_for(member) if self.settings.guest_ratio > 0.0 else None
        if parent is None and guests is None:
            return
        letter = Letter(
            number=record.letters + 1,
            hyperparameters=values,
            checkpoint=None if parent is None else self.folder.load_checkpoint(parent),
            guests=guests,
            guest_ratio=self.settings.guest_ratio,
        )
        self._ask(member, letter, parent)

    def _parent_for(self, member: str) -> str | None:
        rules = self.settings.evolution
        ages = {name: Age(r.step, r.step - r.changed_at) for name, r in self.records.items()}
        no_time_left = ages[member].since_start + rules.change_after > self.settings.max_steps
        if no_time_left or not may_change(ages[member], rules):
            return None
        parents = [name for name, age in ages.items() if may_be_parent(age, rules)]
        ratings = {name: self.rating_of(name) for name in self.records}
        return choose_parent(member, ratings, parents, rules.parent_below, self.rng)

    def _guests_for(self, member: str) -> dict[str, Guest]:
        """Draws from the histories of the others: whom, by rating or not; half of the time its newest snapshot.

        The newest snapshots stand for their members, so that a match against one of them rates both.
        """
        ratings = {
            name: self.rating_of(name)
            for name, record in self.records.items()
            if name == member or record.history.steps
        }
        chances = meeting_chances(member, ratings, self.settings.matchmaking == BY_RATING)
        if not chances:
            return {}
        draws: Counter[tuple[str, int]] = Counter()
        for other in self.rng.choice(list(chances), self.settings.guest_draws, p=list(chances.values())).tolist():
            steps = self.records[other].history.steps
            newest = self.rng.random() < 0.5
            draws[other, steps[-1] if newest else steps[int(self.rng.integers(len(steps)))]] += 1
        newest_of = {other: self.records[other].history.steps[-1] for other in chances}
        record = self.records[member]
        record.stand_ins = {f"{other}@{step}" for other, step in draws if step == newest_of[other]}
        return {
            f"{other}@{step}": Guest(count / self.settings.guest_draws, self.folder.load_snapshot(other, step))
            for (other, step), count in sorted(draws.items())
        }
