"""Who can be drawn as an opponent, and is each drawn as often as the sampler says?"""

import json

import numpy as np
import pytest
from mlagents_selfplay.selfplay.draws import Draws
from mlagents_selfplay.selfplay.matches import CURRENT, Match, Role, SeatResult, Side
from mlagents_selfplay.selfplay.outcomes import OutcomeSettings
from mlagents_selfplay.selfplay.pool import OpponentPool
from mlagents_selfplay.selfplay.samplers import SamplerSettings
from mlagents_selfplay.selfplay.scorebook import INITIAL, Ratings, Scorebook
from scipy import stats

NOBODY: set[str] = set()
PLENTY = 64  # opponents in memory


def pool_of(*steps: int, pinned: tuple[str, ...] = (), pinned_ratio: float = 0.0, **sampler: object) -> OpponentPool:
    settings = SamplerSettings(**{"delta": 0.0, **sampler})
    pool = OpponentPool(8, settings, list(pinned), pinned_ratio, np.random.default_rng(0))
    for step in steps:
        pool.add(step)
    return pool


def empty_book() -> Scorebook:
    return Scorebook("Fencer", OutcomeSettings(), Ratings(32.0, 1200.0))


def counts_of(
    pool: OpponentPool, draws: int, now: int = 400, on: set[str] = NOBODY, room: int = PLENTY
) -> dict[str, int]:
    book = empty_book()
    drawn = [pool.draw(now, book, on, room) for _ in range(draws)]
    return {player: drawn.count(player) for player in sorted(set(drawn))}


def test_the_initial_policy_is_there_from_the_beginning_and_stands_outside_the_capacity() -> None:
    pool = pool_of()
    assert pool.players == {INITIAL}
    evicted = [player for step in range(100, 2000, 100) for player in pool.add(step)]
    assert len(pool.history.steps) == 8
    assert len(pool.players) == 9
    assert len(evicted) == 11  # 19 snapshots, 8 kept.
    assert not set(evicted) & pool.players


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        (0.0, {INITIAL, "100", "200", "300", CURRENT}),  # The initial policy is the snapshot of step 0.
        (0.5, {"200", "300", CURRENT}),
        (1.0, {CURRENT}),
    ],
)
def test_delta_decides_who_is_drawn(delta: float, expected: set[str]) -> None:
    assert set(counts_of(pool_of(100, 200, 300, delta=delta), 200)) == expected


def test_drawn_opponents_follow_the_distribution_of_the_sampler() -> None:
    pool = pool_of(100, 200, 300, latest_ratio=0.2)
    names, chances = pool.distribution(400, empty_book())
    assert names == [INITIAL, "100", "200", "300", CURRENT]
    # Equal gaps give equal weights to all five, before the current policy's share of 1/5 in front.
    assert chances == pytest.approx([0.16, 0.16, 0.16, 0.16, 0.36])
    counts = counts_of(pool, 2000)
    assert stats.chisquare([counts[name] for name in names], 2000 * chances).pvalue > 0.01


def test_the_distribution_follows_every_change_of_what_it_depends_on() -> None:
    pool, book = pool_of(100, 200, kind="pfsp", pfsp_prior_games=0.0), empty_book()
    book.ratings.put("Fencer", "100", 1200.0)

    def chances(now: int = 200) -> dict[str, float]:
        return {name: round(float(chance), 3) for name, chance in zip(*pool.distribution(now, book), strict=True)}

    quarter = 0.25  # Nobody is known: everybody counts as an equal.
    assert chances() == {INITIAL: quarter, "100": quarter, "200": quarter, CURRENT: quarter}
    own, other = Role("Fencer", 0), Role("Fencer", 1)
    sides = {
        own: Side(CURRENT, results=[SeatResult("a", 1.0, 1.0, 10, False)]),
        other: Side("100", results=[SeatResult("b", -1.0, -1.0, 10, False)]),
    }
    book.record(own, Match(0, {"Fencer": 150}, 0, {own: CURRENT, other: "100"}, sides))
    third = 0.333  # Whoever always loses has the weight (1 - 1)^2 = 0.
    assert chances() == {INITIAL: third, "100": 0.0, "200": third, CURRENT: third}
    book.keep({"200"})
    assert chances() == {INITIAL: quarter, "100": quarter, "200": quarter, CURRENT: quarter}
    assert chances(300)[CURRENT] == 0.25
    pool.add(300)
    assert set(chances(300)) == {INITIAL, "100", "200", "300", CURRENT}
    pool.forget(INITIAL)
    assert set(chances(300)) == {"100", "200", "300", CURRENT}
    pool = pool_of(100, 200)
    # Uniform in time: the current policy stands for the time since the newest snapshot, 0 and then 100 steps.
    assert chances(200)[CURRENT] == 0.0
    assert chances(300)[CURRENT] == quarter


@pytest.mark.parametrize("kind", ["uniform", "limit_uniform"])
def test_results_cost_a_sampler_nothing_that_does_not_look_at_them(kind: str) -> None:
    pool, book = pool_of(100, 200, kind=kind), empty_book()
    before = pool.distribution(200, book)
    book.keep({"200"})  # counts as a change of the results
    assert pool.distribution(200, book) is before


def test_opponents_of_matches_follow_the_distribution_though_a_draw_serves_several() -> None:
    pool, book = pool_of(100, 200, 300), empty_book()
    draws = Draws(7, lambda: pool.draw(400, book, NOBODY, PLENTY), lambda _: True)
    seated = [draws.next() for _ in range(7 * 3000)]
    blocks = np.array(seated).reshape(3000, 7)
    assert (blocks == blocks[:, :1]).all()
    names, chances = pool.distribution(400, book)
    observed = [int((blocks[:, 0] == name).sum()) for name in names]
    assert stats.chisquare(observed, 3000 * chances).pvalue > 0.01


def test_pinned_opponents_share_their_ratio_alike_and_the_sampler_has_the_rest() -> None:
    counts = counts_of(pool_of(100, delta=1.0, pinned=("rock", "paper"), pinned_ratio=0.5), 4000)
    assert set(counts) == {"paper", "rock", CURRENT}
    expected = [1000, 1000, 2000]  # A half for two pinned ones, a half for the current policy.
    assert stats.chisquare([counts["paper"], counts["rock"], counts[CURRENT]], expected).pvalue > 0.01


def test_the_initial_policy_can_be_pinned_so_that_it_is_met_whatever_delta_says() -> None:
    assert set(counts_of(pool_of(100, delta=1.0, pinned=(INITIAL,), pinned_ratio=0.5), 100)) == {INITIAL, CURRENT}


def test_with_nothing_pinned_the_ratio_costs_no_random_number() -> None:
    with_ratio, without = pool_of(100, 200, pinned_ratio=0.9), pool_of(100, 200)
    assert counts_of(with_ratio, 50) == counts_of(without, 50)


def test_when_memory_is_full_only_those_who_play_already_are_drawn() -> None:
    pool = pool_of(100, 200, 300, pinned=("rock",), pinned_ratio=0.5)
    assert set(counts_of(pool, 200, on={"100", "300", CURRENT}, room=2)) == {"100", "300", CURRENT}
    assert set(counts_of(pool, 200, on={"rock", CURRENT}, room=1)) == {"rock", CURRENT}


def test_when_memory_is_full_of_those_whom_delta_forbids_the_current_policy_is_drawn() -> None:
    assert set(counts_of(pool_of(100, 300, delta=0.5, kind="quality"), 50, on={"100"}, room=1)) == {CURRENT}


def test_a_forgotten_player_is_never_drawn_again() -> None:
    pool = pool_of(100, 200, pinned=("rock",), pinned_ratio=0.5)
    for player in ("100", "rock", INITIAL):
        pool.forget(player)
    assert pool.players == {"200"}
    assert set(counts_of(pool, 100)) == {"200", CURRENT}


def test_a_resumed_pool_draws_what_the_uninterrupted_one_would_have() -> None:
    pool = pool_of(100, 200, 300, pinned=("rock",), pinned_ratio=0.3)
    counts_of(pool, 10)
    resumed = pool_of(pinned=("rock",), pinned_ratio=0.3)
    resumed.restore(json.loads(json.dumps(pool.state())))
    book = empty_book()
    assert [pool.draw(400, book, NOBODY, PLENTY) for _ in range(50)] == [
        resumed.draw(400, book, NOBODY, PLENTY) for _ in range(50)
    ]


def test_a_state_of_another_capacity_is_refused() -> None:
    other = OpponentPool(4, SamplerSettings(), [], 0.0, np.random.default_rng(0))
    with pytest.raises(ValueError, match="must be 4.*got 8"):
        other.restore(pool_of(100).state())
