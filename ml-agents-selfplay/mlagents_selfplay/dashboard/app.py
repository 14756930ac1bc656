"""How do the pages make one application, and where does it listen?"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, ctx, dcc
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from mlagents_selfplay.dashboard import parts
from mlagents_selfplay.dashboard.guard import is_loopback, protect
from mlagents_selfplay.dashboard.jobs import Jobs
from mlagents_selfplay.dashboard.library import Library
from mlagents_selfplay.dashboard.pages import curves, launch, lineage, run, runs, tournaments
from mlagents_selfplay.dashboard.parts import Children

NAME = "Self-play"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 5000
TICK_MS = 2000  # milliseconds between two looks at the files
RUN_PREFIX = "/run/"

PAGES: dict[str, tuple[str, Callable[[Library], Children]]] = {
    "/": (runs.TITLE, runs.layout),
    "/curves": (curves.TITLE, curves.layout),
    "/payoff": (tournaments.TITLE, tournaments.layout),
    "/lineage": (lineage.TITLE, lineage.layout),
    "/launch": (launch.TITLE, launch.layout),
}


def make_app(library: Library, jobs: Jobs, host: str = DEFAULT_HOST) -> Dash:
    """Returns the application for a results folder.

    Args:
      library: reads the folder.
      jobs: holds what is started from a page.
      host: address or name that it will listen on; requests for any other are refused.
    """
    app = Dash(
        __name__,
        title=NAME,
        update_title="",
        assets_folder="assets",
        serve_locally=True,  # nothing is fetched from elsewhere: it works offline
        suppress_callback_exceptions=True,  # most controls come with their page
    )
    protect(app.server, host)
    app.layout = _shell
    runs.register(app, library)
    run.register(app, library)
    curves.register(app, library)
    tournaments.register(app, library)
    lineage.register(app, library)
    launch.register(app, library, jobs)

    @app.callback(Output("page", "children"), Output("navigation", "children"), Input("url", "pathname"))
    def show(pathname: str) -> tuple[Children, Children]:
        return _page(library, pathname), _navigation(pathname)

    @app.callback(
        Output("shell", "navbar"),
        Output("burger", "opened"),
        Input("burger", "opened"),
        Input("url", "pathname"),
        State("shell", "navbar"),
        prevent_initial_call=True,
    )
    def open_menu(opened: bool, _: str, navbar: dict[str, object]) -> tuple[dict[str, object], bool]:
        shown = bool(opened) and ctx.triggered_id == "burger"
        return {**navbar, "collapsed": {"mobile": not shown}}, shown

    return app


def listen(app: Dash, host: str, port: int) -> BaseWSGIServer:
    """Returns a server that listens already; its `serve_forever` answers, each request in a thread.

    Args:
      app: as from `make_app`, for the same host.
      host: address or name.
      port: 0 for any that is free.

    Raises:
      OSError: if it cannot listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # werkzeug would print its own advice and exit where the port is taken, so it is handed a socket that listens.
    with socket.create_server((host, port), family=family) as listening:
        return make_server(host, port, app.server, threaded=True, request_handler=_QuietHandler, fd=listening.fileno())


def serve(results: Path, host: str, port: int, say: Callable[[str], None]) -> None:
    """Answers until Ctrl-C, then stops what was started from its pages.

    Args:
      results: the folder.
      host: address or name to listen on.
      port: 0 for any that is free.
      say: is told where to look.

    Raises:
      OSError: if it cannot listen there.
    """
    # Whoever starts this in the background of a script makes it deaf to Ctrl-C, and so would be the trainers below it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    server = listen(make_app(Library(results), Jobs(), host), host, port)
    say(f"{results} is shown at http://{host}:{server.port}/ until Ctrl-C.")
    if not is_loopback(host):
        say("Whoever can reach this machine can see the runs, and start and stop commands here.")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        say("Stopping.")
    finally:
        server.server_close()


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """Says nothing: an open page asks every two seconds."""


def _shell() -> Children:
    header = dmc.Group(
        [
            dmc.Burger(id="burger", opened=False, hiddenFrom="sm", size="sm", **{"aria-label": "Menu"}),
            dcc.Link(NAME, href="/", className="brand"),
        ],
        h="100%",
        px="md",
    )
    return dmc.MantineProvider(
        [
            dcc.Location(id="url"),
            dcc.Interval(id=parts.TICK, interval=TICK_MS),
            dcc.Store(id="jobs-stopped"),
            dmc.AppShell(
                [
                    dmc.AppShellHeader(header),
                    dmc.AppShellNavbar(dmc.Box(id="navigation"), p="sm"),
                    dmc.AppShellMain(dmc.Box(id="page", maw=1180, mx="auto")),
                ],
                id="shell",
                header={"height": 52},
                navbar={"width": 200, "breakpoint": "sm", "collapsed": {"mobile": True}},
                padding="md",
            ),
        ],
        forceColorScheme="light",
        theme={"primaryColor": "blue", "defaultRadius": "md", "fontFamily": "system-ui, sans-serif"},
    )


def _page(library: Library, pathname: str) -> Children:
    if pathname.startswith(RUN_PREFIX):
        return run.layout(library, unquote(pathname.removeprefix(RUN_PREFIX)))
    if pathname in PAGES:
        return PAGES[pathname][1](library)
    return parts.empty("There is no such page", f"{pathname} is not one of {', '.join(PAGES)}.")


def _navigation(pathname: str) -> Children:
    def active(path: str) -> bool:
        return pathname == path or (path == "/" and pathname.startswith(RUN_PREFIX))

    return [dmc.NavLink(label=title, href=path, active=active(path)) for path, (title, _) in PAGES.items()]
