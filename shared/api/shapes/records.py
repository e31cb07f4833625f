"""Records as JSON: one, after it was written, and the result of a load."""

from dataclasses import asdict
from typing import Any

from shared.api.models.records import LineModel, LoadModel, RecordModel, WrittenRecordModel
from shared.domain.records.records import Record
from shared.services.records.records import LineResult, Loaded, Written


def record(found: Record) -> RecordModel:
    return RecordModel.model_validate(_fields(found))


def written_record(written: Written) -> WrittenRecordModel:
    return WrittenRecordModel.model_validate({**_fields(written.record), "late_mail": written.late_mail})


def _fields(found: Record) -> dict[str, Any]:
    # The model says what a reader sees; the ETag and the index keys of a record stay inside.
    same_name = set(RecordModel.model_fields) - {"kind", "id", "overrides"}
    fields = {name: getattr(found, name) for name in same_name}
    return {**fields, "kind": found.ref.kind, "id": found.ref.id, "overrides": asdict(found.overrides)}


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
