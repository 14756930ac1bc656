"""Who plays which rollout? The host answers the bridges that knock, sends them plans, and hands out what they bring.

One host serves all behaviors of a run. A plan goes to a bridge that has nothing to do, as soon as every behavior has
digested what was brought; the rows it asks for are what the learner still lacks for its next update, shared among the
bridges. So all rows of an update were played by the same weights, those that it starts from.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mlagents_envs.logging_util import get_logger

from mlagents_selfplay.rollouts.exchange import Member, Part
from mlagents_selfplay.rollouts.mailbox import DOOR, OPEN, PROTOCOL, Letter, post, take
from mlagents_selfplay.selfplay.matches import CURRENT, Role, SeatResult, opponents_in
from mlagents_selfplay.selfplay.matchmaking import Game

logger = get_logger(__name__)

PATIENCE_SECONDS = 1.0  # how long ML-Agents' loop is held up while every bridge is busy
IDLE_SECONDS = 0.0005  # between two looks


@dataclass
class _Bridge:
    """A process at the other end of a mailbox."""

    folder: Path
    worker: int
    areas: int
    behaviors: list[str]
    protocol: int
    plans: int = 0  # sent so far
    busy: bool = False  # with the last one
    wanted: dict[str, int] = field(default_factory=dict)  # learner steps of the plan it is busy with
    known: dict[str, set[str]] = field(default_factory=dict)  # players by behavior, the learner apart
    matches: dict[int, dict[Role, str]] = field(default_factory=dict)  # dealt and not over: players
    learning_team: dict[int, int] = field(default_factory=dict)
    left: int = 0  # matches that have not begun
    begun: int = 0  # matches of the last rollout


class Host:
    """The trainer's end of all mailboxes of a run.

    Args:
      game: that deals the matches.
    """

    def __init__(self, game: Game) -> None:
        self._game = game
        self._members: dict[str, Member] = {}
        self._bridges: dict[str, _Bridge] = {}
        self._parts: dict[str, list[Part]] = {}
        self._active: bool | None = None  # None until it has been decided
        self._waits = False
        self._lock = threading.RLock()

    def takes_over(self) -> bool:
        """Returns whether rollouts are played by the bridges; begins with them when that is decided.

        Decided as soon as all roles are known: before anybody has acted, or where a team has to wait for its turn,
        after a few steps on the wire.
        """
        with self._lock:
            if self._active is None:
                self._active = self._decide()
                if self._active:
                    for behavior in self._members:
                        self._game.abandon(behavior)
                    self.plan()
            return bool(self._active)

    @property
    def busy(self) -> bool:
        """Whether a bridge is playing a rollout with the weights that it was sent."""
        return any(bridge.busy for bridge in self._bridges.values())

    def join(self, member: Member) -> None:
        """Lets a behavior take part; bridges that knock from now on are answered."""
        with self._lock:
            self._members[member.behavior] = member
            self._parts[member.behavior] = []
            if DOOR in os.environ and self._active is None and member.why_not is None:
                (Path(os.environ[DOOR]) / OPEN).touch()

    def receive(self, behavior: str) -> list[Part]:
        """Returns what has come for a behavior, and settles the matches that are over.

        While all bridges are busy and nothing has come, it waits for a moment: ML-Agents' loop would only spin.
        """
        if not self._active:
            return []
        with self._lock:
            self._look_for_bridges()
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not self._open_letters() and not self._parts[behavior] and time.monotonic() < deadline:
                if not all(bridge.busy for bridge in self._bridges.values()):
                    break
                time.sleep(IDLE_SECONDS)
            parts, self._parts[behavior] = self._parts[behavior], []
            return parts

    def plan(self) -> None:
        """Sends the bridges that have nothing to do what they are to play next."""
        if not self._active:
            return
        with self._lock:
            if any(self._parts.values()):
                return
            idle = [bridge for bridge in self._bridges.values() if not bridge.busy]
            under_way = {b: sum(bridge.wanted.get(b, 0) for bridge in self._bridges.values()) for b in self._members}
            lacking = {name: member.steps_wanted() - under_way[name] for name, member in self._members.items()}
            if not any(steps > 0 for steps in lacking.values()):
                return
            for bridge in idle:
                self._send(bridge, {name: -(-max(0, steps) // len(idle)) for name, steps in lacking.items()})

    def abandon(self) -> None:
        """The environments were reset: whatever is being played is void."""
        with self._lock:
            for bridge in self._bridges.values():
                self._void(bridge)

    # Whether there are rollouts at all

    def _decide(self) -> bool | None:
        self._look_for_bridges()
        if not self._bridges:
            logger.info("Rollouts go over the wire: the environment is no bridge that plays them by itself.")
            return False
        why = self._why_not()
        roles = {name for bridge in self._bridges.values() for name in bridge.behaviors}
        if why is None and len(roles) > len(self._game.entrants):
            if not self._waits:
                self._waits = True
                logger.info(
                    f"Rollouts go over the wire until all of {', '.join(sorted(roles))} are there by self-play."
                )
            return None
        if why is None:
            logger.info(f"Rollouts are played by the bridge ({len(self._bridges)} process(es)).")
            return True
        logger.log(why.level, f"Rollouts go over the wire: {why.text}.")
        for bridge in self._bridges.values():
            post(bridge.folder, "plan.0", {"protocol": PROTOCOL, "kind": "wire", "why": why.text}, {})
        (Path(os.environ[DOOR]) / OPEN).unlink(missing_ok=True)
        return False

    def _why_not(self) -> _Reason | None:
        for bridge in self._bridges.values():
            if bridge.protocol != PROTOCOL:
                return _Reason(
                    logging.WARNING, f"the bridge speaks version {bridge.protocol} of letters, we speak {PROTOCOL}"
                )
        for member in self._members.values():
            if member.why_not is not None:
                return _Reason(logging.INFO, f"behavior {member.behavior}: {member.why_not}")
        return None

    def _look_for_bridges(self) -> None:
        """Finds those that have knocked; one on the port of another has taken its place."""
        door = os.environ.get(DOOR)
        if door is None:
            return
        for folder in sorted(path for path in Path(door).iterdir() if path.is_dir() and path.name not in self._bridges):
            hello = take(folder, "hello")
            if hello is None:
                continue
            port = folder.name.partition("-")[0]
            before = [name for name in self._bridges if name.partition("-")[0] == port]
            worker = self._bridges[before[0]].worker if before else len(self._bridges)
            for name in before:
                self._game.withdraw(worker)
                shutil.rmtree(self._bridges.pop(name).folder, ignore_errors=True)
            header = hello.header
            self._bridges[folder.name] = _Bridge(
                folder, worker, header["areas"], header["behaviors"], header["protocol"]
            )

    # Letters

    def _open_letters(self) -> bool:
        found = False
        for bridge in self._bridges.values():
            letter = take(bridge.folder, f"rollout.{bridge.plans - 1}") if bridge.busy else None
            if letter is not None:
                found = True
                self._open(bridge, letter)
        return found

    def _open(self, bridge: _Bridge, letter: Letter) -> None:
        bridge.busy, bridge.wanted = False, {}
        bridge.left, bridge.begun = letter.header["left"], letter.header["begun"]
        episodes: dict[str, list[tuple[float, float, int]]] = {name: [] for name in self._members}
        known = dict(bridge.matches)
        for match in letter.header["matches"]:
            number, results = match["number"], []
            if number not in bridge.matches:
                continue  # dealt before a reset that the bridge had not heard of yet
            players, team = bridge.matches.pop(number), bridge.learning_team.pop(number)
            for behavior, seat_team, last_reward, episode_return, own_return, length, truncated in match["results"]:
                role = Role(behavior, seat_team)
                results.append((role, SeatResult(number, last_reward, episode_return, length, truncated)))
                if players[role] == CURRENT and (self._members[behavior].mirror or seat_team == team):
                    episodes[behavior].append((own_return, episode_return, length))
            self._game.settle(number, results)
        for behavior in self._members:
            prefix = f"{behavior}/"
            arrays = {
                name.removeprefix(prefix): array for name, array in letter.arrays.items() if name.startswith(prefix)
            }
            agents = [f"{bridge.folder.name}-{agent}" for agent in arrays["agent"].tolist()]
            places = zip(arrays["match"].tolist(), arrays["team"].tolist(), strict=True)
            opponents = [opponents_in(known.get(number, {}), team) for number, team in places]
            self._parts[behavior].append(Part(arrays, episodes[behavior], agents, opponents))

    def _send(self, bridge: _Bridge, wanted: dict[str, int]) -> None:
        dealt = []
        for _ in range(max(0, bridge.areas + 2 * bridge.begun - bridge.left)):
            number, match = self._game.deal(bridge.worker)
            bridge.matches[number], bridge.learning_team[number] = dict(match.players), match.learning_team
            players = [[*role, player] for role, player in match.players.items()]
            dealt.append({"number": number, "learning_team": match.learning_team, "players": players})
        asked, arrays = {}, {}
        for behavior, member in self._members.items():
            needed = {p for players in bridge.matches.values() for role, p in players.items() if role[0] == behavior}
            known = bridge.known.setdefault(behavior, set())
            dropped = sorted(player for player in known - needed if not member.is_known(player))
            new = [CURRENT, *sorted(needed - known - {CURRENT})]
            for place, player in enumerate(new):
                for name, array in member.arrays_of(player).items():
                    arrays[f"{behavior}/{place}/{name}"] = array
            bridge.known[behavior] = (known | needed) - set(dropped) - {CURRENT}
            asked[behavior] = {
                "current": CURRENT,
                "mirror": member.mirror,
                "horizon": member.horizon,
                "wanted": wanted[behavior],
                "whole": member.whole,
                "version": member.version(),
                "exploration": member.exploration(),
                "deterministic": member.deterministic,
                "new": new,
                "dropped": dropped,
            }
        seed = next(iter(self._members.values())).draw_seed()
        header = {"protocol": PROTOCOL, "kind": "play", "number": bridge.plans, "seed": seed}
        post(bridge.folder, f"plan.{bridge.plans}", {**header, "matches": dealt, "behaviors": asked}, arrays)
        bridge.plans += 1
        bridge.busy, bridge.wanted = True, wanted

    def _void(self, bridge: _Bridge) -> None:
        self._game.withdraw(bridge.worker)
        bridge.busy, bridge.left, bridge.begun = False, 0, 0
        bridge.wanted, bridge.matches, bridge.learning_team = {}, {}, {}
        if take(bridge.folder, f"plan.{bridge.plans - 1}") is not None:
            bridge.plans -= 1  # nobody has read it


class _Reason(NamedTuple):
    level: int
    text: str
