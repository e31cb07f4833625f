"""Exceptions in memory."""

from dataclasses import replace
from datetime import datetime

from shared.domain.filing.entries import inverted
from shared.ports.stores.exceptions import Failure, FailureFilter
from tests.fakes.faults import Faults


class FakeExceptions:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Failure] = {}

    def record(self, failure: Failure) -> None:
        with self.faults.write("Exceptions.record"):
            self.rows.setdefault((failure.tenant_id, failure.id), failure)

    def get(self, tenant_id: str, failure_id: str) -> Failure | None:
        self.faults.read("Exceptions.get")
        return self.rows.get((tenant_id, failure_id))

    def page(
        self, tenant_id: str, wanted: FailureFilter, *, limit: int, after: str
    ) -> tuple[list[Failure], str]:
        self.faults.read("Exceptions.page")
        rows = {_failure_key(one): one for (tenant, _), one in self.rows.items() if tenant == tenant_id}
        keys = [one for one in sorted(rows) if one > after and _is_wanted(rows[one], wanted)]
        return [rows[one] for one in keys[:limit]], keys[limit - 1] if len(keys) > limit else ""

    def note_replayed(self, failure: Failure, at: datetime) -> None:
        with self.faults.write("Exceptions.note_replayed"):
            key = (failure.tenant_id, failure.id)
            self.rows[key] = replace(self.rows[key], replayed_at=at)

    @property
    def all(self) -> list[Failure]:
        return list(self.rows.values())


def _failure_key(failure: Failure) -> str:
    return f"{inverted(failure.at)}-{failure.id}"


def _is_wanted(failure: Failure, wanted: FailureFilter) -> bool:
    return (
        wanted.code in ("", failure.code)
        and wanted.queue in ("", failure.queue)
        and wanted.item in (None, failure.item)
        and not (wanted.unreplayed and failure.replayed_at)
        and wanted.mailbox_id in ("", failure.mailbox_id)
        and (wanted.since is None or inverted(failure.at) <= inverted(wanted.since))
        and (wanted.until is None or inverted(failure.at) > inverted(wanted.until))
    )
