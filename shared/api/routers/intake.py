"""What intake mailboxes answer, and what a mail would become there."""

from dataclasses import asdict

from shared.api.auth import UseCases
from shared.api.models.acknowledgements import AcknowledgementFields, AcknowledgementModel
from shared.api.models.intake_previews import IntakePreviewFields, IntakePreviewModel
from shared.api.parameters import guarded_router, problems
from shared.api.routers.mailboxes import Address, Admin
from shared.api.shapes.intake import preview
from shared.domain.intake.acknowledgements import Acknowledgement

router = guarded_router(tag="mailboxes")


@router.get("/mailboxes/{address}/acknowledgement")
def get_acknowledgement(use_cases: UseCases, caller: Admin, address: Address) -> AcknowledgementModel:
    """Return what an intake mailbox answers. Nothing is answered until a template is saved."""
    mailbox = use_cases.get_mailbox(caller, address)
    return _shown(use_cases.manage_acknowledgement(mailbox))


@router.put("/mailboxes/{address}/acknowledgement", responses=problems(409))
def put_acknowledgement(
    use_cases: UseCases, caller: Admin, address: Address, body: AcknowledgementFields
) -> AcknowledgementModel:
    """Change what an intake mailbox answers. Each version is kept.

    A case is acknowledged once, in its thread, with its reference code. What is held back stands in the outbox with
    the reason, cancelled.
    """
    mailbox = use_cases.get_mailbox(caller, address)
    return _shown(use_cases.manage_acknowledgement.put(caller, mailbox, body.given()))


@router.post("/mailboxes/{address}/intake/preview")
def preview_intake(
    use_cases: UseCases, caller: Admin, address: Address, body: IntakePreviewFields
) -> IntakePreviewModel:
    """Return what a mail would become at an intake mailbox: the record, and its acknowledgement. Nothing is stored.

    The mail is a stored one, or pasted. `intake` tries settings that are not saved.
    """
    mailbox = use_cases.get_mailbox(caller, address)
    return preview(use_cases.preview_intake(caller, mailbox, body.given()))


def _shown(found: Acknowledgement) -> AcknowledgementModel:
    return AcknowledgementModel.model_validate(asdict(found))
