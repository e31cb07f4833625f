"""Records as JSON: one, after it was written, and a load with its result."""

import json
from dataclasses import asdict
from typing import Any

from shared.api.models.records import (
    FoundRecordModel,
    FoundRecordsModel,
    LineModel,
    LoadModel,
    RecordModel,
    WrittenRecordModel,
)
from shared.domain.errors import InvalidInput
from shared.domain.records.records import Record
from shared.services.records.records import LineResult, Loaded, RecordPage, Written


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
    same_name = set(RecordModel.model_fields) - {"kind", "id", "overrides"}
    fields = {name: getattr(found, name) for name in same_name}
    return {**fields, "kind": found.ref.kind, "id": found.ref.id, "overrides": asdict(found.overrides)}


def lines(body: bytes) -> bytes:
    """A load as one JSON object a line; it may be one JSON array instead. Raises InvalidInput for a broken array."""
    # A line is an object: only an array begins with this bracket, whatever type the body has been given.
    if not body.lstrip().startswith(b"["):
        return body
    try:
        items = json.loads(body)
        return "\n".join(map(json.dumps, items)).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is not a JSON array.") from error


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
