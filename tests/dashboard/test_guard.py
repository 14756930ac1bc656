"""Can a page of another origin make the dashboard do or tell anything?"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from mlagents_selfplay.dashboard.app import make_app
from mlagents_selfplay.dashboard.jobs import Jobs
from mlagents_selfplay.dashboard.library import Library

HERE = "http://127.0.0.1:5000"
CALLBACK = "/_dash-update-component"


class Tape(Jobs):
    """Writes down what it is told to start, and starts nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[list[str]] = []

    def start(self, command):  # noqa: ANN001, ANN201
        self.started.append(list(command))
        raise OSError("not here")


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def client(tape: Tape, tmp_path: Path) -> Iterator[FlaskClient]:
    with make_app(Library(tmp_path), tape).server.test_client() as client:
        yield client


def launch(tmp_path: Path) -> dict:
    """The request that the button Launch training sends, with a form that is filled in correctly."""
    config = tmp_path / "config.yaml"
    config.write_text("behaviors: {}\n")
    form = {"config": str(config), "env": "", "run_id": "x", "mode": "new", "num_areas": 1, "num_envs": 1, "seed": ""}
    outputs = [{"id": "train-command", "property": "children"}, {"id": "train-said", "property": "children"}]
    outputs += [{"id": f"train-{field}", "property": "error"} for field in form if field != "mode"]
    return {
        "output": ".." + "...".join(f"{one['id']}.{one['property']}" for one in outputs) + "..",
        "outputs": outputs,
        "inputs": [
            {"id": "train-launch", "property": "n_clicks", "value": 1},
            *({"id": f"train-{field}", "property": "value", "value": value} for field, value in form.items()),
        ],
        "changedPropIds": ["train-launch.n_clicks"],
    }


def test_the_button_on_our_own_page_starts_the_command(client: FlaskClient, tape: Tape, tmp_path: Path) -> None:
    answer = client.post(CALLBACK, json=launch(tmp_path), base_url=HERE, headers={"Origin": HERE})
    assert answer.status_code == 200
    assert len(tape.started) == 1
    assert tape.started[0][0] == "mlagents-learn"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "https://127.0.0.1:5000"},
        {},
    ],
)
def test_the_same_request_from_elsewhere_starts_nothing(
    client: FlaskClient, tape: Tape, tmp_path: Path, headers: dict[str, str]
) -> None:
    body = json.dumps(launch(tmp_path))
    # A form or a script of another page can send this without asking first, as long as it claims to be text.
    for kind in ("text/plain", "application/json"):
        answer = client.post(CALLBACK, data=body, content_type=kind, base_url=HERE, headers=headers)
        assert answer.status_code == 403
    assert tape.started == []


def test_a_name_that_somebody_else_points_here_is_refused(client: FlaskClient, tape: Tape, tmp_path: Path) -> None:
    there = "http://evil.example:5000"
    assert client.get("/", base_url=there).status_code == 403
    answer = client.post(CALLBACK, json=launch(tmp_path), base_url=there, headers={"Origin": there})
    assert answer.status_code == 403
    assert tape.started == []


@pytest.mark.parametrize(
    ("host", "asked", "status"),
    [
        ("127.0.0.1", "http://localhost:5000", 200),
        ("127.0.0.1", "http://[::1]:5000", 200),
        ("127.0.0.1", "http://192.168.1.7:5000", 403),
        ("0.0.0.0", "http://192.168.1.7:5000", 200),
        ("0.0.0.0", "http://evil.example:5000", 403),
        ("box.local", "http://box.local:5000", 200),
    ],
)
def test_only_the_servers_own_names_are_answered(tmp_path: Path, host: str, asked: str, status: int) -> None:
    client = make_app(Library(tmp_path), Jobs(), host).server.test_client()
    assert client.get("/", base_url=asked).status_code == status


def test_no_other_page_can_show_it_in_a_frame(client: FlaskClient) -> None:
    headers = client.get("/", base_url=HERE).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_nothing_is_fetched_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/", base_url=HERE).get_data(as_text=True)
    assert "http://" not in page.replace(HERE, "")
    assert "https://" not in page
