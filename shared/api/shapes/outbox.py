"""Mails of the outbox in JSON."""

from shared.api.models.outbox import OutboxMailModel, OutboxModel
from shared.api.shapes import filing
from shared.domain.sending.states import SENTENCES
from shared.services.sending.outbox import OutboxPage, ShownMail


def page(found: OutboxPage) -> OutboxModel:
    return OutboxModel(items=[mail(shown) for shown in found.mails], cursor=found.cursor)


def mail(shown: ShownMail) -> OutboxMailModel:
    row = shown.mail
    return OutboxMailModel.model_validate(
        {
            "id": row.id,
            "state": row.state.value,
            "state_text": SENTENCES[row.state],
            "from": row.sender.address,
            "from_rule": str(row.from_rule),
            "from_why": row.from_why,
            "agent": row.agent,
            "to": filing.people(row.to),
            "cc": filing.people(row.cc),
            "bcc": filing.people(row.bcc if shown.shows_bcc else ()),
            "code": row.code.text,
            "subject": row.subject,
            "records": [{"kind": ref.kind, "id": ref.id} for ref in row.records],
            "purpose": row.purpose,
            "answers": row.answers or None,
            "created_at": row.created_at,
            "send_at": row.send_at,
            "not_before": row.not_before,
            "internet_message_id": f"<{row.message_id}>",
            "message_id": shown.message_id or None,
            "undelivered_to": list(row.rejected),
            "error": {"code": row.error.code, "detail": row.error.detail} if row.error else None,
            "steps": [{"at": step.at, "what": step.what, "detail": step.detail} for step in row.steps],
        }
    )
