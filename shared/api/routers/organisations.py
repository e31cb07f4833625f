"""Organisations: an admin changes the settings, the operator enables and lists organisations."""

from typing import Annotated, Final

from fastapi import Depends, Query, Request

from shared.api.audit import leave_out
from shared.api.auth import UseCases, needs
from shared.api.models.organisations import OrganisationFields, OrganisationModel, OrganisationsModel
from shared.api.models.privacy import DeletionModel
from shared.api.parameters import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    cursor_after,
    guarded_router,
    name_before,
)
from shared.api.shapes import organisations, privacy
from shared.domain.privacy.callers import ADMIN, OPERATOR, Caller

READ_ONLY: Final = ("state", "tenant_id", "earlier_code_prefixes")
router = guarded_router(tag="organisations")
Settler = Annotated[Caller, Depends(needs(ADMIN, OPERATOR))]
Operator = Annotated[Caller, Depends(needs(OPERATOR))]


@router.get("/organisation")
def get_organisation(use_cases: UseCases, caller: Settler) -> OrganisationModel:
    """Return the organisation's settings."""
    return organisations.organisation(use_cases.get_organisation(caller.tenant_id))


@router.put("/organisation")
def put_organisation(use_cases: UseCases, caller: Settler, body: OrganisationFields) -> OrganisationModel:
    """Change the organisation's settings. The operator's first call creates the organisation."""
    # A caller may send back all that GET returned, read-only fields included.
    given = {name: value for name, value in body.given().items() if name not in READ_ONLY}
    return organisations.organisation(use_cases.put_organisation(caller, given))


@router.delete("/organisation", status_code=202)
def delete_organisation(
    request: Request,
    use_cases: UseCases,
    caller: Settler,
    confirm: Annotated[str, Query(description="The organisation's tenant id.", max_length=64)] = "",
) -> DeletionModel:
    """Delete everything that is stored for the organisation. This cannot be undone.

    Callers are refused at once; the rest follows. A second request returns the state of the first.
    """
    asked = use_cases.ask_deletion(caller, confirm)
    if not asked.is_first:
        # The audit is deleted with the organisation, and a later row would stay for good.
        leave_out(request)
    return privacy.deletion(asked.deletion)


@router.get("/organisations")
def list_organisations(
    use_cases: UseCases, _caller: Operator, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> OrganisationsModel:
    """Return a page of all organisations by tenant id."""
    page, following = use_cases.list_organisations(limit=limit, after=name_before(cursor))
    return OrganisationsModel(
        organisations=[organisations.organisation(found) for found in page], cursor=cursor_after(following)
    )
