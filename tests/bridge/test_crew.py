"""Does every area keep its thread, and is a step that does not come back told in time, wherever it runs?"""

import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from gym_bridges.envs.crew import Crew, StepTimeoutError


@pytest.fixture
def crew_of() -> Iterator[Callable[..., Crew]]:
    """Returns a function that makes a crew of so many threads."""
    made: list[Crew] = []

    def make(num_areas: int, num_threads: int = 1, timeout: float | None = 20.0) -> Crew:
        made.append(Crew(num_areas, timeout))
        made[-1].spread(num_threads)
        return made[-1]

    yield make
    for crew in made:
        crew.close()


def thread_of(area: int) -> str:
    return threading.current_thread().name


def test_an_area_never_changes_its_thread_and_the_asking_one_does_its_share(crew_of: Callable[..., Crew]) -> None:
    crew = crew_of(5, 2)
    threads = crew.run(thread_of, range(5))
    assert threads[0] == threading.current_thread().name
    assert len(set(threads)) == 2
    assert crew.run(thread_of, range(5)) == threads
    assert crew.run(thread_of, [4, 1]) == [threads[4], threads[1]]


def test_there_are_never_more_threads_than_areas(crew_of: Callable[..., Crew]) -> None:
    assert len(set(crew_of(2, 8).run(thread_of, range(2)))) == 2


def test_all_threads_work_at_the_same_time(crew_of: Callable[..., Crew]) -> None:
    meeting = threading.Barrier(3, timeout=10)  # seconds; nobody gets through alone
    assert sorted(crew_of(3, 3).run(lambda area: meeting.wait(), range(3))) == [0, 1, 2]


def hang(area: int) -> int:
    while area == 1:
        time.sleep(60)
    return area


@pytest.mark.parametrize("num_threads", [1, 2])  # area 1 is the asking thread's, or the other one's
def test_an_area_that_hangs_is_named(num_threads: int, crew_of: Callable[..., Crew]) -> None:
    crew = crew_of(2, num_threads, 0.2)
    with pytest.raises(StepTimeoutError, match=r"area 1 did not come back within 0\.2 s"):
        crew.run(hang, range(2))
    assert crew.usable == ([0, 1] if num_threads == 1 else [0])
    assert crew.run(lambda area: area, crew.usable) == crew.usable


def test_where_there_is_no_alarm_another_thread_does_all_of_the_work() -> None:
    found: list[object] = []

    def ask() -> None:
        crew = Crew(2, 0.2)
        found.extend(crew.run(thread_of, range(2)))
        try:
            crew.run(hang, range(2))
        except StepTimeoutError as error:
            found.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join(10)
    assert found[0] == found[1] != asking.name
    assert found[2] == "area 1 did not come back within 0.2 s"


def test_an_environment_that_swallows_the_first_alarm_gets_another(crew_of: Callable[..., Crew]) -> None:
    def stubborn(area: int) -> None:
        try:
            time.sleep(60)
        except TimeoutError:
            time.sleep(60)

    with pytest.raises(StepTimeoutError):
        crew_of(1, 1, 0.1).run(stubborn, [0])


def test_every_area_has_the_whole_time(crew_of: Callable[..., Crew]) -> None:
    crew_of(4, 1, 0.3).run(lambda area: time.sleep(0.15), range(4))  # 0.6 s in all
    crew_of(8, 2, 0.3).run(lambda area: time.sleep(0.15), range(8))


def test_an_alarm_of_somebody_else_is_given_back(crew_of: Callable[..., Crew]) -> None:
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)[0] > 0
    crew_of(1).run(lambda area: None, [0])
    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)[0] > 0) == before


@pytest.mark.parametrize("num_threads", [1, 2])
def test_what_a_task_raises_reaches_who_asked_once_all_threads_are_done(
    num_threads: int, crew_of: Callable[..., Crew]
) -> None:
    crew, done = crew_of(4, num_threads), []

    def fail(area: int) -> None:
        if area == 0:
            raise ZeroDivisionError("area 0")
        done.append(area)

    with pytest.raises(ZeroDivisionError, match="area 0"):
        crew.run(fail, range(4))
    assert sorted(done) == ([] if num_threads == 1 else [2, 3])


def test_without_a_limit_everything_runs_in_the_asking_thread() -> None:
    assert set(Crew(3, None).run(thread_of, range(3))) == {threading.current_thread().name}
