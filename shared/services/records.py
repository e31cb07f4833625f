"""Records as the CRM pushes them: one at a time or a thousand in a request, read, listed, deleted.

A contact card that carries an address of the organisation's own people is refused: it would file, and so
expose, their colleagues' mail.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.domain.addresses import domain_of
from shared.domain.entries import decode_cursor, encode_cursor
from shared.domain.errors import InvalidInput, Unknown
from shared.domain.fields import Fields
from shared.domain.organisations import in_domains
from shared.domain.records import KINDS, Record, RecordRef
from shared.ports import KnownAddress, Organisations, RecordIndex, Records
from shared.services.late_contacts import AnnounceContacts, CountLateMail

MAX_LINES: Final = 1_000
# A property of a table row holds 64 KiB of UTF-16; a list is one property.
LONGEST_LIST: Final = 30_000


@dataclass(frozen=True, slots=True)
class Written:
    """A record as it now stands, whether it was new, and how many earlier mails it will bring in.

    `late_mail` is None where that is too much to count.
    """

    record: Record
    created: bool
    late_mail: int | None = 0


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of one line, counted from 1; `refusal` says what is wrong with it, '' = written."""

    line: int
    kind: str
    id: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of each line, and how many earlier mails the records will bring in (None: not counted)."""

    results: tuple[LineResult, ...]
    late_mail: int | None = 0


@dataclass(frozen=True, slots=True)
class RecordPage:
    """Records in order of kind and id; the cursor is None on the last page."""

    records: tuple[Record, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands under the addresses of cards before they are written."""

    staff: frozenset[str] = frozenset()
    known: Mapping[str, KnownAddress] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LookUpAddresses:
    """Knows which addresses belong to the organisation's own people, and which records stand under others."""

    index: RecordIndex
    organisations: Organisations

    def __call__(self, tenant_id: str, records: Iterable[Record]) -> Standing:
        """Staff's addresses are registered or on an own domain; one look-up for all the others."""
        asked = {address for one in records for address in one.addresses}
        if not asked:
            return Standing()
        organisation = self.organisations.get(tenant_id)
        own_domains = organisation.own_domains if organisation else ()
        own = {one for one in asked if in_domains(domain_of(one), own_domains)}
        known = self.index.addresses(tenant_id, sorted(asked - own))
        return Standing(frozenset(own | {one for one, found in known.items() if found.is_staff}), known)


@dataclass(frozen=True, slots=True)
class WriteRecords:
    """Write records of which nobody's people are staff, so that mail which came before them follows."""

    records: Records
    announce: AnnounceContacts
    count: CountLateMail

    def __call__(
        self, tenant_id: str, records: Sequence[Record], known: Mapping[str, KnownAddress]
    ) -> int | None:
        """How many mails will follow, None where that is too much to count. Announced first: see there."""
        hashes = self.announce.new_hashes(tenant_id, records, known)
        announced = self.announce(tenant_id, hashes)
        self.records.put_many(tenant_id, records)
        # A first mailbox may have been walked while the records were written.
        if announced or self.announce(tenant_id, hashes):
            return self.count(tenant_id, hashes)
        return 0


@dataclass(frozen=True, slots=True)
class PutRecord:
    """Create or replace one record, whole. Safe to run twice."""

    records: Records
    look_up: LookUpAddresses
    write: WriteRecords

    def __call__(self, tenant_id: str, ref: RecordRef, given: Mapping[str, Any]) -> Written:
        record = Record.from_fields(ref, Fields(given))
        standing = self.look_up(tenant_id, [record])
        refusal = _refusal(record, standing.staff)
        if refusal:
            raise InvalidInput(refusal)
        created = self.records.get(tenant_id, ref) is None
        late_mail = self.write(tenant_id, [record], standing.known)
        return Written(record, created, late_mail)


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

    look_up: LookUpAddresses
    write: WriteRecords

    def __call__(self, tenant_id: str, body: bytes) -> Loaded:
        """One result a line, blank lines left out. Raises InvalidInput for more than 1,000 lines."""
        lines = [(n, line) for n, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
        if len(lines) > MAX_LINES:
            raise InvalidInput(f"At most {MAX_LINES:,} lines a request; this one has {len(lines):,}.")
        read = [_read_line(number, line) for number, line in lines]
        good = [one for one in read if isinstance(one, _GoodLine)]
        standing = self.look_up(tenant_id, [one.record for one in good])
        results = [one if isinstance(one, LineResult) else one.result(standing.staff) for one in read]
        refused = {one.line for one in results if one.refusal}
        latest = {one.record.ref: one.record for one in good if one.number not in refused}
        late_mail = self.write(tenant_id, list(latest.values()), standing.known) if latest else 0
        return Loaded(tuple(results), late_mail)


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
