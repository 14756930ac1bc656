"""How is a training or a test started, watched and stopped?"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Dash, Input, Output, ctx, no_update

from mlagents_selfplay.dashboard import commands, parts
from mlagents_selfplay.dashboard.commands import FORCE, NEW, RESUME, TEST, TRAIN, WrongInput
from mlagents_selfplay.dashboard.jobs import FAILED, FINISHED, RUNNING, STOPPED, STOPPING, Job, Jobs
from mlagents_selfplay.dashboard.library import Library
from mlagents_selfplay.dashboard.parts import Children

TITLE = "Launch"
COLOURS = {RUNNING: "teal", STOPPING: "yellow", FINISHED: "blue", STOPPED: "gray", FAILED: "red"}
MODES = {NEW: "new run", RESUME: "resume", FORCE: "start over"}
OVERWRITES = "Start over deletes what the run has left so far."

TRAIN_FIELDS = ("config", "env", "run_id", "mode", "num_areas", "num_envs", "seed")
TEST_FIELDS = ("runs", "env", "games", "name")


def layout(library: Library) -> Children:
    """Both forms, and what was started."""
    forms = dmc.Tabs(
        [
            dmc.TabsList([dmc.TabsTab("Training", value=TRAIN), dmc.TabsTab("Test", value=TEST)], mb="md"),
            dmc.TabsPanel(_training_form(), value=TRAIN),
            dmc.TabsPanel(_test_form(library), value=TEST),
        ],
        value=TRAIN,
    )
    return parts.page(
        TITLE,
        parts.card("New", forms),
        parts.followed("jobs"),
        note="A form stands for an ordinary command, which is shown. What is started here ends with the dashboard.",
    )


def _training_form() -> Children:
    return dmc.Stack(
        [
            dmc.SimpleGrid(
                [
                    _field(dmc.Autocomplete, TRAIN, "config", "Trainer configuration", data=_files("config/*.yaml")),
                    _field(dmc.Autocomplete, TRAIN, "env", "Build (empty: wait for the Unity Editor)", data=_builds()),
                    _field(dmc.TextInput, TRAIN, "run_id", "Name of the run", debounce=200),
                    dmc.InputWrapper(
                        dmc.SegmentedControl(
                            id=_id(TRAIN, "mode"),
                            data=[{"value": key, "label": label} for key, label in MODES.items()],
                            value=NEW,
                            fullWidth=True,
                        ),
                        label="If the run exists",
                        id=f"{TRAIN}-mode-wrapper",
                    ),
                    _number(TRAIN, "num_areas", "Areas (copies in one process)", 32),
                    _number(TRAIN, "num_envs", "Processes", 1),
                    _number(TRAIN, "seed", "Seed (empty: a random one)", ""),
                ],
                cols={"base": 1, "sm": 2},
            ),
            *_ending(TRAIN, "Launch training"),
        ]
    )


def _test_form(library: Library) -> Children:
    runs = [run.id for run in library.runs()]
    return dmc.Stack(
        [
            dmc.SimpleGrid(
                [
                    dmc.MultiSelect(
                        id=_id(TEST, "runs"), label="Runs whose players meet", data=runs, searchable=True, limit=100
                    ),
                    _field(dmc.Autocomplete, TEST, "env", "Build", data=_builds()),
                    _number(TEST, "games", "Games of each pair", 100),
                    _field(dmc.TextInput, TEST, "name", "Name of the tournament", debounce=200),
                ],
                cols={"base": 1, "sm": 2},
            ),
            *_ending(TEST, "Launch test"),
        ]
    )


def _ending(kind: str, label: str) -> list[Children]:
    return [
        dmc.Box(id=f"{kind}-command"),
        dmc.Group([dmc.Button(label, id=f"{kind}-launch", n_clicks=0), dmc.Box(id=f"{kind}-said")]),
    ]


def _id(kind: str, field: str) -> str:
    return f"{kind}-{field}"


def _field(component: Callable[..., Any], kind: str, field: str, label: str, **more: Any) -> Children:
    return component(id=_id(kind, field), label=label, value="", **more)


def _number(kind: str, field: str, label: str, value: int | str) -> Children:
    return dmc.NumberInput(id=_id(kind, field), label=label, value=value, allowDecimal=False, debounce=200)


def _files(pattern: str) -> list[str]:
    return [path.as_posix() for path in sorted(Path().glob(pattern))]


def _builds() -> list[str]:
    return [name for name in _files("gym_bridges/builds/*") + _files("builds/*") if not name.endswith(".app")]


def register(app: Dash, library: Library, jobs: Jobs) -> None:
    """Adds the forms, the list of jobs, and what stops them."""
    _register_form(app, jobs, TRAIN, TRAIN_FIELDS, lambda form: commands.training(form, library.root))
    _register_form(app, jobs, TEST, TEST_FIELDS, lambda form: commands.test(form, library.root))

    parts.follow(
        app,
        "jobs",
        [Input(f"{TRAIN}-said", "children"), Input(f"{TEST}-said", "children"), Input("jobs-stopped", "data")],
        lambda *_: [(job.number, job.status, job.size) for job in jobs],
        lambda *_: dmc.Stack([_job(job) for job in reversed(list(jobs))], gap="md"),
    )

    @app.callback(
        Output("jobs-stopped", "data"),
        Input({"type": "stop", "number": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def stop(clicks: Sequence[int | None]) -> Any:
        pressed = ctx.triggered_id
        job = jobs.find(pressed["number"]) if pressed and any(clicks) else None
        if job is None or not ctx.triggered[0]["value"]:  # a button that has just appeared was not pressed
            return no_update
        job.stop()
        return job.number


def _register_form(
    app: Dash,
    jobs: Jobs,
    kind: str,
    fields: Sequence[str],
    command_of: Callable[[Mapping[str, Any]], list[str]],
) -> None:
    marked = [field for field in fields if field != "mode"]

    @app.callback(
        Output(f"{kind}-command", "children"),
        Output(f"{kind}-said", "children"),
        *[Output(_id(kind, field), "error") for field in marked],
        Input(f"{kind}-launch", "n_clicks"),
        *[Input(_id(kind, field), "value") for field in fields],
    )
    def fill_in(clicks: int, *values: Any) -> tuple[Any, ...]:
        form = dict(zip(fields, values, strict=True))
        launched = ctx.triggered_id == f"{kind}-launch" and clicks > 0
        try:
            command = command_of(form)
        except WrongInput as wrong:
            # An empty field is no mistake until somebody presses the button.
            shown = {key: text for key, text in wrong.problems.items() if clicks or form.get(key) not in (None, "", [])}
            said = dmc.Text("Not started: see the fields above.", size="sm", c="red") if launched else no_update
            return _preview(None, form), said, *(shown.get(field) for field in marked)
        said = no_update
        if launched:
            try:
                job = jobs.start(command)
                said = dmc.Text(f"Started as number {job.number}, see below.", size="sm", c="teal")
            except OSError as error:
                said = dmc.Text(f"Not started: {error}", size="sm", c="red")
        return _preview(command, form), said, *(None for _ in marked)


def _preview(command: list[str] | None, form: Mapping[str, Any]) -> Children:
    if command is None:
        return dmc.Text("The command appears here when everything is filled in.", size="sm", c="dimmed")
    warning = [dmc.Text(OVERWRITES, size="sm", c="orange")] if form.get("mode") == FORCE else []
    return [parts.code(shlex.join(command)), *warning]


def _job(job: Job) -> Children:
    status = job.status
    badge = dmc.Badge(status, color=COLOURS[status], variant="light")
    stop = dmc.Button(
        "Stop",
        id={"type": "stop", "number": job.number},
        size="compact-sm",
        variant="outline",
        color="red",
        disabled=status != RUNNING,
        style={} if status in (RUNNING, STOPPING) else {"display": "none"},
    )
    ended = "" if job.exit_code is None else f", ended with {job.exit_code}"
    return parts.card(
        f"{job.number}. {Path(job.command[0]).name}",
        parts.code(shlex.join(job.command)),
        dmc.Box(job.console() or "Nothing printed yet.", className="console", mt="xs"),
        note=f"Begun {parts.when(job.began)}{ended}",
        aside=dmc.Group([badge, stop], gap="xs"),
    )
