"""Does every benchmark measure what it says, and print the keys that the documents promise?

One short run of `mlagents-learn` serves all of them here; `slow` tests run each one's `--quick` form.
"""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import _runs, growth, learning, memory, mirror, opponents, throughput, time_spent

TINY = memory.Budget(
    max_steps=3000, settled=1000, span=1000, snapshot_interval=500, capacity=4, summary_freq=500
)  # learner steps; 500 steps are 50 matches


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The result of the memory benchmark, and the run that it left."""
    folder = tmp_path_factory.mktemp("runs")
    return memory.measure(TINY, folder), _runs.Run(folder / "memory")


def printed(benchmark, monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["benchmark", "--quick", "--json", *words])
    benchmark.main()
    result = json.loads(capsys.readouterr().out)
    assert result["machine"]["cores"] >= 1
    return result


def test_the_ghost_trainer_gets_the_same_learner_and_network_and_as_many_snapshots():
    ours, ghost = _runs.shipped(), _runs.as_ghost(_runs.shipped())
    assert ghost["trainer_type"] == ours["hyperparameters"]["learner"]
    assert ghost["hyperparameters"] == ours["hyperparameters"]["learner_hyperparameters"]
    assert ghost["network_settings"] == ours["network_settings"]
    assert ghost["self_play"]["save_steps"] == ours["hyperparameters"]["snapshot_interval"]


def test_changing_a_block_leaves_the_shipped_one_as_it_was():
    base = _runs.shipped()
    changed = _runs.with_selfplay(base, latest_ratio=0.125)
    assert changed["hyperparameters"]["latest_ratio"] == 0.125
    assert base == _runs.shipped()


def test_a_failing_run_says_why(tmp_path):
    block = {**_runs.shipped(), "trainer_type": "no_such_type"}
    with pytest.raises(RuntimeError, match="no_such_type"):
        _runs.train(block, tmp_path / "run", seed=1)


def test_memory_between_summaries_is_placed_by_the_time_that_passed():
    summaries = [(1000, 10.0), (2000, 20.0)]  # learner steps, seconds
    samples = [(5.0, 7), (12.5, 8), (20.0, 9), (21.0, 10)]  # seconds, bytes; the first and the last lie outside
    assert memory.by_step(samples, summaries).tolist() == [[1250.0, 8.0], [2000.0, 9.0]]


def test_the_median_of_a_stretch_leaves_out_the_rest_of_the_run():
    curve = np.array([[0, 100], [10, 1], [20, 3], [30, 2], [40, 100]], dtype=float)
    assert memory.median_between(curve, 10, 30) == 2.0


def test_the_timers_are_counted_wherever_they_are_in_the_tree(tmp_path):
    steps = [{"count": 3, "total": 0.5}, {"count": 4, "total": 1.0}]
    tree = {"children": {"a": {"count": 1, "children": {"env_step": steps[0]}}, "env_step": steps[1]}}
    (tmp_path / "run_logs").mkdir()
    (tmp_path / "run_logs" / "timers.json").write_text(json.dumps(tree))
    assert _runs.Run(tmp_path).timer("env_step") == (7, 1.5)


def test_memory_is_measured_over_a_run_with_a_full_history(measured):
    result, run = measured
    assert len(list(run.behavior_folder.glob("selfplay/snapshots/*.safetensors"))) == TINY.capacity + 1  # and step 0
    assert result["resident_peak"] >= max(result["resident_early"], result["resident_late"]) > 50 * memory.MEGABYTE
    assert abs(result["growth_percent"]) < 50


def test_speed_leaves_out_what_comes_before_the_first_summary(measured):
    _, run = measured
    summaries = run.summaries()
    assert summaries[0][0] == TINY.summary_freq
    (first, begin), (last, end) = summaries[0], summaries[-1]
    assert run.steps_per_second() == pytest.approx((last - first) / (end - begin))


def test_mirror_matches_give_more_than_one_sample_a_step_and_never_more_than_two(measured):
    _, run = measured
    assert 1.2 < mirror.samples_per_match_step(run) <= 2.0  # the shipped latest_ratio is 0.5


def test_throughput_prints_the_ratio_by_workload(measured, monkeypatch, capsys):
    trained = []

    def train(block, folder, **options):
        trained.append((folder.name, block["trainer_type"], options["seed"], options["num_envs"]))
        return measured[1]

    monkeypatch.setattr(_runs, "train", train)
    workload = throughput.Workload(_runs.shipped(), max_steps=1, summary_freq=1)
    both = {"rps": workload, "rps_2_processes": replace(workload, num_envs=2)}
    monkeypatch.setattr(throughput, "workloads", lambda folder, quick: both)
    result = printed(throughput, monkeypatch, capsys, "--only", "rps", "rps_2_processes")
    assert result["ratio_vs_ghost"] == {"rps": 1.0, "rps_2_processes": 1.0}  # the same run stood in for all
    assert [kind for _, kind, _, _ in trained[:4]] == ["ppo", *["selfplay"] * 3]  # they take turns
    assert [processes for *_, processes in trained] == [*[1] * 4, *[2] * 4]
    assert [seed for *_, seed, _ in trained] == [0] * 8


def test_mirror_prints_samples_on_and_off(measured, monkeypatch, capsys):
    monkeypatch.setattr(_runs, "train", lambda *_, **__: measured[1])
    result = printed(mirror, monkeypatch, capsys)
    assert result["ratio_on_over_off"] == 1.0  # the same run stood in for both
    assert set(result["samples_per_match_step"]) == {"on", "off"}


def test_learning_prints_results_by_seed_and_draws_them(measured, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(_runs, "train", lambda *_, **__: measured[1])
    monkeypatch.setattr(learning, "Run", lambda folder: measured[1])
    result = printed(learning, monkeypatch, capsys)
    assert set(result["by_seed"]["ours"]["1"]) == {"final", "average", "average_of_last_10", "late"}
    curve = result["curves"]["ours"]["1"]
    assert curve[0][0] == 0
    assert 0.0 <= result["means"]["ours"]["late"] == pytest.approx(curve[-1][1])  # a tenth of the run is one snapshot
    learning.draw(result, tmp_path / "curves.svg")
    assert "exploitability" in (tmp_path / "curves.svg").read_text()


def test_opponents_prints_what_eight_cost_over_one(monkeypatch, capsys):
    monkeypatch.setattr(opponents, "ACTIONS", {"discrete": opponents.ACTIONS["discrete"]})
    monkeypatch.setattr(opponents, "QUICK", opponents.Budget(blocks=2, steps=2, warm_up_blocks=0))
    result = printed(opponents, monkeypatch, capsys)
    figures = result["actions"]["discrete"]
    assert figures["ratio_8_over_1"] == figures["eight_opponents_us"] / figures["one_opponent_us"]
    assert result["ratio_8_over_1"] == figures["ratio_8_over_1"]  # the worst of the kinds of actions


def test_the_arena_of_opponents_has_as_many_distinct_ones_in_play_as_it_says():
    arena = opponents.Arena(opponents.ACTIONS["discrete"], 8, np.random.default_rng(0))
    seen = set()
    for _ in range(opponents.EPISODE):
        arena.policy.get_action(arena.requests())
        seen |= arena.players()
        assert len(arena.players()) <= 8
        arena.end_step()
    assert seen == set("01234567")


def test_a_moment_counts_for_the_innermost_part_that_is_at_work():
    draw = "choose (/x/mlagents_selfplay/selfplay/sampling.py:3)"
    ask, linear = "get_action (/x/mlagents/trainers/policy/torch_policy.py:7)", "linear (/x/torch/nn/functional.py:9)"
    lines = [f"main (a.py:1);{ask};{linear} 60", f"main (a.py:1);{ask};{draw} 20", "main (a.py:1) 20"]
    # 50 looks a second: 60 of them are 1.2 of eight seconds, and 20 are 0.4.
    assert time_spent.percent_of(lines, 8.0) == {
        "policies": 15.0,
        "matches, ratings, history: selfplay/": 5.0,
        "the rest": 5.0,
    }


def test_the_thread_that_writes_files_counts_by_itself_and_not_while_it_waits():
    worker, save = "_worker (/y/concurrent/futures/thread.py:81)", "write (/x/mlagents_selfplay/store.py:9)"
    lines = [
        f"run (threading.py:3);{worker} 300",
        f"run (threading.py:3);{worker};{save} 10",
        f"main (a.py:1);{save} 5",
    ]
    assert time_spent.percent_of(lines, 10.0) == {"the thread that writes files": 2.0, "saving snapshots": 1.0}


def test_growth_repeats_all_but_the_long_run_and_tells_medians(monkeypatch):
    def played(scale, folder, watch, seed):  # speeds 10, 40, 20 by repetition, ratios 0.1, 0.8, 0.6
        speed, ratio = {1: (10.0, 0.1), 2: (40.0, 0.8), 3: (20.0, 0.6)}[seed]
        return {"wire": {"speed": speed, "ratio": ratio}, "areas": speed}

    monkeypatch.setattr(growth, "PARTS", {"history": played, "steps": played})
    found = growth.measure(["history", "steps"], growth.QUICK, 3, Path(), None)
    assert found["history"] == {"wire": {"speed": 20.0, "ratio": 0.6}, "areas": 20.0}
    assert found["steps"] == {"wire": {"speed": 10.0, "ratio": 0.1}, "areas": 10.0}
    assert [len(figures) for figures in found["repetitions"].values()] == [3, 1]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "name",
    ["throughput", "opponents", "mirror", "learning", "memory", "growth", "time_spent", "saving", "own_speed"],
)
def test_the_quick_form_prints_one_json_object(name):
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", "--quick", "--json"], stdout=subprocess.PIPE, check=True
    )
    assert json.loads(done.stdout)["machine"]
