"""Which settings make the strongest agents? Every arm learns every game; final policies and earlier ones meet."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from mlagents_selfplay.evaluation import study_figures, study_pictures, tournament
from mlagents_selfplay.evaluation.environment import EnvironmentSettings
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.networks import outcome_rule
from mlagents_selfplay.evaluation.players import Player, everybody_of, nearest
from mlagents_selfplay.evaluation.study_figures import SAME_TIME, name_of, shares
from mlagents_selfplay.evaluation.study_settings import StudySettings
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from mlagents_selfplay.store import FORMAT_VERSION, read_json, write_atomically
from mlagents_selfplay.training import Training, TrainingError, build_of, train

FINALS, POOL = "finals", "pool"
BASE_PORT = 6105

Watch = Callable[[str, int, int, int, int], None]
"""Is told what is being done, how far that is and how far it goes, and how many parts are done of how many."""


@dataclass
class Study:
    """A study that runs, or is taken up again, in its folder.

    Attributes:
      folder: `study.json`, `study.yaml`, and a folder for each game.
      settings: what is compared.
      seconds: that finished trainings took, by game, arm and seed.
      figures: of the games that have been judged.
    """

    folder: Path
    settings: StudySettings
    seconds: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)

    def run(self, watch: Watch = lambda doing, done, planned, parts_done, parts: None) -> dict[str, Any]:
        """Does what is left to do.

        Returns:
          What `study.json` holds; see docs/evaluation.md.

        Raises:
          EvaluationError: if the folder holds another study, or a training or tournament fails. What is done is kept.
        """
        self._begin()
        settings, done = self.settings, 0
        parts = sum(len(settings.arms_of(game)) * settings.seeds + 2 for game in settings.games)

        def show(doing: str, at: int, planned: int) -> None:
            watch(doing, at, planned, done, parts)

        for game in settings.games:
            for seed in settings.all_seeds:
                for arm in settings.arms_of(game):  # in turn, so that a machine that gets slower does so for all
                    self._train(game, arm, seed, show)
                    done += 1
            for which, games in ((FINALS, settings.games_of_each_pair), (POOL, settings.pool_games)):
                self._judge(game, which, games, show)
                done += 1
            self.figures[game] = study_figures.of_game(
                self._table(game, FINALS), self._table(game, POOL), settings, game
            )
            study_pictures.draw(self.folder / game, settings, game, self.figures[game])
            self._write()
        return self.results()

    def results(self) -> dict[str, Any]:
        """Returns what `study.json` holds."""
        return {
            "format": FORMAT_VERSION,
            "kind": "study",
            "settings": self.settings.plain(),
            "seconds": self.seconds,
            "games": self.figures,
            "together": study_figures.together(self.figures),
        }

    # Trainings

    def training_folder(self, game: str, arm: str, seed: int) -> Path:
        """What `mlagents-learn` leaves."""
        return self.folder / game / "training" / f"{arm}-{seed}"

    def _train(self, game: str, arm: str, seed: int, show: Callable[[str, int, int], None]) -> None:
        about = self.settings.games[game]
        training = Training(
            self.training_folder(game, arm, seed),
            {"env_settings": {"max_lifetime_restarts": 0}, "default_settings": self.settings.block(game, arm)},
            self._build(game),
            seed=seed,
            num_areas=about.num_areas,
        )
        label = f"{game}: {arm}, seed {seed}"
        show(label, 0, about.steps)
        of_arm = self.seconds.setdefault(game, {}).setdefault(arm, {})
        if training.is_finished:
            of_arm.setdefault(str(seed), training.seconds)  # killed before they were written down
            return
        began = time.monotonic()
        try:
            train(training, lambda summary: show(label, min(summary.step, about.steps), about.steps))
        except TrainingError as error:
            raise EvaluationError(str(error)) from error
        finally:
            of_arm[str(seed)] = of_arm.get(str(seed), 0.0) + time.monotonic() - began
            self._write()

    def _build(self, game: str) -> str:
        try:
            return str(build_of(self.settings.games[game].environment, self.folder / "builds").resolve())
        except TrainingError as error:
            raise EvaluationError(f"{game}: {error}") from error

    # Tournaments

    def _judge(self, game: str, which: str, games: int, show: Callable[[str, int, int], None]) -> None:
        arms, settings = self.settings.arms_of(game), self.settings
        finals = {arm: [self._final(game, arm, seed) for seed in settings.all_seeds] for arm in arms}
        everybody = [player for of_arm in finals.values() for player in of_arm]
        apart = [[player.name for player in of_arm] for of_arm in finals.values()]
        if which == FINALS:
            others = [self._at_the_same_time(game, seed) for seed in settings.all_seeds]
            apart.append([player.name for player in (*others, *finals[settings.stock])])
        else:
            others = [
                player for arm in arms for seed in settings.all_seeds for player in self._earlier(game, arm, seed)
            ]
            apart = [[player.name for player in everybody], [player.name for player in others]]
        about, folder = settings.games[game], self.folder / game / which
        rule = outcome_rule(self.training_folder(game, settings.ours, settings.first_seed)) or OutcomeSettings()
        tournament.run(
            folder,
            [*everybody, *others],
            EnvironmentSettings(self._build(game), num_areas=about.num_areas, seed=1, base_port=BASE_PORT),
            tournament.TournamentSettings(
                games,
                outcome=rule,
                seed=1,
                exploitability=about.exploitability if which == FINALS else None,
                apart=tuple(frozenset(names) for names in apart),
            ),
            lambda done, planned: show(f"{game}: {which}", done, planned),
        )

    def _final(self, game: str, arm: str, seed: int) -> Player:
        run = self.training_folder(game, arm, seed)
        return replace(everybody_of(run)[-1], name=name_of(arm, seed))

    def _at_the_same_time(self, game: str, seed: int) -> Player:
        """Stock's policy from when ours was finished, had both kept their mean pace; the first, if that was earlier."""
        stock, ours = (self.seconds[game][arm][str(seed)] for arm in (self.settings.stock, self.settings.ours))
        run = self.training_folder(game, self.settings.stock, seed)
        steps = self.settings.games[game].steps * ours / stock
        return replace(nearest(run, steps), name=name_of(SAME_TIME, seed))

    def _earlier(self, game: str, arm: str, seed: int) -> Sequence[Player]:
        run, steps = self.training_folder(game, arm, seed), self.settings.games[game].steps
        return [replace(nearest(run, share * steps), name=name_of(arm, seed, share)) for share in shares(self.settings)]

    def _table(self, game: str, which: str) -> dict[str, Any]:
        return read_json(self.folder / game / which / "tournament.json")

    # On disk

    def _begin(self) -> None:
        path = self.folder / "study.json"
        if path.exists():
            before = read_json(path)
            changed = [
                key
                for key, now in _fixed(self.settings.plain()).items()
                if _fixed(before["settings"]).get(key, now) != now
            ]
            if changed:
                raise EvaluationError(
                    f"{self.folder} was begun with another {changed[0]}. More seeds, arms and games are welcome; for "
                    "other ones take another name, or --force, which deletes it."
                )
            self.seconds, self.figures = before["seconds"], before["games"]
        text = yaml.safe_dump(self.settings.plain(), sort_keys=False)
        write_atomically(self.folder / "study.yaml", lambda file: file.write(text.encode()))
        self._write()

    def _write(self) -> None:
        text = json.dumps(self.results(), indent=1)
        write_atomically(self.folder / "study.json", lambda file: file.write(text.encode()))


def _fixed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what must stay as it is while a study goes on, by a name for it."""
    free = ("seeds", "arms", "games", "games_of_each_pair", "pool_games")  # more of them is more of the same
    fixed = {key: value for key, value in settings.items() if key not in free}
    arms = {f"arm {name}": changes for name, changes in settings["arms"].items()}
    games = {f"game {name}": {**about, "arms": None} for name, about in settings["games"].items()}
    return {**fixed, **arms, **games}
