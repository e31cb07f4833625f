"""Records as the CRM pushes them: one at a time or a thousand in a request, read, listed, deleted.

A contact card that carries an address of the organisation's own people is refused: it would file, and so
expose, their colleagues' mail.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.addresses import domain_of
from shared.domain.entries import decode_cursor, encode_cursor
from shared.domain.errors import InvalidInput, Unknown
from shared.domain.fields import Fields
from shared.domain.organisations import in_domains
from shared.domain.records import KINDS, Record, RecordRef
from shared.ports import Organisations, RecordIndex, Records

MAX_LINES: Final = 1_000
# A property of a table row holds 64 KiB of UTF-16; a list is one property.
LONGEST_LIST: Final = 30_000


@dataclass(frozen=True, slots=True)
class Written:
    """A record as it now stands, and whether it was new."""

    record: Record
    created: bool


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of one line, counted from 1; `refusal` says what is wrong with it, '' = written."""

    line: int
    kind: str
    id: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Records in order of kind and id; the cursor is None on the last page."""

    records: tuple[Record, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class StaffAddresses:
    """Knows which addresses belong to the organisation's own people."""

    index: RecordIndex
    organisations: Organisations

    def among(self, tenant_id: str, records: Iterable[Record]) -> frozenset[str]:
        """Addresses on contact cards that are staff's, registered or on an own domain; one look-up for all."""
        asked = {address for one in records for address in one.addresses}
        if not asked:
            return frozenset()
        organisation = self.organisations.get(tenant_id)
        own_domains = organisation.own_domains if organisation else ()
        own = {one for one in asked if in_domains(domain_of(one), own_domains)}
        known = self.index.addresses(tenant_id, sorted(asked - own))
        return frozenset(own | {one for one, found in known.items() if found.is_staff})


@dataclass(frozen=True, slots=True)
class PutRecord:
    """Create or replace one record, whole. Safe to run twice."""

    records: Records
    staff: StaffAddresses

    def __call__(self, tenant_id: str, ref: RecordRef, given: Mapping[str, Any]) -> Written:
        record = Record.from_fields(ref, Fields(given))
        refusal = _refusal(record, self.staff.among(tenant_id, [record]))
        if refusal:
            raise InvalidInput(refusal)
        created = self.records.get(tenant_id, ref) is None
        self.records.put_many(tenant_id, [record])
        return Written(record, created)


@dataclass(frozen=True, slots=True)
class GetRecord:
    """Read one record. Raises Unknown."""

    records: Records

    def __call__(self, tenant_id: str, ref: RecordRef) -> Record:
        record = self.records.get(tenant_id, ref)
        if record is None:
            raise Unknown(f"There is no record {ref}.")
        return record


@dataclass(frozen=True, slots=True)
class DeleteRecord:
    """Delete one record; its mail stays stored. Raises Unknown."""

    records: Records

    def __call__(self, tenant_id: str, ref: RecordRef) -> None:
        if not self.records.delete(tenant_id, ref):
            raise Unknown(f"There is no record {ref}.")


@dataclass(frozen=True, slots=True)
class LoadRecords:
    """Write the records of an NDJSON body, a line each: `{"kind","id",...}`. A bad line harms no other.

    Of several lines for one record the last good one stands. Safe to run twice.
    """

    records: Records
    staff: StaffAddresses

    def __call__(self, tenant_id: str, body: bytes) -> list[LineResult]:
        """One result a line, blank lines left out. Raises InvalidInput for more than 1,000 lines."""
        lines = [(n, line) for n, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
        if len(lines) > MAX_LINES:
            raise InvalidInput(f"At most {MAX_LINES:,} lines a request; this one has {len(lines):,}.")
        read = [_read_line(number, line) for number, line in lines]
        good = [one for one in read if isinstance(one, _GoodLine)]
        staff = self.staff.among(tenant_id, (one.record for one in good))
        results = [one if isinstance(one, LineResult) else one.result(staff) for one in read]
        refused = {one.line for one in results if one.refusal}
        standing = {one.record.ref: one.record for one in good if one.number not in refused}
        if standing:
            self.records.put_many(tenant_id, list(standing.values()))
        return results


@dataclass(frozen=True, slots=True)
class ListRecords:
    """A page of records, of one kind or of all (''), whose name, summary or address holds `text`."""

    records: Records

    def __call__(self, tenant_id: str, kind: str, *, text: str, limit: int, cursor: str) -> RecordPage:
        start_kind, after = _position(kind, cursor)
        found: list[Record] = []
        for one in _kinds_from(kind, start_kind):
            page, following = self.records.page(
                tenant_id, one, text=text, limit=limit - len(found), after=after
            )
            found += page
            if following:
                return RecordPage(tuple(found), encode_cursor(f"{one}/{following}"))
            after = ""
            if len(found) >= limit and one != _kinds_from(kind, start_kind)[-1]:
                return RecordPage(tuple(found), encode_cursor(f"{KINDS[KINDS.index(one) + 1]}/"))
        return RecordPage(tuple(found), None)


def _kinds_from(kind: str, start: str) -> Sequence[str]:
    return (kind,) if kind else KINDS[KINDS.index(start) :]


def _position(kind: str, cursor: str) -> tuple[str, str]:
    if kind and kind not in KINDS:
        raise InvalidInput(f"'{kind}' is no kind of record; the kinds are {', '.join(KINDS)}.")
    if not cursor:
        return kind or KINDS[0], ""
    start, _, after = decode_cursor(cursor).partition("/")
    if start not in KINDS or (kind and start != kind):
        raise InvalidInput("'cursor' must be a value that this list gave; start again without it.")
    return start, after


@dataclass(frozen=True, slots=True)
class _GoodLine:
    number: int
    record: Record

    def result(self, staff: frozenset[str]) -> LineResult:
        ref = self.record.ref
        return LineResult(self.number, ref.kind, ref.id, _refusal(self.record, staff))


def _read_line(number: int, line: bytes) -> _GoodLine | LineResult:
    try:
        content = json.loads(line.decode())
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return LineResult(number, "", "", "The line is not one JSON object in UTF-8.")
    if not isinstance(content, dict):
        return LineResult(number, "", "", "The line is not a JSON object.")
    kind, record_id = content.pop("kind", None), content.pop("id", None)
    if not isinstance(kind, str) or not isinstance(record_id, str):
        return LineResult(number, "", "", "The line needs the texts 'kind' and 'id'.")
    try:
        return _GoodLine(number, Record.from_fields(RecordRef(kind, record_id), Fields(content)))
    except InvalidInput as error:
        return LineResult(number, kind[:128], record_id[:128], str(error))


def _refusal(record: Record, staff: frozenset[str]) -> str:
    """Why a well-formed record cannot be taken; '' when it can."""
    for name in ("addresses", "domains", "contacts", "properties"):
        if sum(len(one) + 3 for one in getattr(record, name)) > LONGEST_LIST:
            return f"'{name}' is too long: together its items may have {LONGEST_LIST:,} characters."
    own = [one for one in record.addresses if one in staff]
    if not own:
        return ""
    return (
        f"{', '.join(own)} belongs to the organisation's own people. A contact card with it would expose "
        "colleagues' mail; leave the address out."
    )
