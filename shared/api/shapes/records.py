"""Records as JSON: one, after it was written, and a load with its result."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any, Final

from shared.api.models.records import (
    FoundRecordModel,
    FoundRecordsModel,
    LineModel,
    LoadModel,
    RecordModel,
    WrittenRecordModel,
)
from shared.domain.errors import InvalidInput
from shared.domain.records.records import Overrides, Record
from shared.services.records.records import LONGEST_LINE, MAX_LINES, LineResult, Loaded, RecordPage, Written

_DECODER: Final = json.JSONDecoder()
_SPACE: Final = re.compile(r"[ \t\r\n]*")


def record(found: Record) -> RecordModel:
    return RecordModel.model_validate(_fields(found))


def found_records(page: RecordPage) -> FoundRecordsModel:
    """Those that may be chosen: one that was merged into another is only a pointer."""
    standing = (record for record in page.records if not record.merged_into)
    names = set(FoundRecordModel.model_fields) - {"kind", "id"}
    shown = [
        FoundRecordModel.model_validate(
            {"kind": record.ref.kind, "id": record.ref.id, **{name: getattr(record, name) for name in names}}
        )
        for record in standing
    ]
    return FoundRecordsModel(records=shown, cursor=page.cursor)


def written_record(written: Written) -> WrittenRecordModel:
    return WrittenRecordModel.model_validate({**_fields(written.record), "late_mail": written.late_mail})


def _fields(found: Record) -> dict[str, Any]:
    # The model says what a reader sees; the ETag and the index keys of a record stay inside.
    same_name = set(RecordModel.model_fields) - {"kind", "id", "overrides", "data"}
    fields = {name: getattr(found, name) for name in same_name}
    data = {datum.name: datum.value for datum in found.data}
    ref = {"kind": found.ref.kind, "id": found.ref.id}
    return {**fields, **ref, "data": data, "overrides": _overrides(found.overrides)}


def _overrides(found: Overrides) -> dict[str, Any]:
    return {**asdict(found), "from_addresses": dict(found.from_addresses)}


def lines(body: bytes) -> bytes:
    """A load as one JSON object a line; it may be one JSON array instead.

    Raises InvalidInput for a broken array, and for one of more than 1,000 items.
    """
    # A line is an object: only an array begins with this bracket, whatever type the body has been given.
    if not body.lstrip().startswith(b"["):
        return body
    try:
        items = list(islice(_items(body.decode().lstrip()), MAX_LINES + 1))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is not a JSON array, or an item of it exceeds 1 MiB.") from error
    if len(items) > MAX_LINES:
        raise InvalidInput(f"At most {MAX_LINES:,} records a request.")
    # Within JSON a line break is white space only: texts escape theirs.
    return "\n".join(item.replace("\n", " ") for item in items).encode()


def _items(text: str) -> Iterator[str]:
    """The texts of an array's items, one by one: millions would not fit into memory. Raises ValueError."""
    at = _next(text, 1)
    if not text.startswith("]", at):
        while True:
            _, length = _DECODER.raw_decode(text[at : at + LONGEST_LINE])
            yield text[at : at + length]
            at = _next(text, at + length)
            if not text.startswith(",", at):
                break
            at = _next(text, at + 1)
    if text[at:].rstrip() != "]":
        raise ValueError("the array does not end here")


def _next(text: str, at: int) -> int:
    """The place of the next character that is no white space."""
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too


def load(loaded: Loaded) -> LoadModel:
    refused = sum(1 for line in loaded.results if line.refusal)
    return LoadModel(
        written=len(loaded.results) - refused,
        refused=refused,
        late_mail=loaded.late_mail,
        results=[_line(line) for line in loaded.results],
    )


def _line(found: LineResult) -> LineModel:
    return LineModel.model_validate(
        {
            "line": found.line,
            "kind": found.kind,
            "id": found.id,
            "status": "refused" if found.refusal else "written",
            "detail": found.refusal or None,
        }
    )
