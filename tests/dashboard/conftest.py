"""A dashboard that runs, and a browser that looks at it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlagents_selfplay.dashboard.app import listen, make_app
from mlagents_selfplay.dashboard.jobs import Jobs
from mlagents_selfplay.dashboard.library import Library
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
WIDE, NARROW = {"width": 1280, "height": 844}, {"width": 390, "height": 844}
PATIENCE_MS = 60_000  # milliseconds that a page is given on a busy machine


class Dashboard:
    """A dashboard at `url`, over the folder `results`, that starts its commands through `jobs`."""

    def __init__(self, results: Path) -> None:
        self.results, self.jobs = results, Jobs()
        self._server = listen(make_app(Library(results), self.jobs), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.jobs.stop_all()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[Dashboard]:
    running = Dashboard(tmp_path / "results")
    yield running
    running.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium here (Debian: apt-get install chromium)")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Visit:
    """A page, with what went wrong on it."""

    def __init__(self, page: Page, dashboard: Dashboard) -> None:
        self.page, self._url = page, dashboard.url
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._check_request)

    def _check_request(self, request: object) -> None:
        url = request.url  # type: ignore[attr-defined]
        if not url.startswith((self._url, "data:", "blob:")):
            self.complaints.append(f"asked {url}")

    def go(self, path: str) -> Page:
        """Opens a page of the dashboard."""
        self.page.goto(self._url + path)
        self.page.wait_for_selector("#page > *")
        return self.page


@pytest.fixture
def visit(browser: Browser, dashboard: Dashboard) -> Iterator[Visit]:
    """A browser window; whatever it complains about fails the test."""
    context = browser.new_context(viewport=WIDE)
    opened = Visit(context.new_page(), dashboard)
    yield opened
    opened.page.close()
    context.close()
    assert opened.complaints == []
