"""The audit, for an admin: by the page, or whole."""

from typing import Annotated

from fastapi import Depends, Query, Response
from fastapi.responses import StreamingResponse

from shared.api import erasure_shapes
from shared.api.auth import UseCases, needs
from shared.api.erasure_models import AuditModel, AuditRowModel
from shared.api.parameters import DEFAULT_LIMIT, Cursor, Limit, guarded_router
from shared.domain.privacy.audit import AuditFilter
from shared.domain.privacy.callers import ADMIN, Caller

NDJSON = "application/x-ndjson"
router = guarded_router(tag="privacy")
Admin = Annotated[Caller, Depends(needs(ADMIN))]
_LONGEST = 512


def _wanted(
    by: Annotated[str, Query(description="Whose rows only.", max_length=_LONGEST)] = "",
    what: Annotated[str, Query(description="Of one operation only.", max_length=_LONGEST)] = "",
    subject: Annotated[
        str, Query(description="About this only, such as contact/C-1.", max_length=_LONGEST)
    ] = "",
) -> AuditFilter:
    return AuditFilter(by, what, subject)


Wanted = Annotated[AuditFilter, Depends(_wanted)]


@router.get("/audit")
def list_audit(
    use_cases: UseCases, caller: Admin, wanted: Wanted, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> AuditModel:
    """Who read or changed what, newest first. With `subject`, a page may be short and still have a next one."""
    rows, following = use_cases.read_audit(caller.tenant_id, wanted, limit=limit, cursor=cursor)
    return erasure_shapes.audit(rows, following)


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Every row, one JSON object a line, newest first.",
            "content": {
                NDJSON: {
                    "schema": {"type": "string"},
                    "example": AuditRowModel.model_json_schema()["examples"][0],
                }
            },
        }
    },
)
def export_audit(use_cases: UseCases, caller: Admin, wanted: Wanted) -> Response:
    """The whole audit as NDJSON."""
    rows = use_cases.read_audit.all(caller.tenant_id, wanted)
    headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"'}
    return StreamingResponse(erasure_shapes.lines(rows), media_type=NDJSON, headers=headers)
