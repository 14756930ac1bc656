"""Which trainer types does ML-Agents get from this package? The one table."""

from __future__ import annotations

from typing import Any

from mlagents_selfplay.algorithms import ddpg, dqn, fast_ppo, fast_sac, split_q, tabular_q, td3
from mlagents_selfplay.rollouts.mailbox import make_door
from mlagents_selfplay.settings import TRAINER_TYPE, SelfPlaySettings
from mlagents_selfplay.trainer import SelfPlayTrainer

TRAINERS: dict[str, tuple[Any, Any]] = {
    TRAINER_TYPE: (SelfPlayTrainer, SelfPlaySettings),
    fast_ppo.TRAINER_TYPE: (fast_ppo.FastPPOTrainer, fast_ppo.FastPPOSettings),
    dqn.TRAINER_TYPE: (dqn.DQNTrainer, dqn.DQNSettings),
    split_q.TRAINER_TYPE: (split_q.SplitQTrainer, split_q.SplitQSettings),
    tabular_q.TRAINER_TYPE: (tabular_q.TabularQTrainer, tabular_q.TabularQSettings),
    ddpg.TRAINER_TYPE: (ddpg.DDPGTrainer, ddpg.DDPGSettings),
    td3.TRAINER_TYPE: (td3.TD3Trainer, td3.TD3Settings),
    fast_sac.TRAINER_TYPE: (fast_sac.SACTrainer, fast_sac.SACSettings),
}


def get_type_and_setting() -> tuple[dict[str, Any], dict[str, Any]]:
    """Answers ML-Agents' entry point `mlagents.trainer_type`, before any environment is started.

    Returns:
      Trainer class by trainer type, and settings class by trainer type.
    """
    make_door()
    return (
        {name: trainer for name, (trainer, _) in TRAINERS.items()},
        {name: settings for name, (_, settings) in TRAINERS.items()},
    )
