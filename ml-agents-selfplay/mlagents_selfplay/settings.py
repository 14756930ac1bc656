"""What may stand in the YAML under `hyperparameters:` of a `selfplay` behavior, and what each key must be."""

import difflib
from collections.abc import Mapping
from typing import Any

import attr
import cattr
from mlagents.plugins import all_trainer_settings
from mlagents.trainers.exception import TrainerConfigError
from mlagents.trainers.settings import check_hyperparam_schedules, strict_to_cls

from mlagents_selfplay.checks import finite, flag, integer, number, one_of, optional, refuse
from mlagents_selfplay.selfplay.outcomes import RULES, OutcomeSettings
from mlagents_selfplay.selfplay.samplers import KINDS, PFSP_WEIGHTINGS, PRESETS, SamplerSettings

TRAINER_TYPE = "selfplay"


def _sources(_: Any, field: "attr.Attribute[Any]", value: Any) -> None:
    if not isinstance(value, (list, tuple)) or not all(isinstance(source, str) for source in value):
        raise refuse(field.name, value, "a list of texts such as initial, FILE.safetensors or python:module:factory")


@attr.s(auto_attribs=True)
class SelfPlaySettings:
    """Settings of the `selfplay` trainer type; `docs/selfplay.md` explains the effect of each key.

    The fields are `Any` for ML-Agents, which would otherwise convert a value before we can name its key in an error.
    """

    # Who is drawn.
    scheme: Any = attr.ib(default=None, validator=optional(one_of(*PRESETS)))  # a named pair of sampler and delta
    delta: Any = attr.ib(default=None, validator=optional(number(0, 1)))  # 0: whole history (unset), 1: current one
    sampler: Any = attr.ib(default=None, validator=optional(one_of(*KINDS)))  # uniform unless said otherwise
    latest_ratio: Any = attr.ib(
        default=None, validator=optional(number(0, 1))
    )  # chance to meet the current policy; 0.5
    pfsp_weighting: Any = attr.ib(default="squared", validator=one_of(*PFSP_WEIGHTINGS))
    opponent_change_interval: Any = attr.ib(default=1, validator=integer(1, "episodes"))  # matches that a draw serves
    team_change_interval: Any = attr.ib(default=100, validator=integer(1, "episodes"))  # matches of a team's turn
    # What is kept.
    snapshot_interval: Any = attr.ib(default=20_000, validator=integer(1, "learner steps"))
    history_capacity: Any = attr.ib(default=64, validator=integer(2, "snapshots"))
    snapshot_precision: Any = attr.ib(default="float32", validator=one_of("float32", "float16"))  # of weights on disk
    opponents_in_memory: Any = attr.ib(default=64, validator=integer(1, "opponents"))  # distinct ones at a time
    # Opponents outside the history's budget.
    pinned_opponents: Any = attr.ib(factory=list, validator=_sources)
    pinned_ratio: Any = attr.ib(
        default=0.1, validator=number(0, 1)
    )  # probability of drawing a pinned one, if any is listed
    # What a match comes to.
    outcome: Any = attr.ib(default="last_reward", validator=one_of(*RULES))
    win_above: Any = attr.ib(default=0.0, validator=finite)  # units of reward
    loss_below: Any = attr.ib(default=0.0, validator=finite)  # units of reward
    elo_k: Any = attr.ib(default=32.0, validator=number(0, above=True))  # most points that one match moves a rating
    initial_elo: Any = attr.ib(default=1200.0, validator=finite)  # rating of the initial policy, the anchor
    curriculum_measure: Any = attr.ib(
        default="reward", validator=one_of("reward", "rating", "win_rate_against_initial")
    )
    # Who learns, and how.
    learns: Any = attr.ib(
        default=True, validator=flag
    )  # false: this behavior only plays its opponents (asymmetric games)
    learn_from_mirror_matches: Any = attr.ib(default=None, validator=optional(flag))  # unset: for on-policy learners
    learner: Any = "ppo"  # any other registered trainer type
    learner_hyperparameters: Any = attr.ib(factory=dict)  # exactly that type's own keys
    rollouts: Any = attr.ib(
        default="auto", validator=one_of("auto", "bridge", "wire")
    )  # who plays: see docs/rollouts.md
    fast_learner: Any = attr.ib(default=True, validator=flag)  # ppo: the same losses in less time; see fast_ppo

    def __attrs_post_init__(self) -> None:
        if self.loss_below > self.win_above:
            raise refuse("loss_below", self.loss_below, f"at most win_above = {self.win_above}")
        for key in ("delta", "sampler"):
            if self.scheme is not None and getattr(self, key) is not None:
                raise refuse(key, getattr(self, key), f"left out beside scheme: {self.scheme}, which sets it")
        # With the learner's defaults filled in, so that configuration.yaml says all that a run was trained with.
        self.learner_hyperparameters = cattr.unstructure(self.learner_settings)

    @property
    def sampler_settings(self) -> SamplerSettings:
        """How opponents are drawn, with the scheme and the defaults filled in."""
        base = PRESETS[self.scheme] if self.scheme is not None else SamplerSettings(latest_ratio=0.5)
        return SamplerSettings(
            kind=base.kind if self.sampler is None else self.sampler,
            delta=base.delta if self.delta is None else float(self.delta),
            latest_ratio=base.latest_ratio if self.latest_ratio is None else float(self.latest_ratio),
            pfsp_weighting=self.pfsp_weighting,
        )

    @property
    def outcome_settings(self) -> OutcomeSettings:
        """What counts as a win, a draw and a loss."""
        return OutcomeSettings(self.outcome, float(self.win_above), float(self.loss_below))

    @property
    def learner_settings(self) -> Any:
        """The learner's keys as the settings object of its trainer type."""
        return _learner_settings(self.learner, self.learner_hyperparameters)

    @property
    def batch_size(self) -> int:
        """The learner's, in experiences: ML-Agents compares it with the memory's sequence length."""
        return int(self.learner_settings.batch_size)


def _learner_settings(learner: Any, hyperparameters: Any) -> Any:
    """Turns the learner's own keys into its settings object, refusing whatever ML-Agents refuses for that type."""
    known = sorted(set(all_trainer_settings) - {TRAINER_TYPE})
    if learner not in known:
        raise refuse("learner", learner, f"one of the registered trainer types {', '.join(known)}")
    settings_class: Any = all_trainer_settings[learner]
    if not isinstance(hyperparameters, Mapping):
        raise refuse("learner_hyperparameters", hyperparameters, f"a block of keys of trainer type {learner}")
    fields = attr.fields_dict(settings_class)
    for key in hyperparameters:
        if key not in fields:
            close = difflib.get_close_matches(str(key), fields, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise TrainerConfigError(
                f"hyperparameters.learner_hyperparameters.{key} is not a key of trainer type {learner}; "
                f"it has {', '.join(fields)}.{hint}"
            )
    for key, value in hyperparameters.items():
        kind: Any = fields[key].type
        try:
            cattr.structure(value, kind)
        except (ValueError, TypeError) as error:
            raise TrainerConfigError(
                f"hyperparameters.learner_hyperparameters.{key}: {value!r} is not allowed for {learner}: {error}"
            ) from error
    return strict_to_cls(check_hyperparam_schedules(dict(hyperparameters), learner), settings_class)
