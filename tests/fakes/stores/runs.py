"""The agenda's runs in memory."""

from dataclasses import replace

from shared.domain.commands.agenda import Run
from shared.domain.errors import Conflict
from tests.fakes.etags import Etags, check_etag
from tests.fakes.faults import Faults


class FakeRuns:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[str, Run] = {}
        self._etags = Etags()

    def all(self) -> list[Run]:
        self.faults.read("Runs.all")
        return list(self.rows.values())

    def claim(self, run: Run) -> Run | None:
        with self.faults.write("Runs.claim"):
            return self._write(run)

    def end(self, run: Run) -> None:
        with self.faults.write("Runs.end"):
            self._write(run)

    def _write(self, run: Run) -> Run | None:
        found = self.rows.get(run.item)
        try:
            check_etag(found.etag if found else None, run.etag)
        except Conflict:
            is_own = found is not None and (found.by, found.due) == (run.by, run.due)
            return found if is_own else None
        self.rows[run.item] = replace(run, etag=self._etags())
        return self.rows[run.item]
