"""How does a command come by Ray? It starts one on this machine that ends with the command, or joins one that runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

LOCAL = "local"
NAMESPACE = "mlagents-selfplay"
_LOOPBACK = "127.0.0.1"
_START_ATTEMPTS = 6  # it gives up where one of its daemons takes more than 15 seconds, as on a busy machine
_OBJECT_STORE_BYTES = 200 * 2**20  # games, reports and letters are small; Ray would take a third of the memory
_SECONDS_TO_ANSWER = 5.0  # for whoever listens at an address
_RAY_READS = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else Ray takes 127.0.0.1 for this machine's address in the network
    "RAY_USAGE_STATS_ENABLED": "0",
}
_LOCAL_RAY_READS = {  # it has no dashboard and shows nobody its logs; a cluster that is joined may do both
    "RAY_enable_metrics_collection": "0",
    "RAY_task_events_report_interval_ms": "0",  # never
    "RAY_LOG_MONITOR_MANY_FILES_THRESHOLD": "0",  # else it looks for new logs ten times a second
    "LOG_NAME_UPDATE_INTERVAL_S": "3600",
}


class ClusterError(Exception):
    """Ray is not installed, does not start or cannot be reached, or is too small; the message says what to change."""


@contextmanager
def connected(address: str, cores: float, wanted: str) -> Iterator[Any]:
    """Joins a cluster, or starts one that listens on loopback only and ends with the block, or with this process.

    Args:
      address: `local` starts one; else of one that runs, as Ray reads it: `auto`, `host:port`.
      cores: that it has to have; one that is started has them, whatever this machine has.
      wanted: what they are for, as an error says it: key, value and number.

    Yields:
      The module `ray`. Nobody may import it before, since it reads on import where to listen.

    Raises:
      ClusterError: if there is no Ray, none starts, none is at the address, or it is too small.
    """
    os.environ.update({key: value for key, value in read_by_ray(address).items() if key not in os.environ})
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ClusterError(f"{error}; pip install 'mlagents-selfplay[population]'") from error
    if address == LOCAL:
        _start(ray, max(os.cpu_count() or 1, ceil(cores)))
    else:
        _join(ray, address)
    try:
        there = ray.cluster_resources().get("CPU", 0.0)
        if there < cores:
            raise ClusterError(
                f"{wanted} is more than the {there:g} cores of the cluster at {address}; write less, or add nodes."
            )
        yield ray
    finally:
        ray.shutdown()


def read_by_ray(address: str) -> dict[str, str]:
    """Returns the variables of the environment that Ray is to find for an address, where they have not been set."""
    return {**_RAY_READS, **_LOCAL_RAY_READS} if address == LOCAL else dict(_RAY_READS)


def _start(ray: Any, cores: int) -> None:
    for _ in range(_START_ATTEMPTS):
        try:
            ray.init(
                LOCAL,
                num_cpus=cores,
                object_store_memory=_OBJECT_STORE_BYTES,
                include_dashboard=False,
                namespace=NAMESPACE,
                log_to_driver=False,
                _node_ip_address=_LOOPBACK,
            )
            break
        except Exception as error:  # Ray raises a bare one
            ray.shutdown()
            why = error
    else:
        raise ClusterError(f"Ray does not start on this machine: {why}")
    listens = ray.util.get_node_ip_address()
    if listens != _LOOPBACK:
        ray.shutdown()
        raise ClusterError(
            f"Ray listens on {listens} and not on {_LOOPBACK} only: it was imported before, or "
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER is not 0."
        )


def _join(ray: Any, address: str) -> None:
    host, _, port = address.partition("://")[-1].rpartition(":") if "://" in address else address.rpartition(":")
    try:
        if host and port.isdigit():  # asked beforehand, since Ray takes two minutes to say no
            socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_ANSWER).close()
        ray.init(address, namespace=NAMESPACE, log_to_driver=False)
    except (Exception, SystemExit) as error:  # Ray raises what it likes
        raise ClusterError(f"There is no Ray to be reached at {address!r}: {error}") from error
