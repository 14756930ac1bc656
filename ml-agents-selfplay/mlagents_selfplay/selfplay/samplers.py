"""Which opponent is drawn?

The candidates are the snapshots that `delta` allows and, always, the current policy. One pure function turns them into
`probabilities`, another draws. What the kinds give to each candidate:

| kind            | an eligible snapshot                                      | the current policy              |
|-----------------|-----------------------------------------------------------|---------------------------------|
| `uniform`       | the span of time it stands for                            | the time since the newest       |
| `limit_uniform` | 1 / rank^2, counted back from the current policy (rank 1) | rank 1, the largest weight      |
| `pfsp`          | f(x), x = P(learner beats it)                             | f(1/2): it is its own equal     |
| `quality`       | exp(quality)                                              | nothing but its `latest_ratio`  |

`latest_ratio` stands in front of every kind: with that probability the current policy is met without further ado.
Weights that are all zero (a run at step 0, `quality` without any past) fall back to equal ones.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# Room for the rounding of delta x now: 0.07 x 100 is a little above 7, yet a snapshot of step 7 is eligible.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class SamplerSettings:
    """How opponents are drawn.

    Attributes:
      kind: `uniform`, `limit_uniform`, `pfsp` or `quality`; see the module's table.
      delta: in [0, 1], the older share of the run that is forgotten; 0 is the whole history, 1 the current policy only.
      latest_ratio: in [0, 1], probability of meeting the current policy, in front of any kind. OpenAI Five: 0.8.
      pfsp_weighting: f in `pfsp`: `variance` x(1-x) prefers equals, `linear` 1-x and `squared` (1-x)^2 the strong.
      pfsp_prior_games: at least 0, virtual drawn games that smooth every win rate towards 1/2; 2 is Laplace's rule.

    Raises:
      ValueError: if a value is outside what is allowed; the message names the key.
    """

    kind: str = "uniform"
    delta: float = 0.0
    latest_ratio: float = 0.0
    pfsp_weighting: str = "squared"
    pfsp_prior_games: float = 2.0

    def __post_init__(self) -> None:
        for key, allowed in (("kind", KINDS), ("pfsp_weighting", PFSP_WEIGHTINGS)):
            if getattr(self, key) not in allowed:
                raise ValueError(f"{key}: {getattr(self, key)!r} is not one of {', '.join(allowed)}")
        for key in ("delta", "latest_ratio"):
            if not 0.0 <= getattr(self, key) <= 1.0:
                raise ValueError(f"{key}: {getattr(self, key)!r} is not in [0, 1]")
        if not 0.0 <= self.pfsp_prior_games < np.inf:
            raise ValueError(f"pfsp_prior_games: {self.pfsp_prior_games!r} is not a finite number of at least 0")


@dataclass(frozen=True, eq=False)
class Candidates:
    """The history as a sampler sees it, `N` snapshots, oldest first. The current policy is implied.

    Attributes:
      steps: `[N]`, learner steps at which the snapshots were taken, strictly ascending, in [0, now].
      now: the learner's present step.
      win_rates: `[N]` in [0, 1], the learner's mean outcome against each; ignored where `games` is 0. Omitted: unknown.
      games: `[N]`, finished games behind each win rate, at least 0. Omitted: none.
      qualities: `[N]`, scores that `quality` softmaxes. Omitted: all alike.

    Raises:
      ValueError: if steps, win rates or games are out of range, shapes differ, or win rates come without games.
    """

    steps: npt.NDArray[np.integer]
    now: int
    win_rates: FloatArray | None = None
    games: npt.NDArray[np.number] | None = None
    qualities: FloatArray | None = None

    def __post_init__(self) -> None:
        _check_steps(self.steps, self.now)
        for key in ("win_rates", "games", "qualities"):
            value = getattr(self, key)
            if value is not None and np.shape(value) != np.shape(self.steps):
                raise ValueError(f"{key}: shape {np.shape(value)} is not that of steps, {np.shape(self.steps)}")
        if self.win_rates is not None and self.games is not None:
            if np.any(self.games < 0):
                raise ValueError(f"games: {self.games} are not all at least 0")
            if not np.all((self.games == 0) | ((self.win_rates >= 0.0) & (self.win_rates <= 1.0))):
                raise ValueError(f"win_rates: {self.win_rates} are not all in [0, 1]")
        elif self.win_rates is not self.games:
            raise ValueError("win_rates and games: give both or neither")


def eligible(steps: npt.NDArray[np.integer], now: int, delta: float) -> npt.NDArray[np.bool_]:
    """Marks the snapshots that `delta` allows, by the time at which they were taken and never by their place in a list.

    The current policy is a candidate beside them, so an empty mask is no fault. `delta = 1` leaves the current policy
    only, even if a snapshot was taken at this very step: it holds the same weights.

    Args:
      steps: `[N]`, learner steps, strictly ascending, in [0, now].
      now: the learner's present step.
      delta: in [0, 1].

    Returns:
      `[N]`, true where `steps >= delta * now` and `delta < 1`.

    Raises:
      ValueError: if `delta` or a step is outside its range.

    Source: Bansal et al. 2018, arXiv:1710.03748, "Opponent sampling": opponents come from Uniform(delta v, v), v the
    number of the current policy's version.
    """
    _check_steps(steps, now)
    if not 0.0 <= delta <= 1.0:
        raise ValueError(f"delta: {delta!r} is not in [0, 1]")
    return (np.asarray(steps) >= delta * now * (1.0 - _ROUNDING)) & (delta < 1.0)


def probabilities(candidates: Candidates, settings: SamplerSettings) -> FloatArray:
    """Gives each snapshot and, at the last index, the current policy its probability of being the next opponent.

    Returns:
      `[N + 1]`, at least 0, sum 1, and 0 for every snapshot that `settings.delta` forgets.
    """
    count = len(candidates.steps)
    past = np.flatnonzero(eligible(candidates.steps, candidates.now, settings.delta))
    weights = _WEIGHTS[settings.kind](candidates, past, settings)
    if weights.sum() == 0.0:
        weights = np.ones_like(weights)
    result = np.zeros(count + 1)
    result[np.append(past, count)] = (1.0 - settings.latest_ratio) * weights / weights.sum()
    result[count] += settings.latest_ratio
    return result


def draw(probabilities: FloatArray, rng: np.random.Generator) -> int:
    """Draws an index of `probabilities`; the last is the current policy. One with probability 0 is never drawn.

    Args:
      probabilities: `[N + 1]`, at least 0, sum 1.
      rng: advanced by one uniform number.

    Raises:
      ValueError: if `probabilities` is no distribution.
    """
    return draw_cumulated(cumulated(probabilities), rng)


def cumulated(probabilities: FloatArray) -> list[float]:
    """Adds up probabilities, for many draws from the same ones; the last sum is 1.

    Raises:
      ValueError: if `probabilities` is no distribution.
    """
    if np.min(probabilities, initial=np.inf) < 0.0 or not abs(np.sum(probabilities) - 1.0) < 1e-6:
        raise ValueError(f"probabilities: {probabilities!r} are not all at least 0 with the sum 1")
    sums = np.cumsum(probabilities)
    return (sums / sums[-1]).tolist()  # Exactly 1 from the last possible candidate on.


def draw_cumulated(sums: list[float], rng: np.random.Generator) -> int:
    """As `draw`, from what `cumulated` returns."""
    return bisect_right(sums, rng.random())  # which stays below 1


def quality_after_win(quality: float, qualities: Collection[float], step_size: float = 0.01) -> float:
    """Lowers the quality of a snapshot that the learner has just beaten; a draw or a loss changes nothing.

    q_i <- q_i - step_size / (N p_i), with p = softmax(q). The mean of N p_i is 1 over any set of snapshots, so the
    whole history may be given even if `delta` allows only a part of it. A new snapshot starts with the largest quality.

    Args:
      quality: q_i, of the beaten snapshot.
      qualities: of all `N` snapshots, the beaten one among them.
      step_size: eta, above 0.

    Returns:
      The new q_i.

    Source: Berner et al. 2019 (OpenAI Five), arXiv:1912.06680, on opponent sampling, eta = 0.01. There a rarely drawn
    opponent falls without bound in one step, and nothing raises it again; here one win lowers a quality by at most 1.
    """
    best = max(qualities)
    relative = math.exp(quality - best) * len(qualities) / sum(math.exp(other - best) for other in qualities)  # N p_i
    return quality - step_size / max(relative, step_size)


def preset(name: str) -> SamplerSettings:
    """Looks up a self-play scheme by its customary name.

    Raises:
      ValueError: if there is no such scheme.
    """
    if name not in PRESETS:
        raise ValueError(f"preset: {name!r} is not one of {', '.join(PRESETS)}")
    return PRESETS[name]


def _uniform(candidates: Candidates, past: npt.NDArray[np.intp], settings: SamplerSettings) -> FloatArray:
    """Spans of time: a uniformly drawn moment of [delta x now, now] is played by the first policy kept at or after it.

    So each candidate stands for the gap before it, the current policy for the time since the newest snapshot. Taking a
    snapshot or evicting one then moves probability between neighbours in time and changes nothing elsewhere. The oldest
    eligible one stands for the time since delta x now, but for no less than the gap after it: otherwise an equally
    spaced history would not give equal weights wherever delta x now falls, and the policy of step 0 never be met.
    """
    times = np.append(candidates.steps[past], candidates.now).astype(np.float64)
    if len(past) == 0:
        return np.ones(1)
    start = min(settings.delta * candidates.now, times[0] - (times[1] - times[0]))
    return np.diff(times, prepend=start)


def _limit_uniform(candidates: Candidates, past: npt.NDArray[np.intp], settings: SamplerSettings) -> FloatArray:
    """1 / (m (m - i)^2) over m candidates, oldest i = 0; the factor 1 / m is common and falls to the normalisation.

    Uniform draws at every m = 1, 2, ... visit candidate i sum 1/m = ln(M / i) times until M: early policies most. Here
    a policy of rank k is drawn with about 6 / (pi k)^2, which sums to 1 over its lifetime whenever it was born.
    """
    return 1.0 / np.arange(len(past) + 1, 0, -1.0) ** 2


def _pfsp(candidates: Candidates, past: npt.NDArray[np.intp], settings: SamplerSettings) -> FloatArray:
    """Prioritised fictitious self-play: Vinyals et al. 2019 (AlphaStar), Nature 575, methods; (1-x)^2 is its f_hard."""
    win_rates = np.full(len(past) + 1, 0.5)
    if candidates.games is not None and candidates.win_rates is not None:
        games = candidates.games[past]
        wins = np.where(games > 0, games * candidates.win_rates[past], 0.0)
        smoothed = games + settings.pfsp_prior_games
        known = smoothed > 0
        win_rates[:-1][known] = (wins + 0.5 * settings.pfsp_prior_games)[known] / smoothed[known]
    return _PFSP_FORMS[settings.pfsp_weighting](win_rates)


def _quality(candidates: Candidates, past: npt.NDArray[np.intp], settings: SamplerSettings) -> FloatArray:
    """Softmax over the past. The current policy has no score: it is met by `latest_ratio`, or if there is no past."""
    if candidates.qualities is None:
        return np.append(np.ones(len(past)), 0.0)
    scores = candidates.qualities[past]
    return np.append(np.exp(scores - np.max(scores, initial=-np.inf)), 0.0)


def _check_steps(steps: npt.NDArray[np.integer], now: int) -> None:
    array = np.asarray(steps)
    if array.ndim != 1 or np.any(np.diff(array) <= 0):
        raise ValueError(f"steps: {array} are not strictly ascending")
    if len(array) and not 0 <= array[0] <= array[-1] <= now:
        raise ValueError(f"steps: {array[0]} to {array[-1]} are not within [0, now = {now}]")


_PFSP_FORMS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "variance": lambda x: x * (1.0 - x),
    "linear": lambda x: 1.0 - x,
    "squared": lambda x: (1.0 - x) ** 2,
}
_WEIGHTS: dict[str, Callable[[Candidates, npt.NDArray[np.intp], SamplerSettings], FloatArray]] = {
    "uniform": _uniform,
    "limit_uniform": _limit_uniform,
    "pfsp": _pfsp,
    "quality": _quality,
}
KINDS = tuple(_WEIGHTS)
LOOK_AT_RESULTS = ("pfsp", "quality")  # the kinds that win rates, games or qualities mean something to
PFSP_WEIGHTINGS = tuple(_PFSP_FORMS)

PRESETS = {
    "naive": SamplerSettings(delta=1.0),
    "full_history": SamplerSettings(delta=0.0),
    "half_history": SamplerSettings(delta=0.5),
    "last_quarter": SamplerSettings(delta=0.75),
}
