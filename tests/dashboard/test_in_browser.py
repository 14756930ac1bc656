"""Does a user see what is there, and does each control do what it says?"""

import json
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import NARROW, WIDE, Dashboard, Visit
from tests.dashboard.results import TOURNAMENT, write_events, write_population, write_run
from tests.hand_made import HEADER

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
PICTURE = ".js-plotly-plot .main-svg"


def write_tournament(results: Path) -> None:
    folder = results / "evaluations" / "rps"
    folder.mkdir(parents=True)
    (folder / "tournament.json").write_text(json.dumps(TOURNAMENT))


def assert_fits_wide_and_narrow(page: Page) -> None:
    for viewport in (WIDE, NARROW):
        page.set_viewport_size(viewport)
        page.wait_for_timeout(300)  # until pictures begin to look for their new size
        page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth", timeout=10_000)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


@pytest.mark.parametrize(
    ("path", "heading", "shown"),
    [
        ("/", "Runs", "first"),
        ("/run/first", "first", "learner hyperparameters"),
        ("/curves", "Learning curves", "Last episodes"),
        ("/payoff", "Payoff matrix", "Nash skill"),
        ("/lineage", "Lineage", "2 members"),
        ("/launch", "Launch", "Trainer configuration"),
        ("/run/nobody", "There is no run nobody", "Nothing of this name"),
        ("/nowhere", "There is no such page", "/nowhere is not one of"),
    ],
)
def test_every_page_is_shown_whole(dashboard: Dashboard, visit: Visit, path: str, heading: str, shown: str) -> None:
    write_run(dashboard.results)
    write_population(dashboard.results)
    write_tournament(dashboard.results)
    page = visit.go(path)
    expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible()
    expect(page.get_by_text(shown).first).to_be_visible()
    if path in ("/curves", "/payoff", "/lineage"):
        expect(page.locator(PICTURE).first).to_be_visible()
    assert_fits_wide_and_narrow(page)


@pytest.mark.parametrize(
    ("tab", "pictures", "shown"),
    [
        ("Rating", 2, "Bradley-Terry"),
        ("History", 3, "the replay ends with the snapshots that are kept"),
        ("Opponents", 2, "Sampler uniform, delta 0"),
    ],
)
def test_every_tab_of_a_run_is_drawn(dashboard: Dashboard, visit: Visit, tab: str, pictures: int, shown: str) -> None:
    write_run(dashboard.results)
    page = visit.go("/run/first")
    open_tab(page, tab)
    expect(page.get_by_text(shown).first).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(pictures)
    expect(page.locator(PICTURE).first).to_be_visible()
    assert_fits_wide_and_narrow(page)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/", "There is no results folder yet"),
        ("/curves", "No runs yet"),
        ("/payoff", "No tournament yet"),
        ("/lineage", "No population yet"),
    ],
)
def test_an_empty_folder_says_what_is_missing(dashboard: Dashboard, visit: Visit, path: str, said: str) -> None:
    expect(visit.go(path).get_by_text(said)).to_be_visible()


def test_a_run_that_has_only_begun_says_what_comes(dashboard: Dashboard, visit: Visit) -> None:
    (dashboard.results / "young" / "run_logs").mkdir(parents=True)
    page = visit.go("/run/young")
    expect(page.get_by_text("Nothing yet")).to_be_visible()
    write_events(dashboard.results / "young" / "Game", {"Environment/Cumulative Reward": [(100, 1.0)]})
    expect(page.get_by_text("Mean reward")).to_be_visible()
    open_tab(page, "Rating")
    expect(
        page.get_by_text("no data of self-play").or_(page.get_by_text("it is no run of trainer_type"))
    ).to_be_visible()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("history.json", '{"format": 1, "step"', "history.json is damaged"),
        ("history.json", '{"format": 9}', "has format version 9"),
        ("matches.csv", HEADER + "1,0,initial,7,0,5\n", "outcome 7 is not in"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_rest_works(
    dashboard: Dashboard, visit: Visit, file: str, content: str, said: str
) -> None:
    run = write_run(dashboard.results)
    (run / "Game" / "selfplay" / file).write_text(content)
    page = visit.go("/run/first")
    open_tab(page, "Rating")
    expect(page.get_by_text(said).first).to_be_visible()
    open_tab(page, "Overview")
    expect(page.get_by_text("About this run")).to_be_visible()


def test_runs_are_filtered_paged_and_opened(dashboard: Dashboard, visit: Visit) -> None:
    for number in range(30):
        (dashboard.results / f"run-{number:02}" / "run_logs").mkdir(parents=True)
    page = visit.go("/")
    expect(page.get_by_text("30 runs")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(25)
    page.get_by_role("button", name="2", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(5)
    page.get_by_placeholder("Filter by name").fill("RUN-07")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_text("1 run", exact=True)).to_be_visible()
    page.get_by_role("link", name="run-07").click()
    expect(page.get_by_role("heading", name="run-07")).to_be_visible()
    page.go_back()
    page.get_by_placeholder("Filter by name").fill("nobody")
    expect(page.get_by_text("No run has this name")).to_be_visible()


def test_the_menu_leads_to_every_page(dashboard: Dashboard, visit: Visit) -> None:
    page = visit.go("/")
    for viewport in (WIDE, NARROW):
        page.set_viewport_size(viewport)
        for name in ("Learning curves", "Payoff matrix", "Lineage", "Launch", "Runs"):
            if viewport is NARROW:
                page.get_by_label("Menu").click()
            page.get_by_role("link", name=name, exact=True).click()
            expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def test_runs_and_figures_are_chosen(dashboard: Dashboard, visit: Visit) -> None:
    for name in ("one", "two"):
        write_run(dashboard.results, name)
    page = visit.go("/curves")
    legend = page.locator("#curves-figure .legendtext")
    expect(legend).to_have_text(["two", "one"])  # the last changed first
    page.locator("#curves-tag").click()
    page.get_by_role("option", name="Self-play/ELO").click()
    expect(page.get_by_role("heading", name="Self-play/ELO")).to_be_visible()
    expect(page.locator("#curves-figure .ytitle")).to_have_text("online Elo (points)")
    page.locator("#curves-runs").press("Backspace")  # takes the last one away
    expect(legend).to_have_count(1)
    slider = page.get_by_role("slider")
    slider.press("ArrowRight")
    expect(page.locator("#curves-figure .scatterlayer .trace")).to_have_count(2)  # the raw values behind
    page.locator("#curves-measure").click()
    page.get_by_role("option", name="episode length").click()
    expect(page.locator("#boxes-figure .ytitle")).to_have_text("episode length (agent steps)")
    page.locator("#curves-episodes").fill("50")
    expect(page.get_by_text(": 50.")).to_be_visible()
    page.locator("#curves-episodes").fill("0")
    expect(page.get_by_text("A whole number from 1 to 10,000 is needed")).to_be_visible()


def test_opponents_are_shown_for_a_part_of_the_run(dashboard: Dashboard, visit: Visit) -> None:
    write_run(dashboard.results)
    page = visit.go("/run/first")
    open_tab(page, "Opponents")
    expect(page.get_by_text("the whole run, since step")).to_be_visible()
    page.get_by_text("the last tenth", exact=True).click()
    expect(page.get_by_text("the last tenth, since step")).to_be_visible()


def test_a_payoff_matrix_has_its_values(dashboard: Dashboard, visit: Visit) -> None:
    write_tournament(dashboard.results)
    page = visit.go("/payoff")
    cells = page.locator("#payoff-figure .heatmap-label")
    expect(cells).to_have_count(9)
    assert sorted(cells.all_text_contents()) == ["0.00"] * 3 + ["0.50"] * 3 + ["1.00"] * 3
    expect(page.get_by_role("cell", name="scissors").first).to_be_visible()


def test_a_tournament_of_another_version_is_named(dashboard: Dashboard, visit: Visit) -> None:
    write_tournament(dashboard.results)
    path = dashboard.results / "evaluations" / "rps" / "tournament.json"
    path.write_text(json.dumps({**TOURNAMENT, "format": 2}))
    expect(visit.go("/payoff").get_by_text("has format version 2; 1 is what is read")).to_be_visible()


def test_a_live_run_is_followed_without_a_reload(dashboard: Dashboard, visit: Visit) -> None:
    run = write_run(dashboard.results, steps=4, rows=40)
    page = visit.go("/run/first")
    page.evaluate("window.loadedOnce = true")
    open_tab(page, "Rating")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(page.get_by_text("40", exact=True)).to_be_visible()
    with (run / "Game" / "selfplay" / "matches.csv").open("a") as log:
        log.write("400,0,100,1,0,10\n" * 2)
    expect(page.get_by_text("42", exact=True)).to_be_visible()
    open_tab(page, "Overview")
    write_events(run / "Game", {"Environment/Cumulative Reward": [(500, 0.875)]})
    expect(page.get_by_text("0.875")).to_be_visible()
    assert page.evaluate("window.loadedOnce")


def test_a_new_run_appears_in_the_list(dashboard: Dashboard, visit: Visit) -> None:
    page = visit.go("/")
    expect(page.get_by_text("There is no results folder yet")).to_be_visible()
    write_run(dashboard.results, "newcomer")
    expect(page.get_by_role("link", name="newcomer")).to_be_visible()


def test_an_update_draws_into_the_picture_that_is_there(dashboard: Dashboard, visit: Visit) -> None:
    run = write_run(dashboard.results)
    page = visit.go("/curves")
    expect(page.locator("#curves-figure .main-svg").first).to_be_visible()
    plot = "document.querySelector('#curves-figure .js-plotly-plot')"
    page.evaluate(f"{plot}.isTheOldOne = true")
    write_events(run / "Game", {"Environment/Cumulative Reward": [(2100, 3.0)]})
    page.wait_for_function(f"{plot}.calcdata.some(line => line.length == 21)")
    assert page.evaluate(f"{plot}.isTheOldOne")


def test_a_zoom_survives_an_update(dashboard: Dashboard, visit: Visit) -> None:
    run = write_run(dashboard.results)
    page = visit.go("/curves")
    plane = page.locator("#curves-figure .nsewdrag").first
    expect(plane).to_be_visible()
    place = plane.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 0.3 * place["width"], place["y"] + 0.3 * place["height"])
    page.mouse.down()
    page.mouse.move(place["x"] + 0.6 * place["width"], place["y"] + 0.7 * place["height"], steps=5)
    page.mouse.up()
    axes = "(plot => [plot.layout.xaxis.range, plot.layout.yaxis.range])"
    plot = "document.querySelector('#curves-figure .js-plotly-plot')"
    page.wait_for_function(f"{plot}.layout.xaxis.autorange !== true")
    page.wait_for_timeout(500)  # until the zoom has come to rest
    zoomed = page.evaluate(f"{axes}({plot})")
    # The curve goes from step 100 to step 2000, and the middle of the picture is shown.
    assert 100 < zoomed[0][0] < zoomed[0][1] < 2000
    write_events(run / "Game", {"Environment/Cumulative Reward": [(2100, 3.0)]})
    page.wait_for_function(f"{plot}.calcdata.some(line => line.length == 21)")
    assert page.evaluate(f"{axes}({plot})") == zoomed


def test_the_form_shows_its_command_and_explains_wrong_input(dashboard: Dashboard, visit: Visit) -> None:
    write_run(dashboard.results)
    page = visit.go("/launch")
    page.get_by_role("button", name="Launch training").click()
    expect(page.get_by_text("Not started: see the fields above.")).to_be_visible()
    expect(page.get_by_text("Name a trainer configuration")).to_be_visible()
    expect(page.get_by_text("Give the run a name")).to_be_visible()
    page.locator("#train-config").fill(str(ROOT / "config" / "trainer_config.yaml"))
    page.locator("#train-env").fill("nowhere")
    expect(page.get_by_text("There is no build nowhere")).to_be_visible()
    page.locator("#train-env").fill(str(ROOT / "gym_bridges" / "builds" / "RockPaperScissors"))
    page.get_by_label("Name of the run").fill("first")
    expect(page.get_by_text("There is a run first already")).to_be_visible()
    page.get_by_text("start over", exact=True).click()
    expect(page.get_by_text("Start over deletes what the run has left so far.")).to_be_visible()
    expect(page.locator(".command").first).to_contain_text("--run-id first")
    expect(page.locator(".command").first).to_contain_text("--force")
    page.locator("#train-num_envs").fill("0")
    expect(page.get_by_text("A whole number from 1 to 64 is needed, not 0.")).to_be_visible()
    expect(page.locator(".command")).to_have_count(0)
    assert list(dashboard.jobs) == []
    assert_fits_wide_and_narrow(page)


def test_the_form_of_a_test_does_the_same(dashboard: Dashboard, visit: Visit) -> None:
    write_run(dashboard.results)
    page = visit.go("/launch")
    open_tab(page, "Test")
    page.get_by_role("button", name="Launch test").click()
    expect(page.get_by_text("Choose at least one run")).to_be_visible()
    page.locator("#test-runs").click()
    page.get_by_role("option", name="first").click()
    page.locator("#test-env").fill(str(ROOT / "gym_bridges" / "builds" / "RockPaperScissors"))
    page.get_by_label("Name of the tournament").fill("rps")
    expect(page.locator("#test-command .command")).to_contain_text(
        f"mlagents-selfplay evaluate {dashboard.results}/first"
    )


def test_a_training_is_launched_seen_and_stopped(
    dashboard: Dashboard, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    page = visit.go("/launch")
    page.locator("#train-config").fill(str(ROOT / "config" / "trainer_config.yaml"))
    page.locator("#train-env").fill(str(ROOT / "gym_bridges" / "builds" / "RockPaperScissors"))
    page.get_by_label("Name of the run").fill("mine")
    page.get_by_label("Name of the run").press("Tab")
    expect(page.locator(".command").first).to_contain_text("--run-id mine")
    page.get_by_role("button", name="Launch training").click()
    expect(page.get_by_text("Started as number 1, see below.")).to_be_visible()
    expect(page.locator(".console")).to_contain_text("Connected to Unity environment", timeout=120_000)
    (job,) = dashboard.jobs
    assert job.command[:2] == ["mlagents-learn", str(ROOT / "config" / "trainer_config.yaml")]
    history = dashboard.results / "mine" / "RockPaperScissors" / "selfplay" / "history.json"
    end = time.monotonic() + 120
    while not history.exists():
        assert time.monotonic() < end, "no snapshot has come"
        time.sleep(0.5)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("stopped", exact=True)).to_be_visible(timeout=60_000)
    assert (dashboard.results / "mine" / "configuration.yaml").exists()  # it took its leave in order
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("link", name="mine")).to_be_visible()
