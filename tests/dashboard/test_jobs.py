"""Are commands started, watched and stopped, with all that they have started themselves?"""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlagents_selfplay.dashboard.jobs import FAILED, FINISHED, RUNNING, STOPPED, Job, Jobs

# Says hello, and on Ctrl-C takes its leave.
POLITE = "trap 'echo bye; exit 0' INT; echo hello; while :; do sleep 0.05; done"
DEAF = "trap '' INT; echo hello; while :; do sleep 0.05; done"


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it has not come to that"
        time.sleep(0.02)


def says(job: Job, text: str) -> Callable[[], bool]:
    return lambda: text in job.console()


def test_a_command_that_ends_well_has_finished_and_one_that_does_not_has_failed(jobs: Jobs) -> None:
    good, bad = jobs.start(["sh", "-c", "echo out; echo err >&2"]), jobs.start(["sh", "-c", "exit 3"])
    for job in (good, bad):
        job.wait(20.0)
    assert (good.status, good.console()) == (FINISHED, "out\nerr\n")
    assert (bad.status, bad.exit_code) == (FAILED, 3)
    assert [job.number for job in jobs] == [1, 2]
    assert jobs.find(2) is bad
    assert jobs.find(3) is None


def test_to_stop_is_to_press_ctrl_c(jobs: Jobs) -> None:
    job = jobs.start(["sh", "-c", POLITE])
    until(says(job, "hello"))
    assert job.status == RUNNING
    job.stop()
    job.wait(20.0)
    assert (job.status, job.console()) == (STOPPED, "hello\nbye\n")


def test_ctrl_c_is_heard_also_when_the_dashboard_itself_is_deaf_to_it(jobs: Jobs) -> None:
    """A shell that is not interactive starts what it puts into the background so."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        job = jobs.start(["sh", "-c", POLITE])
    finally:
        signal.signal(signal.SIGINT, before)
    until(says(job, "hello"))
    job.stop()
    job.wait(20.0)
    assert (job.status, job.console()) == (STOPPED, "hello\nbye\n")


def test_what_does_not_listen_is_ended_by_force_with_its_children(jobs: Jobs, tmp_path: Path) -> None:
    job = jobs.start(["sh", "-c", f"trap '' INT; sleep 1000 & echo $! > {tmp_path}/pid; {DEAF}"])
    until(says(job, "hello"))
    child = int((tmp_path / "pid").read_text())
    job.stop(grace_seconds=0.2)
    job.wait(20.0)
    assert job.status == STOPPED
    until(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2])


def test_all_jobs_end_with_the_dashboard(jobs: Jobs) -> None:
    started = [jobs.start(["sh", "-c", POLITE]) for _ in range(2)]
    for job in started:
        until(says(job, "hello"))
    jobs.stop_all()
    assert [job.status for job in started] == [STOPPED, STOPPED]


def test_a_program_that_is_not_there_is_an_error_and_no_job(jobs: Jobs) -> None:
    with pytest.raises(OSError, match="no-such-program"):
        jobs.start(["no-such-program"])
    assert list(jobs) == []


def test_nothing_is_read_by_a_shell(jobs: Jobs) -> None:
    job = jobs.start(["echo", "$HOME; rm -rf x"])
    job.wait(20.0)
    assert job.console() == "$HOME; rm -rf x\n"


def test_colours_and_progress_bars_are_shown_as_they_end(jobs: Jobs) -> None:
    job = jobs.start(["printf", r"\033[31mred\033[0m\n10%%\r100%%\n"])
    job.wait(20.0)
    assert job.console() == "red\n100%\n"


def test_a_long_console_shows_its_end(jobs: Jobs) -> None:
    job = jobs.start(["seq", "100000"])
    job.wait(20.0)
    assert job.console().endswith("\n100000\n")
    assert len(job.console()) <= 1 << 16


def test_a_job_does_not_wait_for_anything_typed(jobs: Jobs) -> None:
    job = jobs.start(["cat"])
    job.wait(20.0)
    assert job.status == FINISHED
