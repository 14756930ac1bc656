"""How are stories of matches told? What happens goes to the game, and all that follows is written on a tape."""

from collections.abc import Callable
from itertools import count

from mlagents_selfplay.selfplay.draws import Draws
from mlagents_selfplay.selfplay.matches import Match, Role
from mlagents_selfplay.selfplay.matchmaking import Entrant, Game

BEHAVIOR = "Fencer"


class Story:
    """A game, and a tape of words: who is drawn, who sits where, which match is over and which of its seats count.

    Role `r` draws the players `r1`, `r2`, ...; seats are named by the story.
    """

    def __init__(
        self, *roles: Role, interval: int = 1, turn: int = 100, learners: Callable[[Role], bool] = bool
    ) -> None:
        self.tape: list[str] = []
        self.gone: set[str] = set()  # players that have left the history
        self.game = Game()
        for role in roles:
            draws = Draws(interval, self._drawer(role), lambda player: player not in self.gone)
            self.game.enter(role, Entrant(draws, lambda role=role: learners(role), lambda: 0, turn))
        self.roles = dict(zip("abcd", roles, strict=False))

    def _drawer(self, role: Role) -> Callable[[], str]:
        numbers = count(1)

        def draw() -> str:
            player = f"{'abcd'[sorted(self.game.entrants).index(role)]}{next(numbers)}"
            self.tape.append(f"draw {player}")
            return player

        return draw

    def sit(self, role: str, *seats: str, worker: int = 0, group: int = 0) -> None:
        """Seats of role `a`, `b`, ... make their first decision."""
        for seat in seats:
            [player] = self.game.begin(worker, self.roles[role], [seat], [group])
            self.tape.append(f"{seat} is {player}")

    def end(self, *seats: str, reward: float = 0.0) -> None:
        """Seats end with a result; then the trainers look at what is over."""
        for seat in seats:
            self.game.observe(seat, reward, 1)
            self.game.finish(seat, reward, False)
        self.settle()

    def settle(self) -> None:
        for behavior in dict.fromkeys(role.behavior for role in self.game.entrants):
            self.game.discard(self.game.take_ended(behavior))
            self.tape += [self._describe(role, match) for role, match in self.game.take_finished(behavior)]

    def _describe(self, role: Role, match: Match) -> str:
        name = {role: letter for letter, role in self.roles.items()}
        met = ", ".join(f"{name[other]} {side.player}" for other, side in match.opponents(role).items()) or "nobody"
        seats = "+".join(str(result.seat) for result in match.sides[role].results)
        return f"over: {seats} met {met}, team {match.learning_team} learned"

    def told(self) -> list[str]:
        """Returns the tape since the last call."""
        told, self.tape = self.tape, []
        return told


def two_teams(**settings: object) -> Story:
    return Story(Role(BEHAVIOR, 0), Role(BEHAVIOR, 1), **settings)


def assert_nothing_is_left(game: Game) -> None:
    assert game.state()["matches_on"] == []
    leftovers = [game._seats, game._groups, game._on, *game._lacking.values(), *game._ended.values()]
    assert [len(table) for table in leftovers] == [0] * len(leftovers)
