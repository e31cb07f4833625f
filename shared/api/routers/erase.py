"""The right to erasure: an admin requests it for an address, and it runs in the background."""

from typing import Annotated

from fastapi import Depends, Path, Request

from shared.api.audit import about
from shared.api.auth import UseCases, needs
from shared.api.models.privacy import EraseFields, ErasureModel
from shared.api.parameters import guarded_router
from shared.api.shapes import privacy
from shared.domain.privacy.callers import ADMIN, Caller

router = guarded_router(tag="privacy")
Admin = Annotated[Caller, Depends(needs(ADMIN))]
ErasureId = Annotated[str, Path(description="The `id` that `POST erase` returned.", max_length=64)]


@router.post("/erase", status_code=202)
def erase_person(request: Request, use_cases: UseCases, caller: Admin, body: EraseFields) -> ErasureModel:
    """Erase a person: delete mail with the address, replace the address elsewhere, and never capture it again.

    This cannot be undone. A second request searches everything again.
    """
    found = use_cases.ask_erasure(caller.tenant_id, body.address, caller.audit_name)
    # The path names no person, and the audit may not keep the address: the id is its keyed hash.
    about(request, f"erasure/{found.id}")
    return privacy.erasure(found)


@router.get("/erase/{id}")
def get_erasure(
    use_cases: UseCases,
    caller: Admin,
    id: ErasureId,
) -> ErasureModel:
    """Return the progress of an erasure."""
    return privacy.erasure(use_cases.ask_erasure.find(caller.tenant_id, id))
