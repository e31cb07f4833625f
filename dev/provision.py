"""Creates the product's tables, queues, poison queues and containers in a storage account that lacks them.

`python -m dev.provision` reads `AzureWebJobsStorage`; in Azure the infrastructure templates do the same.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from shared.domain.names import CONTAINERS, POISON_SUFFIX, QUEUES, TABLES


def provision(connection_string: str) -> None:
    """Create what is missing; what exists stays as it is."""
    tables = TableServiceClient.from_connection_string(connection_string)
    queues = QueueServiceClient.from_connection_string(connection_string)
    blobs = BlobServiceClient.from_connection_string(connection_string)
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
    setting = os.environ.get("AzureWebJobsStorage")  # noqa: SIM112  the name is Azure's
    if not setting:
        sys.exit("error: AzureWebJobsStorage is not set")
    provision(setting)
