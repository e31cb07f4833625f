"""The table Runs: the last run of each item of the agenda, all in one partition, so that one request reads them."""

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import escaped
from shared.adapters.storage.table import NEVER, Row, Table, etag_of, in_partition, moment_in
from shared.domain import names
from shared.domain.commands.agenda import Run
from shared.domain.errors import Conflict, NotFound

AGENDA: Final = "agenda"


class AzureRuns:
    """Implements `ports.Runs`. Each method makes one request, and a second one to read what a conflict is about."""

    def __init__(self, connection: Connection) -> None:
        self._table = Table(connection, names.RUNS)

    def all(self) -> list[Run]:
        return [_run(row) for row in self._table.rows(in_partition(AGENDA))]

    def claim(self, run: Run) -> Run | None:
        try:
            return replace(run, etag=self._table.write(_row(run), run.etag))
        except NotFound:
            return None
        except Conflict:
            return self._own(run)

    def end(self, run: Run) -> None:
        with suppress(Conflict, NotFound):
            self._table.write(_row(run), run.etag)

    def _own(self, run: Run) -> Run | None:
        """The claim all the same, where it was written and its answer was lost: it was then tried again."""
        row = self._table.get(AGENDA, escaped(run.item))
        found = _run(row) if row else None
        is_own = found is not None and (found.by, found.due) == (run.by, run.due)
        return found if is_own else None


def _row(run: Run) -> dict[str, Any]:
    return {
        "PartitionKey": AGENDA,
        "RowKey": escaped(run.item),
        "item": run.item,
        "due": run.due,
        "started": run.started,
        "by": run.by,
        "error": run.error,
        "finished": run.finished or NEVER,
    }


def _run(row: Row) -> Run:
    return Run(
        item=str(row["item"]),
        due=row["due"],
        started=row["started"],
        by=str(row["by"]),
        finished=moment_in(row, "finished"),
        error=str(row["error"]),
        etag=etag_of(row),
    )
