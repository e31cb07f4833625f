"""Mail that is asked for, between JSON and use cases."""

from collections.abc import Iterable
from typing import Any, Final

from shared.api.models.sending import (
    ForwardFields,
    MailFields,
    MailPreviewModel,
    OutgoingFields,
    OutgoingFileFields,
    PreviewFields,
    QueuedModel,
    RecipientFields,
    ReplyFields,
)
from shared.api.shapes import filing
from shared.domain.connections.from_rules import purpose_name
from shared.domain.errors import InvalidInput
from shared.domain.mail.addresses import Person
from shared.domain.sending.outbox import Mode, OutboxMail
from shared.domain.sending.wanted import FileWanted, MailWanted
from shared.services.sending.previewing import MailPreview

# By upload, or by message and attachment.
_WAYS_TO_NAME_A_FILE: Final = ((True, False, False), (False, True, True))


def new_mail(given: MailFields) -> MailWanted:
    return MailWanted(to=_people(given.to), subject=given.subject, **_common(given))


def reply(given: ReplyFields, message_id: str) -> MailWanted:
    return MailWanted(to=_people(given.to), mode=Mode(given.mode), answers=message_id, **_common(given))


def forward(given: ForwardFields, message_id: str) -> MailWanted:
    return MailWanted(
        to=_people(given.to),
        mode=Mode.FORWARD,
        answers=message_id,
        keeps_files=given.with_attachments is not False,
        **_common(given),
    )


def previewed(given: PreviewFields) -> MailWanted:
    """Raises InvalidInput for an answer to nothing, and for a message without a mode."""
    if bool(given.message_id) != bool(given.mode):
        raise InvalidInput("'message_id' and 'mode' go together: name both, or neither.")
    return MailWanted(
        to=_people(given.to),
        subject=given.subject or "",
        mode=Mode(given.mode or Mode.NEW),
        answers=given.message_id or "",
        keeps_files=given.with_attachments is not False,
        **_common(given),
    )


def queued(mail: OutboxMail) -> QueuedModel:
    return QueuedModel.model_validate(
        {
            "outbox_id": mail.id,
            "state": mail.state.value,
            "from": mail.sender.address,
            "from_rule": str(mail.from_rule),
            "from_why": mail.from_why,
            "code": mail.code.text,
            "subject": mail.subject,
        }
    )


def preview(shown: MailPreview) -> MailPreviewModel:
    chosen, draft = shown.chosen, shown.draft
    return MailPreviewModel.model_validate(
        {
            "from": chosen.address if chosen else None,
            "from_rule": chosen.rule.value if chosen else None,
            "from_why": chosen.why if chosen else "",
            "choices": list(shown.choices),
            "to": filing.people(draft.people.to),
            "cc": filing.people(draft.people.cc),
            "bcc": filing.people(draft.people.bcc),
            "subject": shown.subject,
            "html": draft.html,
            "text": draft.text,
            "attachments": [file.name for file in draft.files if not file.inline],
            "records": [{"kind": ref.kind, "id": ref.id} for ref in shown.records],
            "refused": [{"code": reason.code, "detail": reason.sentence} for reason in shown.reasons],
        }
    )


def _common(given: OutgoingFields) -> dict[str, Any]:
    return {
        "cc": _people(given.cc),
        "bcc": _people(given.bcc),
        "html": given.html or "",
        "text": given.text or "",
        "records": tuple(dict.fromkeys(filing.ref(record) for record in given.records or ())),
        "sender": (given.sender or "").strip(),
        "agent": (given.agent or "").strip(),
        "purpose": purpose_name(given.purpose) if given.purpose else "",
        "attachments": tuple(_file(file) for file in given.attachments or ()),
        "send_at": given.send_at,
        "is_signed": given.signature is not False,
    }


def _people(given: Iterable[RecipientFields] | None) -> tuple[Person, ...]:
    return tuple(Person(person.name or "", person.address) for person in given or ())


def _file(given: OutgoingFileFields) -> FileWanted:
    names = (given.upload_id, given.message_id, given.attachment_id)
    if tuple(map(bool, names)) not in _WAYS_TO_NAME_A_FILE:
        raise InvalidInput(
            "A file of 'attachments' is an 'upload_id', or a 'message_id' with an 'attachment_id'."
        )
    return FileWanted(*(name or "" for name in names))
