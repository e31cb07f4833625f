"""The right to be forgotten, for an admin: a person's address, asked for once, erased in the background."""

from typing import Annotated

from fastapi import Depends, Path, Request

from shared.api import erasure_shapes
from shared.api.audit import about
from shared.api.auth import UseCases, needs
from shared.api.erasure_models import EraseFields, ErasureModel
from shared.api.parameters import guarded_router, problems
from shared.domain.privacy.callers import ADMIN, Caller
from shared.services.privacy.audit import name_of

router = guarded_router(tag="privacy")
Admin = Annotated[Caller, Depends(needs(ADMIN))]
ErasureId = Annotated[str, Path(description="The `id` that POST erase gave.", max_length=64)]


@router.post("/erase", status_code=202, responses=problems(404))
def erase_person(request: Request, use_cases: UseCases, caller: Admin, body: EraseFields) -> ErasureModel:
    """Erase a person: mail with the address goes, elsewhere it is replaced, and it is never captured again.

    This cannot be undone. Asked again, everything is looked through once more.
    """
    found = use_cases.ask_erasure(caller.tenant_id, body.address, name_of(caller))
    about(request, f"erasure/{found.id}")
    return erasure_shapes.erasure(found)


@router.get("/erase/{id}", responses=problems(404))
def get_erasure(
    use_cases: UseCases,
    caller: Admin,
    id: ErasureId,  # noqa: A002 - the path's own word
) -> ErasureModel:
    """How far an erasure has come."""
    return erasure_shapes.erasure(use_cases.ask_erasure.find(caller.tenant_id, id))
