"""Which match-ups does RoboSumo have? Nine; importing this registers them with gymnasium.

`gymnasium.make("gym_bridges.envs.robosumo:RoboSumo-Ant-vs-Spider-v0", tatami_size=3.0)`
"""

import gymnasium

from gym_bridges.envs.robosumo.species import SPECIES

GYMNASIUM_IDS = {
    f"RoboSumo-{home.capitalize()}-vs-{away.capitalize()}-v0": (home, away) for home in SPECIES for away in SPECIES
}
"""Ids for `gymnasium.make`, with the kinds of the robots of seats 0 and 1."""

for _id, (_home, _away) in GYMNASIUM_IDS.items():
    gymnasium.register(
        _id,
        entry_point="gym_bridges.envs.robosumo.gym_env:RoboSumoEnv",
        kwargs={"home": _home, "away": _away},
        disable_env_checker=True,  # it expects one reward
    )
