"""Who matters among many players? Equilibrium, evolution and cycles of the table of who beats whom.

A payoff table here is `[N, N]`, row against column. The functions that need a symmetric zero-sum game take it
antisymmetric: twice the mean outcome, less one, so that a sure win is 1 and a sure loss -1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_SMALLEST = 1e-13  # where the central path ends, and the weight of a barrier
_RANK = 1e-9  # singular values below this share of the largest count as 0
_DECREMENT = 1e-6  # Newton's, before the last step at a barrier; convergence is quadratic
_STEPS = 500  # of Newton's method in all; a few dozen are usual
_LEAST_LOG = -600.0  # of a fixation probability, so that the chain stays irreducible in double precision


def antisymmetric(outcomes: FloatArray) -> FloatArray:
    """Turns mean outcomes `[N, N]` in [0, 1] into payoffs in [-1, 1]; pairs that never met (NaN) are even."""
    met = np.where(np.isnan(outcomes), 0.5, outcomes)
    return np.asarray(met - met.T)


class NashAverage(NamedTuple):
    """The maximum-entropy equilibrium and what it says of every player.

    Attributes:
      probabilities: `[N]`, the equilibrium; copies of a player share what one of them would have.
      skills: `[N]`, the payoff of each against it: 0 for those who take part, below 0 for the others.
    """

    probabilities: FloatArray
    skills: FloatArray


def nash_average(payoff: FloatArray) -> NashAverage:
    """Rates players by how they do against the equilibrium, so that adding copies or weak players changes nothing.

    Args:
      payoff: `[N, N]`, antisymmetric and finite, N at least 1; not changed.

    Raises:
      ValueError: if it is of another kind.
      ArithmeticError: if Newton's method does not converge.

    Source: Balduzzi et al. 2018, arXiv:1806.02643. The equilibrium is found without a linear program: the central
    path x_i (N mu - (A x)_i) = mu, which a symmetric zero-sum game has for every mu > 0, leads to the middle of the set
    of equilibria as mu goes to 0. It tells who takes part in any of them; entropy is then maximised over that set.
    """
    matrix = np.array(payoff, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix) or not np.isfinite(matrix).all():
        raise ValueError(
            f"payoff: shape {matrix.shape} is not [N, N] with N of at least 1, or not all entries are finite"
        )
    if not np.allclose(matrix, -matrix.T, atol=1e-9):
        raise ValueError("payoff is not antisymmetric: the game must be symmetric and zero-sum")
    largest = np.abs(matrix).max()
    if largest == 0.0:
        return NashAverage(np.full(len(matrix), 1.0 / len(matrix)), np.zeros(len(matrix)))
    scaled = matrix / largest
    middle = _middle_of_equilibria(scaled)
    probabilities = _most_even(scaled, middle, middle > -scaled @ middle)
    return NashAverage(probabilities, matrix @ probabilities)


def _middle_of_equilibria(payoff: FloatArray) -> FloatArray:
    """Follows the central path of an antisymmetric game with entries up to 1; returns x, `[N]`.

    On the path, x and the slack top - A x, with top = N mu, multiply to mu everywhere.
    """
    size = len(payoff)
    x, top = np.full(size, 1.0 / size), 2.0
    slack = top - payoff @ x
    for _ in range(_STEPS):
        mu = x @ slack / size
        if mu < _SMALLEST:
            return np.asarray(x / x.sum())
        lower = 0.2 * mu * size - top  # the step asks for a fifth of mu, and for its top
        step = np.linalg.solve(np.diag(slack) - x[:, None] * payoff, 0.2 * mu - x * (slack + lower))
        follows = lower - payoff @ step
        length = min(1.0, _room(x, step), _room(slack, follows))
        x, slack, top = x + length * step, slack + length * follows, top + length * lower
    raise ArithmeticError(f"nash_average: no convergence in {_STEPS} steps")


def _room(values: FloatArray, step: FloatArray) -> float:
    """Returns how far along `step` positive `values` stay positive, with a little to spare."""
    shrinking = step < 0.0
    return 0.95 * float(np.min(-values[shrinking] / step[shrinking])) if shrinking.any() else math.inf


def _most_even(payoff: FloatArray, start: FloatArray, takes_part: npt.NDArray[np.bool_]) -> FloatArray:
    """Maximises the entropy over all equilibria, given one with the largest support."""
    inside, outside = payoff[np.ix_(takes_part, takes_part)], payoff[np.ix_(~takes_part, takes_part)]
    equations = np.vstack([inside, np.ones(len(inside.T))])
    _, values, directions = np.linalg.svd(equations)
    free = directions[np.count_nonzero(values > _RANK * values[0]) :].T  # `[S, F]`, along which equilibria lie
    x = start[takes_part]
    right = np.append(np.zeros(len(inside)), 1.0)
    x = x + np.linalg.lstsq(equations, right - equations @ x, rcond=_RANK)[0]
    if free.shape[1]:
        x = _descend(x, free, -outside @ free, lambda x: -outside @ x)
    result = np.zeros(len(payoff))
    result[takes_part] = np.maximum(x, 0.0) / np.maximum(x, 0.0).sum()
    return result


def _descend(
    x: FloatArray, free: FloatArray, slopes: FloatArray, slacks: Callable[[FloatArray], FloatArray]
) -> FloatArray:
    """Minimises sum x log x along `free`, behind barriers that keep x and the slacks (with these slopes) positive."""
    for barrier in np.geomspace(1e-2, _SMALLEST, 12):
        for _ in range(_STEPS):
            slack = slacks(x)
            gradient = free.T @ (np.log(x) + 1.0) - barrier * slopes.T @ (1.0 / slack)
            curvature = (free.T / x) @ free + barrier * (slopes.T / slack**2) @ slopes
            step = np.linalg.solve(curvature, -gradient)
            decrement = math.sqrt(max(float(-gradient @ step), 0.0))
            along = free @ step
            room = min(_room(x, along), _room(slack, slopes @ step))
            x = x + min(1.0, room, 1.0 / (1.0 + decrement) if decrement > 0.3 else 1.0) * along
            if decrement < _DECREMENT:
                break
        else:
            raise ArithmeticError(f"nash_average: the most even equilibrium was not found in {_STEPS} steps")
    return x


def alpha_rank(payoff: FloatArray, alpha: float = 100.0, population: int = 50) -> FloatArray:
    """Ranks players by how much time evolution spends with each: a mutant appears and takes over, or dies out.

    Args:
      payoff: `[N, N]`, what the row earns against the column; any finite values, not changed.
      alpha: strength of selection, above 0; the larger, the more a small advantage decides.
      population: of individuals, at least 2.

    Returns:
      `[N]`, the stationary distribution over populations that are all alike; it sums to 1.

    Raises:
      ValueError: if an argument is outside its range.

    Source: Omidshafiei et al. 2019, arXiv:1903.01373, the symmetric single-population case. The chain is solved by
    elimination without subtractions (Grassmann, Taksar and Heyman 1985), as its entries differ by hundreds of orders
    of magnitude.
    """
    table = np.asarray(payoff, dtype=np.float64)
    size = len(table)
    if table.shape != (size, size) or not size or not np.isfinite(table).all():
        raise ValueError(
            f"payoff: shape {table.shape} is not [N, N] with N of at least 1, or not all entries are finite"
        )
    if not 0.0 < alpha < math.inf:
        raise ValueError(f"alpha: {alpha!r} is not a finite number above 0")
    if population < 2:
        raise ValueError(f"population: {population!r} is not at least 2")
    if size == 1:
        return np.ones(1)
    moves = np.exp(np.maximum(_log_fixation(table, alpha, population), _LEAST_LOG)) / (size - 1)
    np.fill_diagonal(moves, 0.0)
    return _stationary(moves)


def _log_fixation(table: FloatArray, alpha: float, population: int) -> FloatArray:
    """`[N, N]`: log of the probability that one column player takes over a population of row players."""
    mutants = np.arange(1, population)[:, None, None]
    own, rest = np.diag(table), population - mutants
    mutant = ((mutants - 1) * own[None, None, :] + rest * table.T) / (population - 1)
    resident = ((rest - 1) * own[None, :, None] + mutants * table) / (population - 1)
    ratios = np.cumsum(-alpha * (mutant - resident), axis=0)
    top = np.maximum(ratios.max(axis=0), 0.0)
    return np.asarray(-top - np.log(np.exp(-top) + np.exp(ratios - top).sum(axis=0)))


def _stationary(moves: FloatArray) -> FloatArray:
    """Stationary distribution of a chain with these probabilities `[N, N]` to move, the diagonal being ignored."""
    rates = moves.copy()
    size = len(rates)
    for last in range(size - 1, 0, -1):
        rates[:last, last] /= rates[last, :last].sum()
        rates[:last, :last] += np.outer(rates[:last, last], rates[last, :last])
    shares = np.ones(size)
    for state in range(1, size):
        shares[state] = shares[:state] @ rates[:state, state]
        shares[: state + 1] /= shares[: state + 1].max()
    return np.asarray(shares / shares.sum())


def best_responses(payoff: FloatArray) -> npt.NDArray[np.intp]:
    """Returns `[N]`: for each player, the one among all that does best against it; of several the first."""
    return np.argmax(payoff, axis=0)


def transitive_share(wins: FloatArray) -> float:
    """Returns how much of who beats whom one number a player can explain, in [0, 1]; NaN if nothing was played.

    The log odds of every pair are fitted by differences of ratings, in least squares weighted by games. The rest goes
    in circles: 1 for a ladder, 0 for rock-paper-scissors. With few games noise looks like circles too.

    Args:
      wins: `[N, N]`, at least 0, the games that the row won against the column, a draw being half a win for each; half
        a game is added to either side, so that the odds are finite. The diagonal is ignored.

    Source: Jiang, Lim, Yao and Ye 2011, doi:10.1007/s10107-010-0419-x; Balduzzi et al. 2018, arXiv:1806.02643.
    """
    games = np.array(wins + wins.T, dtype=np.float64)
    np.fill_diagonal(games, 0.0)
    odds = np.where(games > 0.0, np.log(wins + 0.5) - np.log(wins.T + 0.5), 0.0)
    total = float((games * odds**2).sum())
    if not games.any():
        return math.nan
    if total == 0.0:
        return 1.0  # all even: equal ratings explain it
    laplacian = np.diag(games.sum(axis=1)) - games
    ratings = np.linalg.lstsq(laplacian, (games * odds).sum(axis=1), rcond=None)[0]
    explained = float((games * (ratings[:, None] - ratings[None, :]) ** 2).sum())
    return min(max(explained / total, 0.0), 1.0)


def cycles(low: FloatArray) -> list[tuple[int, int, int]]:
    """Finds players that beat each other in a circle of three, each for certain.

    Args:
      low: `[N, N]`, the lower end of the interval of the row's mean outcome against the column; NaN if never played.

    Returns:
      Triples (a, b, c): a beats b, b beats c and c beats a; the smallest index first. The clearest circle, whose
      narrowest win is the widest, stands first.
    """
    beats = np.nan_to_num(low, nan=0.0) > 0.5
    found = [
        (a, b, c)
        for a, b in itertools.permutations(range(len(beats)), 2)
        if a < b or beats[a, b]
        if beats[a, b]
        for c in np.flatnonzero(beats[b] & beats[:, a]).tolist()
        if a < min(b, c)
    ]
    return sorted(found, key=lambda t: -min(low[t[0], t[1]], low[t[1], t[2]], low[t[2], t[0]]))
