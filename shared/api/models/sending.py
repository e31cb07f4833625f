"""Mail that is asked for, in JSON: new mails, replies, forwards, and their preview."""

from typing import Final

from pydantic import Field

from shared.api.models.filing import PERSON_EXAMPLE, PersonModel, RefFields, RefModel
from shared.api.models.schema import KEY, Answer, Body, Example, Moment, shown_as
from shared.api.models.words import AnswerMode, OutboxState, ReplyMode, SenderRule

OUTBOX_ID: Final = f"098227547140000-{KEY}"
LONGEST_HTML: Final = 3_000_000
LONGEST_TEXT: Final = 1_000_000
SENDER: Final = "ann@contoso.example"
WHY: Final = "Nothing else is said: it leaves from the own mailbox of ann@contoso.example."


class RecipientFields(Body):
    """Somebody who gets the mail."""

    model_config = shown_as(PERSON_EXAMPLE)
    name: str | None = Field(None, max_length=256, description="The name that the mail shows.")
    address: str = Field(max_length=320, description="The e-mail address.")


class OutgoingFileFields(Body):
    """A file of the mail: an upload, or an attachment of a stored message."""

    model_config = shown_as({"upload_id": KEY})
    upload_id: str | None = Field(None, max_length=64, description="The `id` of a complete upload of yours.")
    message_id: str | None = Field(None, max_length=64, description="The stored message with the attachment.")
    attachment_id: str | None = Field(None, max_length=64, description="The attachment's `id` there.")


_RECIPIENTS: Final = 500


class OutgoingFields(Body):
    """What every mail that is asked for may have."""

    sender: str | None = Field(
        None,
        alias="from",
        max_length=320,
        description="An address, or `*sales_mailboxes*`: the agent's own; absent: the client's, the rules' or else the "
        "agent's.",
    )
    cc: list[RecipientFields] | None = Field(None, max_length=_RECIPIENTS, description="Who gets a copy.")
    bcc: list[RecipientFields] | None = Field(
        None, max_length=_RECIPIENTS, description="Who gets a copy unseen by the others."
    )
    html: str | None = Field(
        None,
        max_length=LONGEST_HTML,
        description="HTML. It leaves as it is written; what is unsafe is refused. Pictures in `data:` addresses become "
        "inline parts.",
    )
    text: str | None = Field(
        None, max_length=LONGEST_TEXT, description="The mail as plain text; absent: made of `html`."
    )
    records: list[RefFields] | None = Field(
        None,
        max_length=20,
        description="The records it is about. Contacts among the recipients and their clients are added.",
    )
    purpose: str | None = Field(
        None, max_length=32, description="A purpose of `from_rules`, such as quotation."
    )
    attachments: list[OutgoingFileFields] | None = Field(
        None, max_length=100, description="The files of the mail."
    )
    send_at: Moment | None = Field(None, description="Not before this time; absent: at once.")
    agent: str | None = Field(
        None, max_length=320, description="The agent for whom a service sends; else absent."
    )
    signature: bool | None = Field(
        None, description="Whether the agent's signature stands below; absent: true."
    )


_NEW: Final[Example] = {
    "to": [PERSON_EXAMPLE],
    "subject": "Viewing on Thursday",
    "html": "<p>Thursday at four?</p>",
    "records": [{"kind": "property", "id": "P-1"}],
}


class MailFields(OutgoingFields):
    """A new mail."""

    model_config = shown_as(_NEW)
    to: list[RecipientFields] | None = Field(None, max_length=_RECIPIENTS, description="Who gets the mail.")
    subject: str = Field(max_length=1_000, description="The subject. The reference code is added at its end.")


class ReplyFields(OutgoingFields):
    """An answer to a message."""

    model_config = shown_as({"mode": "reply", "html": "<p>Thursday suits us.</p>"})
    mode: ReplyMode
    to: list[RecipientFields] | None = Field(
        None,
        max_length=_RECIPIENTS,
        description="Instead of those whom the answer reaches by itself: Reply-To, else From; for a mail of your own, "
        "its recipients.",
    )


class ForwardFields(OutgoingFields):
    """A message, passed on."""

    model_config = shown_as({"to": [PERSON_EXAMPLE], "text": "Please see below."})
    to: list[RecipientFields] = Field(max_length=_RECIPIENTS, description="Who gets it.")
    with_attachments: bool | None = Field(
        None, description="Whether the message's own files go along; absent: true."
    )


class PreviewFields(OutgoingFields):
    """A mail that is not to be sent yet. With `message_id` it is an answer to that message, or its forward."""

    model_config = shown_as(_NEW)
    to: list[RecipientFields] | None = Field(None, max_length=_RECIPIENTS, description="Who gets the mail.")
    subject: str | None = Field(None, max_length=1_000, description="The subject; of an answer it is made.")
    message_id: str | None = Field(None, max_length=64, description="The message that is answered.")
    mode: AnswerMode | None = Field(None, description="How it is answered; only with `message_id`.")
    with_attachments: bool | None = Field(
        None, description="Whether a forwarded message's own files go along; absent: true."
    )


class QueuedModel(Answer):
    """A mail in the outbox. `GET outbox/{id}` tells how far it has come."""

    model_config = shown_as(
        {
            "outbox_id": OUTBOX_ID,
            "state": "queued",
            "from": SENDER,
            "from_rule": "own",
            "from_why": WHY,
            "code": "PL-7K3Q9X-F2MX",
            "subject": "Viewing on Thursday [PL-7K3Q9X-F2MX]",
        }
    )
    outbox_id: str = Field(description="The mail's id in the outbox.")
    state: OutboxState
    sender: str = Field(alias="from", description="The address that it leaves from.")
    from_rule: SenderRule
    from_why: str = Field(description="Why it leaves from there, as a sentence.")
    code: str = Field(description="The reference code.")
    subject: str = Field(description="The subject as it leaves.")


class ReasonModel(Answer):
    """Why a mail is not sent, or why nobody knows."""

    model_config = shown_as(
        {"code": "no_recipient", "detail": "Nobody would get the mail. Name a recipient in 'to'."}
    )
    code: str = Field(description="The reason for programs.")
    detail: str = Field(description="The reason as a sentence that says what to do.")


class MailPreviewModel(Answer):
    """A mail as it would leave."""

    model_config = shown_as(
        {
            "from": SENDER,
            "from_rule": "own",
            "from_why": WHY,
            "choices": [],
            "to": [PERSON_EXAMPLE],
            "cc": [],
            "bcc": [],
            "subject": "Viewing on Thursday [PL-......-....]",
            "html": "<p>Thursday at four?</p>",
            "text": "Thursday at four?",
            "attachments": ["plan.pdf"],
            "records": [{"kind": "property", "id": "P-1"}],
            "refused": [],
        }
    )
    sender: str | None = Field(alias="from", description="The address; null where no mailbox sends it.")
    from_rule: SenderRule | None
    from_why: str = Field(description="Why it leaves from there; empty where no mailbox sends it.")
    choices: list[str] = Field(description="Addresses to choose from where no mailbox sends it.")
    to: list[PersonModel] = Field(description="The recipients in To.")
    cc: list[PersonModel] = Field(description="The recipients in Cc.")
    bcc: list[PersonModel] = Field(description="The recipients in Bcc.")
    subject: str = Field(description="The subject; a number that is not claimed yet stands as dots.")
    html: str = Field(description="The HTML with signature and quoted chain; empty for a plain text.")
    text: str = Field(description="The text with both.")
    attachments: list[str] = Field(description="The names of the files that go along.")
    records: list[RefModel] = Field(description="The records on whose timelines it will stand.")
    refused: list[ReasonModel] = Field(description="Why it would be refused; empty: it may be sent.")
