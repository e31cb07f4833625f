"""The audit log, erasures, and what a tenant holds, in memory."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.domain import names
from shared.domain.filing.entries import inverted
from shared.domain.privacy.audit import AuditFilter, AuditRow
from shared.domain.privacy.erasure import RUNNING, Deletion, Eraser, Erasure
from shared.domain.sending.outbox import OutboxMail
from tests.fakes.faults import Faults

if TYPE_CHECKING:
    from tests.fakes import FakeStorage


class FakeAudit:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, datetime, str], AuditRow] = {}

    def append(self, tenant_id: str, row: AuditRow) -> None:
        with self.faults.write("Audit.append"):
            self.rows.setdefault((tenant_id, row.at, row.id), row)

    def page(
        self, tenant_id: str, wanted: AuditFilter, *, limit: int, after: str
    ) -> tuple[list[AuditRow], str]:
        self.faults.read("Audit.page")
        rows = {f"{inverted(one.at)}-{one.id}": one for one in self.of(tenant_id)}
        found = [key for key in sorted(rows) if key > after and wanted.takes(rows[key])]
        return [rows[one] for one in found[:limit]], found[limit - 1] if len(found) > limit else ""

    def of(self, tenant_id: str) -> list[AuditRow]:
        """An organisation's, oldest first: for tests."""
        return [row for (tenant, *_), row in sorted(self.rows.items()) if tenant == tenant_id]


class FakeErasures:
    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: dict[tuple[str, str], Erasure] = {}
        self.deletions: dict[str, Deletion] = {}

    def get(self, tenant_id: str, erasure_id: str) -> Erasure | None:
        self.faults.read("Erasures.get")
        return self.rows.get((tenant_id, erasure_id))

    def put(self, tenant_id: str, erasure: Erasure) -> None:
        with self.faults.write("Erasures.put"):
            self.rows[tenant_id, erasure.id] = erasure

    def running(self, tenant_id: str) -> list[Erasure]:
        self.faults.read("Erasures.running")
        return [one for (tenant, _), one in self.rows.items() if tenant == tenant_id and one.state == RUNNING]

    def deletion(self, organisation: str) -> Deletion | None:
        self.faults.read("Erasures.deletion")
        return self.deletions.get(organisation)

    def note_deletion(self, deletion: Deletion) -> None:
        with self.faults.write("Erasures.note_deletion"):
            self.deletions[deletion.organisation] = deletion


class FakeHoldings:
    """Knows of each fake's rows by table: every key begins with the tenant, or is the tenant."""

    def __init__(self, storage: "FakeStorage") -> None:
        self.faults = storage.faults
        self._tables: dict[str, tuple[dict[Any, Any], ...]] = {
            names.TIMELINE: (storage.timeline.rows,),
            names.INBOX: (storage.inbox.rows, storage.inbox.pending),
            names.NOTICES: (storage.notices.rows, storage.notices.marks, storage.notices.numbers),
            names.EVENTS: (storage.events.rows,),
            names.SIGHTINGS: (storage.sightings.rows,),
            names.PENDING: (storage.pending.rows,),
            names.MAILBOXES: (storage.mailboxes.rows,),
            names.SYNC_STATES: (storage.folder_states.rows, storage.backfills.rows),
            names.SUBSCRIPTION_STATES: (storage.subscriptions.rows,),
            names.EXCEPTIONS: (storage.exceptions.rows,),
            names.LATE_CONTACTS_STATES: (storage.late_contacts.rows, storage.late_contacts.asked),
            names.ORGANISATIONS: (storage.habits.rows, storage.organisations.rows),
            names.CODES: (storage.codes.rows, storage.codes.forged),
            names.MESSAGES: (storage.messages.rows, storage.messages.conversations),
            names.RECORDS: (storage.records.rows,),
            names.AUDIT: (storage.audit.rows,),
            names.ERASURES: (storage.erasures.rows,),
            names.CONNECTION_STATES: (storage.connections.rows,),
            names.RUNS: (storage.runs.rows,),
            names.OUTBOX: (storage.outbox.rows,),
            names.ACKNOWLEDGEMENTS: (storage.acknowledgements.rows, storage.acknowledgements.counted),
            names.CREDENTIALS: (storage.credentials.rows,),
            names.UPLOADS: (storage.uploads.rows,),
            names.SIGNATURES: (storage.signatures.rows,),
            names.UPLOADED: (storage.uploads.files,),
            names.CAMPAIGNS: (storage.campaigns.rows, storage.campaigns.listed),
            names.UNSUBSCRIBED: (storage.silences.rows,),
            names.ATTACHMENTS: (storage.attachments.rows,),
        }
        self._index = storage.index

    @property
    def places(self) -> tuple[str, ...]:
        others = (one for one in self._tables if one != names.ORGANISATIONS)
        return (*others, names.RECORD_INDEX, names.ORGANISATIONS)

    @property
    def rewritable(self) -> tuple[str, ...]:
        own = (names.MESSAGES, names.ERASURES, names.AUDIT, names.ATTACHMENTS, names.UPLOADED)
        return (*(one for one in self._tables if one not in own), names.RECORD_INDEX)

    def erase(self, tenant_id: str, table: str, eraser: Eraser, *, limit: int, after: str) -> tuple[int, str]:
        with self.faults.write("Holdings.erase"):
            if table == names.RECORD_INDEX:
                mine = {one for one in self._index.taught if one[:2] == (tenant_id, eraser.address)}
                self._index.taught -= mine
                return len(mine), ""
            flat = [one for rows in self._tables[table] for one in _flat(rows, tenant_id)]
            start = int(after or 0)
            for rows, key in flat[start : start + limit]:
                goes = table in (names.TIMELINE, names.INBOX) and eraser.names_person(_people(rows[key]))
                if goes or (eraser.hash and eraser.hash in str(key)):
                    del rows[key]
                else:
                    rows[key] = _erased(rows[key], eraser)
            return 0, str(start + limit) if len(flat) > start + limit else ""

    def clear(self, tenant_id: str, place: str, *, limit: int) -> bool:
        with self.faults.write("Holdings.clear"):
            if place == names.RECORD_INDEX:
                self._index.taught = {one for one in self._index.taught if one[0] != tenant_id}
                self._index.staff = {one for one in self._index.staff if one[0] != tenant_id}
                return False
            flat = [one for rows in self._tables[place] for one in _flat(rows, tenant_id)]
            for rows, key in flat[:limit]:
                del rows[key]
            if len(flat) <= limit:
                for rows in self._tables[place]:
                    for key in [one for one in rows if _tenant(one) == tenant_id]:
                        del rows[key]
            return len(flat) > limit


def _tenant(key: Any) -> str:
    return str(key[0] if isinstance(key, tuple) else key)


def _flat(rows: dict[Any, Any], tenant_id: str) -> list[tuple[dict[Any, Any], Any]]:
    """Where each single row of a tenant stands."""
    found: list[tuple[dict[Any, Any], Any]] = []
    for key, value in rows.items():
        if _tenant(key) == tenant_id:
            found += [(value, one) for one in value] if isinstance(value, dict) else [(rows, key)]
    return found


def _erased(row: Any, eraser: Eraser) -> Any:
    """Of what a mail to the person says, nothing stays."""
    erased = eraser.value(row)
    if isinstance(row, OutboxMail) and eraser.names_person(_people(row)):
        return replace(erased, subject="", html="", text="")
    return erased


def _people(row: Any) -> object:
    return (getattr(row, "sender", None), *getattr(row, "to", ()), *getattr(row, "cc", ()))
