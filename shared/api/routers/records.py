"""Records: the CRM sends them so that mail can be filed on their timelines."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Query, Request, Response

from shared.api.auth import UseCases, needs
from shared.api.models.records import (
    RECORD_LINE_EXAMPLE,
    FoundRecordsModel,
    LoadModel,
    MergeBody,
    RecordFields,
    RecordLine,
    RecordModel,
    RecordsModel,
    RenameBody,
    WrittenRecordModel,
)
from shared.api.models.words import OpenedBy, RecordKind
from shared.api.parameters import (
    DEFAULT_LIMIT,
    Cursor,
    Kind,
    Limit,
    RecordId,
    Since,
    guarded_router,
    problems,
)
from shared.api.schemas import SCHEMAS
from shared.api.shapes import records
from shared.domain.errors import Forbidden, InvalidInput
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import RecordRef

router = guarded_router(tag="records")
Keeper = Annotated[Caller, Depends(needs(SERVICE, ADMIN))]
Chooser = Annotated[Caller, Depends(needs(SERVICE, ADMIN, AGENT))]
_KEEPERS: Final = frozenset((SERVICE, ADMIN))

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_BODY: Final = 16 * 1024 * 1024
_LINES = (
    '{"kind":"client","id":"CL-7","name":"Fabrikam","domains":["fabrikam.example"]}\n'
    '{"kind":"contact","id":"C-1","name":"Bo Byer","addresses":["bo@fabrikam.example"],"client":"CL-7"}\n'
)


async def _body(request: Request) -> bytes:
    content = bytearray()
    # The host itself would take up to 100 MB.
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY:
            raise HTTPException(413, f"The body exceeds {MAX_BODY // 1024 // 1024} MiB; send fewer lines.")
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
    id: RecordId,
    body: RecordFields,
) -> WrittenRecordModel:
    """Create or replace a whole record. Older mail of its people follows without a request."""
    # A record is replaced whole: null and an absent field both mean that it is empty.
    written = use_cases.put_record(caller.tenant_id, RecordRef(kind, id), body.given())
    response.status_code = 201 if written.created else 200
    return records.written_record(written)


@router.get("/records/{kind}/{id}")
def get_record(
    use_cases: UseCases,
    caller: Keeper,
    kind: Kind,
    id: RecordId,
) -> RecordModel:
    """Return a record."""
    return records.record(use_cases.get_record(caller.tenant_id, RecordRef(kind, id)))


@router.delete("/records/{kind}/{id}", status_code=204)
def delete_record(
    use_cases: UseCases,
    caller: Keeper,
    kind: Kind,
    id: RecordId,
) -> None:
    """Delete a record. Its filed mail stays stored."""
    use_cases.delete_record(caller.tenant_id, RecordRef(kind, id))


@router.post(
    "/records",
    responses=problems(413),
    # The body is read as bytes, of which FastAPI documents nothing by itself.
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/x-ndjson": {"schema": {"type": "string", "format": "binary"}, "example": _LINES},
                "application/json": {
                    "schema": {"type": "array", "items": {"$ref": f"{SCHEMAS}{RecordLine.__name__}"}},
                    "example": [RECORD_LINE_EXAMPLE],
                },
            },
        }
    },
)
def load_records(use_cases: UseCases, caller: Keeper, body: Annotated[bytes, Depends(_body)]) -> LoadModel:
    """Write up to 1,000 records: a JSON array, or one JSON object a line, with `kind`, `id` and the record's fields."""
    return records.load(use_cases.load_records(caller.tenant_id, records.lines(body)))


@router.post("/records/contact/{id}/merge")
def merge_contacts(
    use_cases: UseCases,
    caller: Keeper,
    id: RecordId,
    body: MergeBody,
) -> RecordModel:
    """Merge a contact into another contact, and return the latter. The mail follows within minutes."""
    merged, into = RecordRef("contact", id), RecordRef("contact", body.into)
    return records.record(use_cases.merge_contacts(caller.tenant_id, merged, into))


@router.post("/records/{kind}/{id}/rename")
def rename_record(
    *,
    use_cases: UseCases,
    caller: Keeper,
    kind: Kind,
    id: RecordId,
    body: RenameBody,
) -> RecordModel:
    """Give the CRM's own id to a record that Postledger opened. The mail follows within minutes."""
    return records.record(use_cases.rename_record(caller.tenant_id, RecordRef(kind, id), body.id))


@router.get("/records")
def list_records(
    *,
    use_cases: UseCases,
    caller: Chooser,
    kind: Annotated[
        RecordKind | None, Query(description="Only records of this kind; absent: all kinds.")
    ] = None,
    q: Annotated[
        str,
        Query(
            max_length=200,
            description="Only records with these words in name, summary or (not for agents) addresses.",
        ),
    ] = "",
    origin: Annotated[
        OpenedBy | None,
        Query(description="postledger: only records that Postledger opened, oldest first."),
    ] = None,
    since: Since = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> RecordsModel | FoundRecordsModel:
    """Return a page of records by kind and id; with `origin=postledger`, by the time of opening, from `since` on.

    An agent gets what it takes to choose a record, and uses `kind` and `q` only.
    """
    wanted, words = kind or "", q.strip()
    if not _KEEPERS.intersection(caller.roles):
        if origin or since:
            raise Forbidden("An agent looks records up by 'kind' and 'q'.")
        found = use_cases.list_records(
            caller.tenant_id, wanted, text=words, limit=limit, cursor=cursor, by_address=False
        )
        return records.found_records(found)
    _check_combination(words, since, is_by_origin=origin is not None)
    # The two lists have an order and cursors of their own.
    if origin:
        page = use_cases.list_opened(
            caller.tenant_id, wanted, since=since or _EVER, limit=limit, cursor=cursor
        )
    else:
        page = use_cases.list_records(caller.tenant_id, wanted, text=words, limit=limit, cursor=cursor)
    return RecordsModel(records=[records.record(found) for found in page.records], cursor=page.cursor)


def _check_combination(words: str, since: datetime | None, *, is_by_origin: bool) -> None:
    """Raises InvalidInput for filters that no list has both of."""
    if is_by_origin and words:
        raise InvalidInput("'q' and 'origin' cannot be combined.")
    if since and not is_by_origin:
        raise InvalidInput("'since' needs 'origin=postledger'.")
