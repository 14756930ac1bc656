"""Which settings make the strongest agents? Every arm learns every game; final policies and earlier ones meet."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from mlagents_selfplay.evaluation import study_figures, study_pictures, tournament
from mlagents_selfplay.evaluation.environment import EnvironmentSettings
from mlagents_selfplay.evaluation.errors import EvaluationError
from mlagents_selfplay.evaluation.networks import outcome_rule
from mlagents_selfplay.evaluation.parts import (
    PORTS,
    Done,
    Games,
    Hands,
    Here,
    Part,
    Work,
    do_all,
    do_games,
    do_training,
    seconds_of,
)
from mlagents_selfplay.evaluation.players import Player, everybody_of, nearest
from mlagents_selfplay.evaluation.study_figures import SAME_TIME, name_of, shares
from mlagents_selfplay.evaluation.study_settings import StudySettings
from mlagents_selfplay.files import FORMAT_VERSION, read_json, write_bytes_atomically
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from mlagents_selfplay.training import Training, TrainingError, build_of

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
    _trainings: dict[str, tuple[str, str, int]] = field(default_factory=dict)  # by part: game, arm, seed
    _tournaments: dict[str, tuple[str, str]] = field(default_factory=dict)  # by part: game, FINALS or POOL
    _played: dict[str, dict[str, Any]] = field(default_factory=dict)  # by game: tournaments that are over
    _builds: dict[str, str] = field(default_factory=dict)  # by game

    def run(
        self, watch: Watch = lambda doing, done, planned, parts_done, parts: None, hands: Hands | None = None
    ) -> dict[str, Any]:
        """Does what is left to do.

        Args:
          watch: is told of progress.
          hands: who trains and plays; None does one after another in this process.

        Returns:
          What `study.json` holds; see docs/evaluation.md.

        Raises:
          EvaluationError: if the folder holds another study, or a training or tournament fails. What is done is kept.
        """
        self._begin()
        parts, finished = [], []
        for game in self.settings.games:
            trainings = {f"{game}: {arm}, seed {seed}": (game, arm, seed) for arm, seed in self._in_turn(game)}
            tournaments = {f"{game}: {which}": (game, which) for which in (FINALS, POOL)}
            self._trainings |= trainings
            self._tournaments |= tournaments
            parts += [Part(name) for name in trainings]
            parts += [Part(name, frozenset(trainings)) for name in tournaments]
            for name, about in trainings.items():
                if self._training(*about).is_finished:
                    self._note_seconds(*about, seconds_of(self._training(*about)))
                    finished.append(name)
        parts_done = len(finished)

        def show(doing: str, at: int, planned: int) -> None:
            watch(doing, at, planned, parts_done, len(parts))

        for found in do_all(parts, finished, hands or Here(), self._begin_part, show):
            if found.error is not None:
                raise found.error
            parts_done += 1
            self._note(found)
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

    # Parts

    def _in_turn(self, game: str) -> list[tuple[str, int]]:
        """Returns arms and seeds, seed by seed, so that a machine that gets slower does so for all arms."""
        return [(arm, seed) for seed in self.settings.all_seeds for arm in self.settings.arms_of(game)]

    def _begin_part(self, part: Part) -> Work:
        if part.name in self._trainings:
            game, arm, seed = self._trainings[part.name]
            return partial(do_training, part, self._training(game, arm, seed), self.settings.games[game].steps)
        return partial(do_games, part, self._games(*self._tournaments[part.name]))

    def _note(self, found: Done) -> None:
        """Writes down what a part came to, and judges the game if it was the last of its parts."""
        if found.part.name in self._trainings:
            self._note_seconds(*self._trainings[found.part.name], found.result)
        else:
            game, which = self._tournaments[found.part.name]
            of_game = self._played.setdefault(game, {})
            of_game[which] = found.result
            if {FINALS, POOL} <= set(of_game):
                self.figures[game] = study_figures.of_game(of_game[FINALS], of_game[POOL], self.settings, game)
                study_pictures.draw(self.folder / game, self.settings, game, self.figures[game], self.seconds[game])
        self._write()

    def _note_seconds(self, game: str, arm: str, seed: int, seconds: float) -> None:
        self.seconds.setdefault(game, {}).setdefault(arm, {})[str(seed)] = seconds

    def _port(self, about: tuple[Any, ...]) -> int:
        """Parts that begin at the same time look for free ports in different places."""
        return BASE_PORT + PORTS * [*self._trainings.values(), *self._tournaments.values()].index(about)

    # Trainings

    def training_folder(self, game: str, arm: str, seed: int) -> Path:
        """What `mlagents-learn` leaves."""
        return self.folder / game / "training" / f"{arm}-{seed}"

    def _training(self, game: str, arm: str, seed: int) -> Training:
        return Training(
            self.training_folder(game, arm, seed),
            {"env_settings": {"max_lifetime_restarts": 0}, "default_settings": self.settings.block(game, arm)},
            self._build(game),
            seed=seed,
            num_areas=self.settings.games[game].num_areas,
            base_port=self._port((game, arm, seed)),
        )

    def _build(self, game: str) -> str:
        if game not in self._builds:
            try:
                build = build_of(self.settings.games[game].environment, self.folder / "builds")
            except TrainingError as error:
                raise EvaluationError(f"{game}: {error}") from error
            self._builds[game] = str(build.resolve())
        return self._builds[game]

    # Tournaments

    def _games(self, game: str, which: str) -> Games:
        """Returns the tournament of final policies, or that of final policies with earlier ones."""
        arms, settings = self.settings.arms_of(game), self.settings
        finals = {arm: [self._final(game, arm, seed) for seed in settings.all_seeds] for arm in arms}
        everybody = [player for of_arm in finals.values() for player in of_arm]
        apart = [[player.name for player in of_arm] for of_arm in finals.values()]
        if which == FINALS:
            others = [self._at_the_same_time(game, seed) for seed in settings.all_seeds]
            apart.append([player.name for player in (*others, *finals[settings.stock])])
        else:
            others = [player for arm, seed in self._in_turn(game) for player in self._earlier(game, arm, seed)]
            apart = [[player.name for player in everybody], [player.name for player in others]]
        about = settings.games[game]
        rule = outcome_rule(self.training_folder(game, settings.ours, settings.first_seed)) or OutcomeSettings()
        port = self._port((game, which))
        return Games(
            self.folder / game / which,
            (*everybody, *others),
            EnvironmentSettings(self._build(game), num_areas=about.num_areas, seed=1, base_port=port),
            tournament.TournamentSettings(
                settings.games_of_each_pair if which == FINALS else settings.pool_games,
                outcome=rule,
                seed=1,
                exploitability=about.exploitability if which == FINALS else None,
                apart=tuple(frozenset(names) for names in apart),
            ),
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
            self.seconds = before["seconds"]  # every game is judged anew, by what has been played already
        text = yaml.safe_dump(self.settings.plain(), sort_keys=False)
        write_bytes_atomically(self.folder / "study.yaml", text.encode())
        self._write()

    def _write(self) -> None:
        text = json.dumps(self.results(), indent=1)
        write_bytes_atomically(self.folder / "study.json", text.encode())


def _fixed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what must stay as it is while a study goes on, by a name for it."""
    free = ("seeds", "arms", "games", "games_of_each_pair", "pool_games")  # more of them is more of the same
    fixed = {key: value for key, value in settings.items() if key not in free}
    arms = {f"arm {name}": changes for name, changes in settings["arms"].items()}
    games = {f"game {name}": {**about, "arms": None} for name, about in settings["games"].items()}
    return {**fixed, **arms, **games}
