"""Records as the CRM pushes them: one at a time or a thousand in a request, read, listed, deleted.

A contact card that carries an address of the organisation's own people is refused: it would file, and so
expose, their colleagues' mail.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput, Unknown
from shared.domain.filing.entries import decode_cursor, encode_cursor
from shared.domain.records.record_rules import Insiders, refusal
from shared.domain.records.records import KINDS, Record, RecordRef
from shared.ports.stores.connections import Organisations
from shared.ports.stores.records import RecordIndex, Records
from shared.services.records.deals import Deals
from shared.services.records.record_writing import LookUpInsiders, Outcome, WriteRecords

MAX_LINES: Final = 1_000


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
class PutRecord:
    """Create or replace one record, whole. Safe to run twice."""

    look_up: LookUpInsiders
    write: WriteRecords

    def __call__(self, tenant_id: str, ref: RecordRef, given: Mapping[str, Any]) -> Written:
        """Raises InvalidInput."""
        record = Record.from_fields(ref, Fields(given))
        insiders = self.look_up(tenant_id, [record])
        refused = refusal(record, insiders)
        if refused:
            raise InvalidInput(refused)
        outcome = self.write(tenant_id, [record], insiders.own_domains)
        if outcome.refused:
            raise InvalidInput(outcome.refused[ref])
        return Written(outcome.written[ref], ref in outcome.created, outcome.late_mail)


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
    """Delete one record; its mail stays stored. Raises Unknown.

    Opportunities and projects that list a contact forget its domains before it goes, so that a run which is cut
    short can be repeated, and once more after, for those written meanwhile.
    """

    records: Records
    deals: Deals
    organisations: Organisations

    def __call__(self, tenant_id: str, ref: RecordRef) -> None:
        self._renew(tenant_id, ref)
        if not self.records.delete(tenant_id, ref):
            raise Unknown(f"There is no record {ref}.")
        self._renew(tenant_id, ref)

    def _renew(self, tenant_id: str, ref: RecordRef) -> None:
        listing_contact = self.deals.listing_contact(tenant_id, [ref.id]) if ref.kind == "contact" else []
        if listing_contact:
            organisation = self.organisations.get(tenant_id)
            own_domains = organisation.own_domains if organisation else ()
            self.deals.renew(tenant_id, listing_contact, own_domains, {ref.id: None})


@dataclass(frozen=True, slots=True)
class LoadRecords:
    """Write the records of an NDJSON body, a line each: `{"kind","id",...}`. A bad line harms no other.

    Of several lines for one record the last good one stands. Safe to run twice.
    """

    look_up: LookUpInsiders
    write: WriteRecords

    def __call__(self, tenant_id: str, body: bytes) -> Loaded:
        """One result a line, blank lines left out. Raises InvalidInput for more than 1,000 lines."""
        read = [_read_line(number, line) for number, line in _numbered_lines(body)]
        insiders = self.look_up(tenant_id, [good.record for good in _good(read)])
        checked = [_checked(line, insiders) for line in read]
        # A storage transaction takes each row once, so of several lines for one record the last good one is written.
        latest = {good.record.ref: good.record for good in _good(checked)}
        outcome = self.write(tenant_id, list(latest.values()), insiders.own_domains) if latest else Outcome()
        return Loaded(tuple(_result(line, outcome) for line in checked), outcome.late_mail)


@dataclass(frozen=True, slots=True)
class ListOpened:
    """A page of the records that Postledger opened since a time, oldest first; of one kind, or of all ('')."""

    records: Records
    index: RecordIndex

    def __call__(self, tenant_id: str, kind: str, *, since: datetime, limit: int, cursor: str) -> RecordPage:
        """With a kind, a page may be short or empty and still have a cursor."""
        _check_kind(kind)
        after = decode_cursor(cursor) if cursor else ""
        refs, following = self.index.opened(tenant_id, since, limit=limit, after=after)
        found = self.records.get_many(tenant_id, [ref for ref in refs if kind in ("", ref.kind)])
        # The index may name a record that the CRM has deleted since.
        shown = tuple(found[ref] for ref in refs if ref in found)
        return RecordPage(shown, encode_cursor(following) if following else None)


@dataclass(frozen=True, slots=True)
class ListRecords:
    """A page of records, of one kind or of all (''), whose name, summary or address holds `text`.

    Not `by_address`: an agent chooses among records, and learns no contact's address by guessing at it.
    """

    records: Records

    def __call__(
        self, tenant_id: str, kind: str, *, text: str, limit: int, cursor: str, by_address: bool = True
    ) -> RecordPage:
        start_kind, after = _position(kind, cursor)
        left = _kinds_from(kind, start_kind)
        found: list[Record] = []
        # A page is one partition's at storage, and each kind is a partition: what is left of it goes on in the next.
        while left:
            current, left = left[0], left[1:]
            page, following = self.records.page(
                tenant_id,
                current,
                text=text,
                limit=limit - len(found),
                after=after,
                by_address=by_address,
            )
            found += page
            if following:
                return RecordPage(tuple(found), encode_cursor(f"{current}/{following}"))
            if left and len(found) >= limit:
                return RecordPage(tuple(found), encode_cursor(f"{left[0]}/"))
            after = ""
        return RecordPage(tuple(found), None)


def _kinds_from(kind: str, start: str) -> Sequence[str]:
    return (kind,) if kind else KINDS[KINDS.index(start) :]


def _check_kind(kind: str) -> None:
    if kind and kind not in KINDS:
        raise InvalidInput(f"'{kind}' is no kind of record; the kinds are {', '.join(KINDS)}.")


def _position(kind: str, cursor: str) -> tuple[str, str]:
    _check_kind(kind)
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

    def result(self, outcome: Outcome) -> LineResult:
        ref = self.record.ref
        return LineResult(self.number, ref.kind, ref.id, outcome.refused.get(ref, ""))


def _checked(line: _GoodLine | LineResult, insiders: Insiders) -> _GoodLine | LineResult:
    said = refusal(line.record, insiders) if isinstance(line, _GoodLine) else ""
    if not isinstance(line, _GoodLine) or not said:
        return line
    return LineResult(line.number, line.record.ref.kind, line.record.ref.id, said)


def _numbered_lines(body: bytes) -> list[tuple[int, bytes]]:
    # Blank lines count, so that a result names the line that an editor shows.
    numbered = enumerate(body.split(b"\n"), start=1)
    lines = [(number, line) for number, line in numbered if line.strip()]
    if len(lines) > MAX_LINES:
        raise InvalidInput(f"At most {MAX_LINES:,} lines a request; this one has {len(lines):,}.")
    return lines


def _good(lines: Iterable[_GoodLine | LineResult]) -> Iterator[_GoodLine]:
    return (line for line in lines if isinstance(line, _GoodLine))


def _result(line: _GoodLine | LineResult, outcome: Outcome) -> LineResult:
    return line.result(outcome) if isinstance(line, _GoodLine) else line


def _read_line(number: int, line: bytes) -> _GoodLine | LineResult:
    try:
        content = json.loads(line.decode())
        # JSON may escape half a surrogate pair: Python reads it, and storage could not encode it.
        json.dumps(content, ensure_ascii=False).encode()
    # Brackets nested some hundreds deep end in RecursionError, which is no ValueError.
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
        # Cut, since an answer repeats up to a thousand of them, and what was refused may be of any length.
        return LineResult(number, kind[:128], record_id[:128], str(error))
