"""The audit for an admin: a page, or the whole as NDJSON."""

import json
from typing import Annotated

from fastapi import Depends, Query, Response
from fastapi.responses import StreamingResponse

from shared.api.auth import UseCases, needs
from shared.api.models.privacy import AUDIT_ROW_EXAMPLE, AuditModel
from shared.api.parameters import DEFAULT_LIMIT, Cursor, Limit, guarded_router
from shared.api.shapes import privacy
from shared.api.streams import begun
from shared.domain.privacy.audit import AuditFilter
from shared.domain.privacy.callers import ADMIN, Caller

NDJSON = "application/x-ndjson"
router = guarded_router(tag="privacy")
Admin = Annotated[Caller, Depends(needs(ADMIN))]
_LONGEST = 512


def _wanted(
    by: Annotated[str, Query(description="Only rows of this caller.", max_length=_LONGEST)] = "",
    what: Annotated[str, Query(description="Only rows of this operation.", max_length=_LONGEST)] = "",
    subject: Annotated[
        str, Query(description="Only rows about this subject, such as contact/C-1.", max_length=_LONGEST)
    ] = "",
) -> AuditFilter:
    return AuditFilter(by, what, subject)


Wanted = Annotated[AuditFilter, Depends(_wanted)]


@router.get("/audit")
def list_audit(
    use_cases: UseCases, caller: Admin, wanted: Wanted, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> AuditModel:
    """Return a page of audited requests, newest first. With `subject`, a short page may still have a next page."""
    rows, following = use_cases.read_audit(caller.tenant_id, wanted, limit=limit, cursor=cursor)
    return privacy.audit(rows, following)


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "All rows, newest first: one JSON object a line.",
            "content": {
                NDJSON: {
                    "schema": {"type": "string", "format": "binary"},
                    "example": json.dumps(AUDIT_ROW_EXAMPLE) + "\n",
                }
            },
        }
    },
)
def export_audit(use_cases: UseCases, caller: Admin, wanted: Wanted) -> Response:
    """Return the whole audit as NDJSON."""
    rows = use_cases.read_audit.all(caller.tenant_id, wanted)
    headers = {"Content-Disposition": 'attachment; filename="audit.ndjson"'}
    return StreamingResponse(begun(privacy.ndjson(rows)), media_type=NDJSON, headers=headers)
