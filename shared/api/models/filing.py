"""Filed mail in JSON: timelines, messages, and links by hand."""

from datetime import datetime
from typing import Final

from pydantic import Field

from shared.api.models.schema import KEY, Answer, Body, Example, NextCursor, shown_as
from shared.api.models.words import AutomaticKind, Direction, EntryKind, RecordKind

ENTRY_ID: Final = f"098227547140000-{KEY}"
THREAD: Final = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"

PERSON_EXAMPLE: Final[Example] = {"name": "Bo Byer", "address": "bo@fabrikam.example"}
_AGENT: Final[Example] = {"name": "Ann Agent", "address": "ann@contoso.example"}


class PersonModel(Answer):
    """A participant of a mail."""

    model_config = shown_as(PERSON_EXAMPLE)
    name: str = Field(description="The name as the mail shows it; empty if it shows none.")
    address: str = Field(description="The normalised address; empty for a name without SMTP address.")


_ENTRY: Final[Example] = {
    "id": ENTRY_ID,
    "message_id": KEY,
    "internet_message_id": "<2f1c@fabrikam.example>",
    "kind": "reply",
    "direction": "in",
    "at": "2026-03-02T09:00:00Z",
    "subject": "RE: Viewing on Thursday",
    "from": PERSON_EXAMPLE,
    "to": [_AGENT],
    "cc": [],
    "preview": "Thursday at four suits us.",
    "has_attachments": True,
    "attachment_names": ["plan.pdf"],
    "rule": "contact_address",
    "evidence": "from bo@fabrikam.example",
    "closed": False,
    "agent": "ann@contoso.example",
    "automatic": "none",
    "unauthenticated": False,
    "bounced": [],
    "thread_id": THREAD,
    "in_reply_to": "<9b7e@contoso.example>",
    "answers": 1,
}


class EntryModel(Answer):
    """One row of a timeline."""

    model_config = shown_as(_ENTRY)
    id: str = Field(description="The row's id within its timeline; ascending order is newest first.")
    message_id: str = Field(description="The message's id in this API.")
    internet_message_id: str = Field(description="The Message-ID header; empty when the mail has none.")
    kind: EntryKind
    direction: Direction = Field(description="The direction as the organisation sees it.")
    at: datetime = Field(description="When the mail was received, in UTC.")
    subject: str = Field(description="The subject as the mail has it.")
    sender: PersonModel = Field(alias="from")
    to: list[PersonModel] = Field(description="The recipients in To.")
    cc: list[PersonModel] = Field(description="The recipients in Cc.")
    preview: str = Field(description="The beginning of the sender's own text.")
    has_attachments: bool = Field(description="Whether the mail has attachments; inline images do not count.")
    attachment_names: list[str] = Field(description="The names of the first 20 attachments.")
    rule: str = Field(description="The rule that filed the mail on this timeline.")
    evidence: str = Field(description="The evidence of the rule; empty for a link that a person made.")
    closed: bool = Field(description="Whether the record was closed when the mail was filed.")
    agent: str = Field(description="The agent with whom the entry is shown.")
    automatic: AutomaticKind = Field(
        description="The kind of machine that wrote the mail; none: a person wrote it."
    )
    unauthenticated: bool = Field(
        description="Whether nothing proves the sender's domain, and the domain asks for nothing to be done about it."
    )
    bounced: list[str] = Field(description="The addresses that the mail did not reach.")
    thread_id: str = Field(
        description="The same for all mails of a thread. It may change once, when an earlier mail arrives late."
    )
    in_reply_to: str = Field(
        description="The Message-ID of the mail that this one answers, if you may read that mail; else empty."
    )
    answers: int = Field(
        description="How many mails on this timeline answer this one directly; elsewhere: on any of its records."
    )


class TimelineModel(Answer):
    """A page of a timeline."""

    model_config = shown_as({"entries": [_ENTRY], "cursor": None})
    entries: list[EntryModel] = Field(description="The entries of this page.")
    cursor: NextCursor


class ThreadModel(Answer):
    """A page of a thread, oldest first: the mails that you may read."""

    model_config = shown_as({"thread_id": THREAD, "entries": [], "cursor": None})
    thread_id: str = Field(description="The thread's id.")
    entries: list[EntryModel] = Field(
        description="The mails of this page; `rule` and `evidence` are empty for a mail on no record."
    )
    cursor: NextCursor


_ATTACHMENT: Final[Example] = {
    "id": "0",
    "name": "plan.pdf",
    "content_type": "application/pdf",
    "size": 20480,
    "inline": False,
}
LINK_EXAMPLE: Final[Example] = {
    "kind": "contact",
    "id": "C-1",
    "rule": "contact_address",
    "evidence": "from bo@fabrikam.example",
    "score": 80,
    "by": "postledger",
    "closed": False,
}


class AttachmentModel(Answer):
    """An attachment's description; `messages/{id}/attachments/{attachment_id}` returns its bytes."""

    model_config = shown_as(_ATTACHMENT)
    id: str = Field(description="The id by which its bytes are read.")
    name: str = Field(description="The file name that the sender gave.")
    content_type: str = Field(description="The type that the sender named; do not trust it.")
    size: int = Field(description="The size in bytes, as the mailbox counts it.")
    inline: bool = Field(description="Whether the mail shows it within its text.")


class LinkModel(Answer):
    """A record on which the message is filed, and the reason."""

    model_config = shown_as(LINK_EXAMPLE)
    kind: RecordKind
    id: str = Field(description="The record's id.")
    rule: str = Field(description="The rule that filed the mail on the record.")
    evidence: str = Field(description="The evidence of the rule; empty for a link that a person made.")
    score: int = Field(description="How sure the link is: 0 to 100.")
    by: str = Field(
        description="The author of the link: `postledger`, a person's address, or `app:` and a client id."
    )
    closed: bool = Field(description="Whether the record was closed when the mail was filed.")


class SightingModel(Answer):
    """A mailbox that holds a copy."""

    model_config = shown_as({"mailbox": "ann@contoso.example", "folder": "inbox"})
    mailbox: str = Field(description="The mailbox's address.")
    folder: str = Field(description="A well-known folder name, or the folder's id.")


_PARTICIPANT: Final[Example] = {
    "address": "bo@fabrikam.example",
    "records": [{"kind": "contact", "id": "C-1"}],
}


class RefModel(Answer):
    """A record."""

    model_config = shown_as({"kind": "contact", "id": "C-1"})
    kind: RecordKind
    id: str = Field(description="The record's id.")


class BounceModel(Answer):
    """An address that a mail did not reach."""

    model_config = shown_as(
        {
            "address": "gone@fabrikam.example",
            "status": "5.1.1",
            "permanent": True,
            "at": "2026-03-02T09:00:07Z",
            "message_id": KEY,
        }
    )
    address: str = Field(description="The address that the mail did not reach.")
    status: str = Field(
        description="The enhanced status code (RFC 3463), such as 5.1.1; empty when the report names none."
    )
    permanent: bool = Field(description="Whether the failure is final; if not, the server may try again.")
    at: datetime = Field(description="When the report arrived.")
    message_id: str = Field(description="The report's own id in this API.")


class ParticipantModel(Answer):
    """Somebody on a mail whose address is on a record."""

    model_config = shown_as(_PARTICIPANT)
    address: str = Field(description="The participant's address.")
    records: list[RefModel] = Field(description="The records that have this address.")


class MessageModel(EntryModel):
    """A message: the fields of an entry, its sanitised body, attachments, links and copies."""

    model_config = shown_as(
        {
            **_ENTRY,
            "bcc": [],
            "html": "<p>Thursday at four suits us.</p>",
            "text": "Thursday at four suits us.\n\nOn Monday Ann wrote:\n> Thursday?",
            "own_text": "Thursday at four suits us.",
            "quoted_text": "On Monday Ann wrote:\n> Thursday?",
            "chain_hidden": False,
            "blocked_images": [],
            "body_withheld": None,
            "attachments": [_ATTACHMENT],
            "links": [LINK_EXAMPLE],
            "participants": [_PARTICIPANT],
            "sightings": [{"mailbox": "ann@contoso.example", "folder": "inbox"}],
            "bounces": [],
        }
    )
    bcc: list[PersonModel] = Field(description="The recipients that your own mailbox's copy shows.")
    participants: list[ParticipantModel] = Field(
        description="Those of the first 50 people on the mail whose address is on a record."
    )
    html: str = Field(
        description="Safe HTML. `cid:` images point to the attachments of this API. An element of the class "
        "`postledger-chain` contains the quoted chain, where it is known."
    )
    text: str = Field(description="The whole text.")
    own_text: str = Field(description="The sender's text without the quoted chain.")
    quoted_text: str = Field(description="The quoted chain below the sender's text.")
    chain_hidden: bool = Field(
        description="Whether to show the mail without its chain first: `html` folds the chain, "
        "`own_text` leaves it out."
    )
    blocked_images: list[str] = Field(description="The remote images that `html` leaves out.")
    body_withheld: str | None = Field(
        description="The reason why `html` is empty though the mail has a body."
    )
    attachments: list[AttachmentModel] = Field(description="The attachments, inline images included.")
    links: list[LinkModel] = Field(description="The records on which the mail is filed.")
    sightings: list[SightingModel] = Field(description="The mailboxes that hold a copy.")
    bounces: list[BounceModel] = Field(description="The reports that the mail did not arrive.")


class RefFields(Body):
    """A record by kind and id."""

    model_config = shown_as({"kind": "contact", "id": "C-1"})
    kind: RecordKind
    id: str = Field(max_length=128, description="The record's id.")


class LinksModel(Answer):
    """The records of a message after a change."""

    model_config = shown_as({"links": [LINK_EXAMPLE]})
    links: list[LinkModel] = Field(description="The records on which the mail is filed now.")
