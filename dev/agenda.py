"""Has a running stack do one item of the agenda at once, as an operator can: without its row an item is due."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import requests

from dev.processes import PATIENCE
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped
from shared.adapters.storage.settings import StorageSettings
from shared.adapters.storage.stores.runs import AGENDA, AzureRuns
from shared.adapters.storage.table import Table
from shared.domain import names
from shared.domain.commands.agenda import Item, Run

NEVER: Final = datetime(2100, 1, 1, tzinfo=UTC)


class Agenda:
    """The agenda of the stack that wrote this ready file."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        connection = Connection(StorageSettings(ready["storage_connection_string"]))
        self._runs = AzureRuns(connection)
        self._table = Table(connection, names.RUNS)
        self._tick = f"{ready['host_url']}/admin/functions/tick"
        self._ticks_by_itself = bool(ready["timers"])

    def do(self, item: Item) -> None:
        """Runs the tick once and waits until the item has ended, well or not. Raises TimeoutError.

        Where no timers run, all other items are put off for good: neither this tick nor a function that stands in
        for a missing one does more than what a test asks for.
        """
        if not self._ticks_by_itself:
            self._put_off(*(other for other in Item if other != item))
        self._table.delete(AGENDA, escaped(item))
        requests.post(self._tick, json={"input": ""}, timeout=PATIENCE).raise_for_status()
        self._wait(item)
        if not self._ticks_by_itself:
            self._put_off(item)

    def _put_off(self, *items: Item) -> None:
        found = {run.item: run.etag for run in self._runs.all()}
        now = datetime.now(UTC)
        for item in items:
            self._runs.claim(Run(item, NEVER, now, "by hand", finished=now, etag=found.get(item, "")))

    def _wait(self, item: Item) -> None:
        deadline = time.monotonic() + PATIENCE
        while not any(run.item == item and (run.finished or run.error) for run in self._runs.all()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{item} did not end within {PATIENCE:.0f} s")
            time.sleep(0.05)
