"""Organisations: the own settings for an admin; enabling and listing for the operator."""

from typing import Annotated

from fastapi import Depends, Query

from shared.api import erasure_shapes, shapes
from shared.api.auth import UseCases, needs
from shared.api.erasure_models import DeletionModel
from shared.api.models import OrganisationFields, OrganisationModel, OrganisationsModel
from shared.api.parameters import DEFAULT_LIMIT, Cursor, Limit, guarded_router, problems
from shared.domain.filing.entries import decode_cursor, encode_cursor
from shared.domain.privacy.callers import ADMIN, OPERATOR, Caller

router = guarded_router(tag="organisations")
Settler = Annotated[Caller, Depends(needs(ADMIN, OPERATOR))]
Operator = Annotated[Caller, Depends(needs(OPERATOR))]


@router.get("/organisation", responses=problems(404))
def get_organisation(use_cases: UseCases, caller: Settler) -> OrganisationModel:
    """Read the organisation's settings."""
    return shapes.organisation(use_cases.get_organisation(caller.tenant_id))


@router.put("/organisation")
def put_organisation(use_cases: UseCases, caller: Settler, body: OrganisationFields) -> OrganisationModel:
    """Change the organisation's settings. The operator's first call makes the organisation known."""
    given = body.model_dump(exclude_unset=True, exclude={"state", "tenant_id"})
    return shapes.organisation(use_cases.put_organisation(caller, given))


@router.delete("/organisation", status_code=202, responses=problems(404))
def delete_organisation(
    use_cases: UseCases,
    caller: Settler,
    confirm: Annotated[str, Query(description="The organisation's tenant id.", max_length=64)] = "",
) -> DeletionModel:
    """Take away everything that is stored of the organisation. This cannot be undone.

    Nobody is served any more from now on; the rest is done in the background. Asked again, it tells from when.
    """
    return erasure_shapes.deletion(use_cases.ask_deletion(caller, confirm))


@router.get("/organisations")
def list_organisations(
    use_cases: UseCases, _caller: Operator, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> OrganisationsModel:
    """A page of all organisations by tenant id."""
    after = decode_cursor(cursor) if cursor else ""
    page, following = use_cases.list_organisations(limit=limit, after=after)
    return OrganisationsModel(
        organisations=[shapes.organisation(one) for one in page],
        cursor=encode_cursor(following) if following else None,
    )
