"""Rematching stored mail after records or policies changed; a dry run shows the differences first."""

from typing import Annotated, Final

from fastapi import Depends, Query, Response

from shared.api.auth import UseCases, needs
from shared.api.models.matching import RematchModel
from shared.api.parameters import Cursor, Kind, RecordId, Responses, guarded_router
from shared.api.shapes import matching
from shared.api.use_cases import ApiUseCases
from shared.domain.privacy.callers import ADMIN, SERVICE, Caller
from shared.domain.records.records import RecordRef

router = guarded_router(tag="rematch")
Keeper = Annotated[Caller, Depends(needs(SERVICE, ADMIN))]
DryRun = Annotated[bool, Query(description="Return the differences and change nothing.")]
Looked = Annotated[int, Query(ge=1, le=1_000, description="The number of messages that a dry run checks.")]
_ANSWERS: Final[Responses] = {
    202: {"model": RematchModel, "description": "The rematch was started; it runs in the background."},
}


@router.post("/records/{kind}/{id}/rematch", responses=_ANSWERS)
def rematch_record(
    *,
    response: Response,
    use_cases: UseCases,
    caller: Keeper,
    kind: Kind,
    id: RecordId,
    dry_run: DryRun = False,
    limit: Looked = 200,
    cursor: Cursor = "",
) -> RematchModel:
    """Match the mail again that is filed on a record, or names its people or its subject.

    Decisions of persons stay. A dry run checks all stored mail page by page.
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
    """Match all stored mail of the organisation again. Decisions of persons stay."""
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
        return matching.differences(found)
    response.status_code = 202
    run = use_cases.rematch.start(caller.tenant_id, ref)
    return RematchModel(run=run, differences=[], seen=0, cursor=None)
