"""The person who calls: what they are here, and their signature."""

from typing import Annotated

from fastapi import Depends, Request, Response

from shared.api.auth import UseCases, needs
from shared.api.etags import conditional
from shared.api.models.me import MeModel, SignatureFields, SignatureModel
from shared.api.parameters import UNCHANGED, guarded_router
from shared.api.shapes import me
from shared.domain.privacy.callers import ADMIN, AGENT, Caller

router = guarded_router(tag="me")
Person = Annotated[Caller, Depends(needs(AGENT, ADMIN))]


@router.get("/me", response_model=MeModel, responses=UNCHANGED)
def get_me(*, request: Request, use_cases: UseCases, caller: Person) -> Response:
    """Return your roles, organisation and mailboxes, the addresses that you may send from, and your signature."""
    return conditional(request, me.me(use_cases.read_me(caller)))


@router.put("/me/signature")
def put_signature(use_cases: UseCases, caller: Person, body: SignatureFields) -> SignatureModel:
    """Set the signature below your mails. It is kept as far as it is safe to show, and returned so."""
    return SignatureModel(html=use_cases.put_signature(caller, body.html))
