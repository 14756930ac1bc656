"""The generators that ML-Agents shares by the whole process: NumPy's shuffles experiences, torch's samples actions."""

import base64
from typing import Any

import numpy as np
from mlagents.torch_utils import torch


def global_state() -> dict[str, Any]:
    """Returns the states of both, ready for JSON."""
    kind, keys, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002
    return {
        "numpy": [kind, np.asarray(keys).tolist(), position, has_gauss, gauss],
        "torch": base64.b64encode(torch.get_rng_state().numpy().tobytes()).decode(),
    }


def restore_global_state(state: dict[str, Any]) -> None:
    """Sets both to what `global_state()` returned."""
    kind, keys, position, has_gauss, gauss = state["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, gauss))  # noqa: NPY002
    torch.set_rng_state(torch.frombuffer(bytearray(base64.b64decode(state["torch"])), dtype=torch.uint8))
