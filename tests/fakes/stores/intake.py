"""Acknowledgements in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.intake.acknowledgements import Acknowledgement, Counter
from tests.fakes.etags import Etags, check_etag
from tests.fakes.faults import Faults


class FakeAcknowledgements:
    """Settings by tenant, mailbox and version; counters by tenant and name."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self._etags = Etags()
        self.rows: dict[tuple[str, str, int], Acknowledgement] = {}
        self.counted: dict[tuple[str, str], dict[str, datetime]] = {}

    def get(self, tenant_id: str, mailbox_id: str, version: int = 0) -> Acknowledgement | None:
        self.faults.read("Acknowledgements.get")
        return self.rows.get((tenant_id, mailbox_id, version))

    def save(self, tenant_id: str, mailbox_id: str, wanted: Acknowledgement) -> Acknowledgement:
        with self.faults.write("Acknowledgements.save"):
            standing = self.rows.get((tenant_id, mailbox_id, 0))
            check_etag(standing.etag if standing else None, wanted.etag)
            saved = replace(wanted, etag=self._etags())
            self.rows[tenant_id, mailbox_id, 0] = saved
            self.rows[tenant_id, mailbox_id, wanted.version] = saved
            return saved

    def count(self, tenant_id: str, counters: Sequence[Counter], key: str, at: datetime) -> Counter | None:
        with self.faults.write("Acknowledgements.count"):
            for counter in counters:
                rows = self._within(tenant_id, counter, at)
                if key not in rows and len(rows) >= counter.most:
                    return counter
            for counter in counters:
                rows = self._within(tenant_id, counter, at)
                self.counted[tenant_id, counter.name] = {key: at, **rows}
            return None

    def _within(self, tenant_id: str, counter: Counter, at: datetime) -> dict[str, datetime]:
        rows = self.counted.get((tenant_id, counter.name), {})
        return {name: time for name, time in rows.items() if time > at - counter.window}
