"""Do C# and Python play the same games? A thousand matches by the same seeds and actions, compared state by state."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from gym_bridges.envs import rps_rules, sumo_rules

pytestmark = pytest.mark.unity

MATCHES = 1000


def traces(compiled: Path, lines: list[str]) -> list[np.ndarray]:
    """Returns what the C# rules answer to each line, as numbers."""
    text = "".join(f"{line}\n" for line in lines)
    done = subprocess.run(
        ["mono", compiled / "Traces.exe"], input=text, capture_output=True, text=True, check=True, timeout=100
    )
    return [np.array(line.split(), float) for line in done.stdout.splitlines()]


def test_a_thousand_sumo_matches_are_the_same_to_the_last_digit(compiled: Path) -> None:
    rng = np.random.default_rng(0)
    settings = sumo_rules.SumoRingSettings()
    seeds = rng.integers(2**63, size=MATCHES).tolist()
    # Wide enough that many thrusts are cut, and that some bodies leave the ring before it shrinks.
    thrusts = rng.normal(0, 1.2, (MATCHES, settings.steps, 2, 2)).astype(np.float32)
    lines = [
        f"sumo {seed} {' '.join(map(repr, one.ravel().tolist()))}" for seed, one in zip(seeds, thrusts, strict=True)
    ]
    theirs = traces(compiled, lines)

    options = sumo_rules.Options.alike(settings, MATCHES)
    bodies, step = sumo_rules.start(seeds), np.zeros(MATCHES, int)
    over, result = np.zeros(MATCHES, bool), np.zeros(MATCHES)
    ours: list[list[np.ndarray]] = [[] for _ in seeds]
    running = np.ones(MATCHES, bool)
    for number in range(settings.steps + 1):
        moving = np.concatenate([bodies.places, bodies.velocities], axis=2).reshape(MATCHES, 8)
        state = np.stack([sumo_rules.radius(step, options), over, result], axis=1)
        seen = sumo_rules.observe(bodies, step, options).reshape(MATCHES, 20)
        for match in np.flatnonzero(running):
            ours[match].append(np.concatenate([moving[match], state[match], seen[match]]))
        running &= ~over
        if not running.any():
            break
        bodies, step = sumo_rules.advance(bodies, thrusts[:, number], options), step + 1
        over, result = sumo_rules.judge(bodies, step, options)

    assert not running.any()
    assert {float(rows[-1][10]) for rows in ours} == {-1.0, 1.0}  # both seats win some
    lengths = {len(rows) - 1 for rows in ours}
    assert min(lengths) < settings.calm_steps < max(lengths)
    for rows, row in zip(ours, theirs, strict=True):
        assert np.array_equal(np.concatenate(rows), as_float32(row))


def as_float32(row: np.ndarray) -> np.ndarray:
    """Returns a trace with its observations, which C# prints with nine digits, as the floats that they stand for."""
    states = row.reshape(-1, 31).copy()
    states[:, 11:] = states[:, 11:].astype(np.float32)
    return states.ravel()


def test_a_thousand_matches_of_rock_paper_scissors_are_the_same(compiled: Path) -> None:
    rng = np.random.default_rng(1)
    rounds, recall = 10, 3
    moves = rng.integers(3, size=(MATCHES, rounds, 2))
    theirs = traces(compiled, [f"rps {' '.join(map(str, one.ravel()))}" for one in moves])

    payoff = rps_rules.payoff_matrix(-1, 1, -1)
    remembered = np.full((MATCHES, recall), rps_rules.EMPTY)
    parts = []
    for number in range(rounds):
        first, second = moves[:, number].T
        remembered = rps_rules.remember(remembered, rps_rules.joint_move(first, second))
        seen = [rps_rules.observe(one) for one in (remembered, rps_rules.mirror(remembered))]
        places = [np.nonzero(one)[1].reshape(MATCHES, recall) for one in seen]
        over = np.full(MATCHES, number + 1 == rounds)
        parts.append(np.concatenate([payoff[first, second][:, None], over[:, None], *places], axis=1))
    assert np.array_equal(np.concatenate(parts, axis=1), np.stack(theirs))
