"""Creates the product's tables, queues, poison queues and containers in a storage account that lacks them.

`python -m dev.provision` reads the settings of the connection `AzureWebJobsStorage`, as the host does; in Azure
the infrastructure templates do the same.
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azure.core.exceptions import ResourceExistsError

from dev.host.configuration import HostError
from dev.host.connections import HOST_STORAGE, Connections
from shared.domain.names import CONTAINERS, POISON_SUFFIX, QUEUES, TABLES


def provision(connections: Connections) -> None:
    """Create what is missing; what exists stays as it is. Raises HostError where the settings name no account."""
    tables = connections.tables(HOST_STORAGE)
    queues = connections.queues(HOST_STORAGE)
    blobs = connections.blobs(HOST_STORAGE)
    wanted: list[tuple[Callable[[str], Any], str]] = [
        *((tables.create_table, name) for name in TABLES),
        *((queues.create_queue, name) for name in QUEUES),
        *((queues.create_queue, name + POISON_SUFFIX) for name in QUEUES),
        *((blobs.create_container, name) for name in CONTAINERS),
    ]
    with tables, queues, blobs, ThreadPoolExecutor(8) as pool:
        list(pool.map(_create, wanted))


def _create(wanted: tuple[Callable[[str], Any], str]) -> None:
    create, name = wanted
    try:
        create(name)
    except ResourceExistsError:
        return


if __name__ == "__main__":
    try:
        provision(Connections())
    except HostError as problem:
        sys.exit(f"error: {problem}")
