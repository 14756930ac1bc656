"""Is everything in a results folder found, read once, and summed up in bounded time and memory?"""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlagents_selfplay.dashboard.app import make_app
from mlagents_selfplay.dashboard.files import Kept, read_mapping
from mlagents_selfplay.dashboard.jobs import Jobs
from mlagents_selfplay.dashboard.library import Library, is_live
from mlagents_selfplay.files import DamagedFile

from tests.dashboard.results import write_run
from tests.hand_made import HEADER, write_behavior

ROOT = Path(__file__).parents[2]
HERE = "http://127.0.0.1:5000"


def test_runs_of_the_folder_and_of_experiments_are_found(tmp_path: Path) -> None:
    for path in (
        "first/run_logs",
        "experiments/e/run-0/training/naive-ppo/run_logs",
        "pbt/agt_0/run_logs",
        "evaluations/t",
        "empty",
    ):
        (tmp_path / path).mkdir(parents=True)
    write_behavior(tmp_path / "copied")  # without run_logs, as when only a part of a run was brought here
    found = {run.id for run in Library(tmp_path).runs()}
    assert found == {"first", "copied", "pbt/agt_0", "experiments/e/run-0/training/naive-ppo"}


@pytest.mark.parametrize("run_id", ["..", "../outside", "first/..", "nobody", "", "/", "first/Game"])
def test_only_runs_in_the_folder_can_be_asked_for(tmp_path: Path, run_id: str) -> None:
    write_run(tmp_path / "results")
    (tmp_path / "outside" / "run_logs").mkdir(parents=True)
    assert Library(tmp_path / "results").run(run_id) is None


def test_a_summary_says_how_far_a_run_is(tmp_path: Path) -> None:
    library = Library(tmp_path)
    run = library.run(write_run(tmp_path).name)
    assert run is not None
    summary = library.summary(run, run.behaviors[0])
    assert (summary.trainer, summary.step, summary.max_steps) == ("selfplay / ppo", 2000, 4000)
    assert (summary.rating, summary.snapshots, summary.capacity, summary.problem) == (1300.0, 8, 8, "")
    assert is_live(run)


def test_a_damaged_file_is_the_problem_of_its_behavior_only(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    (run / "configuration.yaml").write_text("a: [")
    library = Library(tmp_path)
    found = library.run("first")
    assert found is not None
    assert "configuration.yaml is damaged" in library.summary(found, found.behaviors[0]).problem


@pytest.mark.parametrize(("name", "text"), [("a.json", "{"), ("a.json", "[1]"), ("a.yaml", "a: ["), ("a.yaml", "- 1")])
def test_what_is_no_mapping_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DamagedFile, match=name):
        read_mapping(tmp_path / name)


def test_an_answer_is_worked_out_again_only_when_its_mark_changes() -> None:
    kept: Kept[int] = Kept(most=1)
    tape: list[str] = []

    def work(name: str) -> int:
        tape.append(name)
        return len(tape)

    answers = [kept.get(key, mark, lambda n=key + mark: work(n)) for key, mark in ["a1", "a1", "a2", "b1", "a2"]]
    assert tape == ["a1", "a2", "b1", "a2"]  # the last a2 was pushed out by b1
    assert answers == [1, 1, 2, 3, 4]


@pytest.mark.slow
def test_two_hundred_runs_and_a_million_rows_open_in_two_seconds_and_bounded_memory(tmp_path: Path) -> None:
    for number in range(200):
        write_run(tmp_path, f"run-{number:03}", rows=40)
    rows = "".join(f"{step},0,{step // 100 * 50 or 'initial'},1,0,10\n" for step in range(5_000))
    for number in range(200):  # 5,000 rows each
        (tmp_path / f"run-{number:03}" / "Game" / "selfplay" / "matches.csv").write_text(HEADER + rows)
    client = make_app(Library(tmp_path), Jobs()).server.test_client()
    begin = time.process_time()  # of one thread that never waits: the seconds it takes where nothing else runs
    for output, inputs in (
        (
            "..page.children...navigation.children..",
            [{"id": "url", "property": "pathname", "value": "/"}],
        ),
        (
            "..runs-table.children...runs-table-seen.data..",
            [
                {"id": "tick", "property": "n_intervals", "value": 0},
                {"id": "runs-filter", "property": "value"},
                {"id": "runs-page", "property": "value", "value": 1},
            ],
        ),
    ):
        parts = [part.rsplit(".", 1) for part in output.strip(".").split("...")]
        body = {
            "output": output,
            "outputs": [{"id": part, "property": name} for part, name in parts],
            "inputs": inputs,
            "changedPropIds": [],
            "state": [{"id": "runs-table-seen", "property": "data"}] if "runs-table" in output else [],
        }
        answer = client.post("/_dash-update-component", json=body, base_url=HERE, headers={"Origin": HERE})
        assert answer.status_code == 200
    assert time.process_time() - begin < 2.0
    assert "run-" in answer.get_data(as_text=True)


@pytest.mark.slow
def test_a_million_rows_in_one_log_take_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "matches.csv"
    with path.open("w") as file:
        file.write(HEADER)
        file.writelines(
            f"{step},{step % 2},{step // 20_000 * 10_000 or 'initial'},1,0,10\n" for step in range(1_000_000)
        )
    script = (
        "import resource, sys; from pathlib import Path; from mlagents_selfplay.dashboard.matches import CondensedLog\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before = used(); log = CondensedLog(Path(sys.argv[1])).update()\n"
        "print(log.seats, used() - before)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    seats, megabytes = done.stdout.split()
    assert int(seats) == 1_000_000
    assert float(megabytes) < 300  # the rows as objects would take more


def test_nothing_of_the_trainer_is_loaded() -> None:
    script = "import sys, mlagents_selfplay.dashboard.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    names = {name.split(".")[0] for name in loaded.split()}
    assert "dash" in names
    assert not names & {"torch", "mlagents", "mlagents_envs", "gym_bridges"}


def test_a_dashboard_that_cannot_listen_says_so(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [str(Path(sys.executable).with_name("mlagents-selfplay")), "dashboard", str(tmp_path)]
        done = subprocess.run(
            [*command, "--port", str(taken.getsockname()[1])], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert "Address already in use" in done.stderr
    assert "Try --port." in done.stderr


def test_json_of_a_tournament_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = tmp_path / "evaluations" / "t"
    folder.mkdir(parents=True)
    (folder / "tournament.json").write_text(json.dumps({"format": 1}))
    library = Library(tmp_path)
    assert [path.parent.name for path in library.tournaments()] == ["t"]
    assert library.mapping(library.tournaments()[0]) == {"format": 1}
