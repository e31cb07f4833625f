"""Deciding anew on stored mail, after records or policies have changed: told first, then done."""

from typing import Annotated

from fastapi import Depends, Query, Response

from shared.api import shapes
from shared.api.auth import UseCases, needs
from shared.api.operation_models import RematchModel
from shared.api.parameters import Cursor, Kind, RecordId, guarded_router, problems
from shared.api.use_cases import ApiUseCases
from shared.domain.privacy.callers import ADMIN, SERVICE, Caller
from shared.domain.records.records import RecordRef

router = guarded_router(tag="rematch")
Keeper = Annotated[Caller, Depends(needs(SERVICE, ADMIN))]
DryRun = Annotated[bool, Query(description="Tell what would change, and change nothing.")]
Looked = Annotated[int, Query(ge=1, le=1_000, description="How many messages a dry run looks at.")]
_ANSWERS = {
    202: {"model": RematchModel, "description": "Asked for; it is done in the background."},
    **problems(404),
}


@router.post("/records/{kind}/{id}/rematch", responses=_ANSWERS)
def rematch_record(
    *,
    response: Response,
    use_cases: UseCases,
    caller: Keeper,
    kind: Kind,
    id: RecordId,  # noqa: A002 - the path's own word
    dry_run: DryRun = False,
    limit: Looked = 200,
    cursor: Cursor = "",
) -> RematchModel:
    """Decide anew on the mail that stands on a record, or names its people or its subject.

    What persons have decided stays. A dry run goes through all stored mail page by page.
    """
    ref = RecordRef(kind, id)
    return _answer(response, use_cases, caller, ref, dry_run=dry_run, limit=limit, cursor=cursor)


@router.post("/rematch", responses=_ANSWERS)
def rematch(
    *,
    response: Response,
    use_cases: UseCases,
    caller: Keeper,
    dry_run: DryRun = False,
    limit: Looked = 200,
    cursor: Cursor = "",
) -> RematchModel:
    """Decide anew on all stored mail of the organisation. What persons have decided stays."""
    return _answer(response, use_cases, caller, None, dry_run=dry_run, limit=limit, cursor=cursor)


def _answer(
    response: Response,
    use_cases: ApiUseCases,
    caller: Caller,
    ref: RecordRef | None,
    *,
    dry_run: bool,
    limit: int,
    cursor: str,
) -> RematchModel:
    if dry_run:
        found = use_cases.rematch.differences(caller.tenant_id, ref, limit=limit, cursor=cursor)
        return shapes.differences(found)
    response.status_code = 202
    run = use_cases.rematch.start(caller.tenant_id, ref)
    return RematchModel(run=run, differences=[], seen=0, cursor=None)
