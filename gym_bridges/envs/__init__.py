"""Which environments come with the bridge? One module each; `gym_bridges.registry` lists them by id."""
