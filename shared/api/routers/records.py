"""Records: what the CRM pushes so that mail finds its place."""

from typing import Annotated, Final

from fastapi import Depends, HTTPException, Query, Request, Response

from shared.api import shapes
from shared.api.auth import UseCases, needs
from shared.api.models import LoadModel, RecordFields, RecordModel, RecordsModel, WrittenRecordModel
from shared.api.parameters import DEFAULT_LIMIT, Cursor, Kind, Limit, RecordId, guarded_router, problems
from shared.domain.callers import ADMIN, SERVICE, Caller
from shared.domain.records import RecordRef

router = guarded_router(tag="records")
Keeper = Annotated[Caller, Depends(needs(SERVICE, ADMIN))]

MAX_BODY: Final = 16 * 1024 * 1024
_LINES = (
    '{"kind":"client","id":"CL-7","name":"Fabrikam","domains":["fabrikam.example"]}\n'
    '{"kind":"contact","id":"C-1","name":"Bo Byer","addresses":["bo@fabrikam.example"],"client":"CL-7"}\n'
)


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            raise HTTPException(413, f"The body is over {MAX_BODY // 1024 // 1024} MiB; send fewer lines.")
    return bytes(content)


@router.put(
    "/records/{kind}/{id}",
    responses={201: {"model": WrittenRecordModel, "description": "The record is new."}},
)
def put_record(
    *,
    response: Response,
    use_cases: UseCases,
    caller: Keeper,
    kind: Kind,
    id: RecordId,  # noqa: A002 - the path's own word
    body: RecordFields,
) -> WrittenRecordModel:
    """Create or replace a record, whole. Mail of its people that came before it follows by itself."""
    given = body.model_dump(exclude_none=True)
    written = use_cases.put_record(caller.tenant_id, RecordRef(kind, id), given)
    response.status_code = 201 if written.created else 200
    return shapes.written_record(written)


@router.get("/records/{kind}/{id}", responses=problems(404))
def get_record(
    use_cases: UseCases,
    caller: Keeper,
    kind: Kind,
    id: RecordId,  # noqa: A002 - the path's own word
) -> RecordModel:
    """Read a record."""
    return shapes.record(use_cases.get_record(caller.tenant_id, RecordRef(kind, id)))


@router.delete("/records/{kind}/{id}", status_code=204, responses=problems(404))
def delete_record(
    use_cases: UseCases,
    caller: Keeper,
    kind: Kind,
    id: RecordId,  # noqa: A002 - the path's own word
) -> None:
    """Delete a record. Mail that was filed on it stays stored."""
    use_cases.delete_record(caller.tenant_id, RecordRef(kind, id))


@router.post(
    "/records",
    responses=problems(413),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/x-ndjson": {"schema": {"type": "string"}, "example": _LINES}},
        }
    },
)
def load_records(use_cases: UseCases, caller: Keeper, body: Annotated[bytes, Depends(_body)]) -> LoadModel:
    """Write up to 1,000 records, one JSON object a line: `kind`, `id` and the record's fields."""
    return shapes.load(use_cases.load_records(caller.tenant_id, body))


@router.get("/records")
def list_records(
    *,
    use_cases: UseCases,
    caller: Keeper,
    kind: Annotated[str, Query(max_length=32, description="One kind of record; empty = all.")] = "",
    q: Annotated[str, Query(max_length=200, description="Words in name, summary or addresses.")] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> RecordsModel:
    """A page of records by kind and id."""
    page = use_cases.list_records(caller.tenant_id, kind, text=q.strip(), limit=limit, cursor=cursor)
    return RecordsModel(records=[shapes.record(one) for one in page.records], cursor=page.cursor)
