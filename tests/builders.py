"""Builders for the things of the domain: sensible defaults, everything changeable by name."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.domain.campaigns.campaigns import Campaign, CampaignState
from shared.domain.capture.folders import FolderState
from shared.domain.capture.pending import Flags, Lane, PendingRow
from shared.domain.capture.sightings import Sighting
from shared.domain.connections.mailbox_state import MailboxState
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.connections.subscriptions import Subscription
from shared.domain.filing.copies import Copy, Dependent
from shared.domain.filing.entries import Entry, entry_id
from shared.domain.filing.filing import StoredMessage
from shared.domain.filing.inbox import InboxItem
from shared.domain.mail.addresses import Person
from shared.domain.mail.codes import Code
from shared.domain.mail.identity import Fingerprint
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import Attachment, Direction, Document, FetchedMessage, MessageHead
from shared.domain.mail.templates import MailTemplate
from shared.domain.matching.decisions import Decision, Disposition, Link
from shared.domain.matching.evidence import Evidence, of_person
from shared.domain.notices.notices import Notice, NoticeKind
from shared.domain.privacy.callers import Caller
from shared.domain.records.records import Record, RecordRef
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.uploads import Upload
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.exceptions import Failure

TENANT: Final = "11111111-2222-4333-8444-555555555555"
MAILBOX_ID: Final = "0123456789abcdef0123456789abcdef"
NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGENT: Final = "agent@contoso.example"
CONTACT: Final = "buyer@fabrikam.example"
KEY: Final = "0f" * 16
HOME: Final = "99999999-9999-4999-8999-999999999999"
HASH_KEY: Final = b"k" * 32
CODE_KEYS: Final = (b"c" * 32, b"o" * 32)


def a_person(address: str = CONTACT, name: str = "") -> Person:
    """A participant; the name is made from the address unless given."""
    return Person(name or address.partition("@")[0].title(), address)


def people(*addresses: str) -> tuple[Person, ...]:
    """Participants by address."""
    return tuple(a_person(one) for one in addresses)


def an_item(item_id: str = "AAkALgAAAAAA-1") -> ItemRef:
    """An item whose id holds in its whole mailbox, as those of Microsoft 365 do."""
    return ItemRef("", item_id)


def a_head(**changes: Any) -> MessageHead:
    """An incoming mail of a contact to the agent; people may be given as addresses."""
    fields: dict[str, Any] = {
        "item": an_item(),
        "folder_id": "inbox-folder",
        "message_id": "first@fabrikam.example",
        "sender": CONTACT,
        "subject": "Viewing on Thursday",
        "sent_at": NOW - timedelta(minutes=2),
        "received_at": NOW - timedelta(minutes=1),
        "to": (AGENT,),
        **changes,
    }
    return MessageHead(**_with_people(fields))


def a_fetched_message(
    *,
    html: str = "<p>Could we see it on Thursday?</p>",
    text: str = "Could we see it on Thursday?",
    attachments: tuple[Attachment, ...] = (),
    **head: Any,
) -> FetchedMessage:
    """A whole mail; further names go to its head."""
    return FetchedMessage(a_head(**head), html=html, text=text, attachments=attachments)


def an_attachment(**changes: Any) -> Attachment:
    """A small PDF."""
    fields: dict[str, Any] = {
        "id": "0",
        "source_id": "AAkALgAAAAAA-attachment-0",
        "name": "plan.pdf",
        "content_type": "application/pdf",
        "size": 2_048,
    }
    return Attachment(**{**fields, **changes})


def a_mailbox(**changes: Any) -> Mailbox:
    """A personal mailbox of the agent, connected the day before."""
    connected = Mailbox(
        tenant_id=TENANT,
        mailbox_id=MAILBOX_ID,
        address=AGENT,
        agent=changes.get("address", AGENT),
        connected_at=NOW - timedelta(days=1),
    )
    return mailbox_with(connected, **changes)


def mailbox_with(mailbox: Mailbox, **changes: Any) -> Mailbox:
    """The mailbox with settings and fields of its state replaced alike; `state` is the name of one."""
    changes = {("name" if field == "state" else field): value for field, value in changes.items()}
    known = {field.name for field in fields(MailboxState)}
    state = {field: changes.pop(field) for field in known & set(changes)}
    return replace(mailbox, state=replace(mailbox.state, **state), **changes)


def rewrite(mailboxes: Mailboxes, mailbox: Mailbox, **changes: Any) -> Mailbox:
    """Store the mailbox with these changes, whatever has become of it since it was read."""
    stored = mailboxes.by_id(mailbox.tenant_id, mailbox.mailbox_id)
    assert stored is not None
    return mailboxes.save(mailbox_with(stored, **changes))


def a_folder_state(**changes: Any) -> FolderState:
    """The inbox, captured, not walked yet."""
    fields: dict[str, Any] = {"folder_id": "inbox-folder", "kind": "inbox", "captured": True}
    return FolderState(**{**fields, **changes})


def a_subscription(**changes: Any) -> Subscription:
    """A subscription that lives for six more days."""
    fields: dict[str, Any] = {
        "mailbox_id": MAILBOX_ID,
        "client_state": f"{MAILBOX_ID}.not-a-real-secret",
        "subscription_id": "99999999-8888-4777-8666-555555555555",
        "expires_at": NOW + timedelta(days=6),
    }
    return Subscription(**{**fields, **changes})


def an_organisation(**changes: Any) -> Organisation:
    """An enabled tenant that owns contoso.example."""
    fields: dict[str, Any] = {
        "tenant_id": TENANT,
        "name": "Contoso",
        "enabled": True,
        "own_domains": ("contoso.example",),
    }
    return Organisation(**{**fields, **changes})


def a_ref(text: str = "contact/C-1") -> RecordRef:
    """A record's kind and id, given as `kind/id`."""
    return RecordRef.parse(text)


def a_record(ref: str = "contact/C-1", **changes: Any) -> Record:
    """A record; a contact carries the contact's address unless told otherwise."""
    fields: dict[str, Any] = {"ref": a_ref(ref), "name": f"Record {ref}"}
    if ref.startswith("contact/"):
        fields["addresses"] = (CONTACT,)
    if ref.startswith("client/"):
        fields["domains"] = ("fabrikam.example",)
    return Record(**{**fields, **changes})


def a_link(ref: str = "contact/C-1", **changes: Any) -> Link:
    """A link made by the contact's address; evidence may be given as `role address`."""
    fields: dict[str, Any] = {"rule": "contact", "evidence": f"from {CONTACT}", "score": 70, **changes}
    if isinstance(fields["evidence"], str):
        role, _, address = fields["evidence"].partition(" ")
        fields["evidence"] = of_person(role, address) if address else Evidence(text=role)
    return Link(a_ref(ref), **fields)


def a_decision(*refs: str, **changes: Any) -> Decision:
    """Filed on the given records, or on the contact; `disposition=Disposition.TRIAGE` links nothing."""
    fields: dict[str, Any] = {"disposition": Disposition.FILED, "reason": "contact", **changes}
    if fields["disposition"] is Disposition.FILED:
        fields.setdefault("links", tuple(a_link(one) for one in refs or ("contact/C-1",)))
    return Decision(**fields)


def a_stored_message(**changes: Any) -> StoredMessage:
    """A filed mail whose rows are still to be written."""
    head = a_head()
    fields: dict[str, Any] = {
        "key": KEY,
        "at": head.received_at,
        "message_id": head.message_id,
        "fingerprint": Fingerprint.of(head),
        "direction": Direction.IN,
        "kind": "synced",
        "agent": AGENT,
        "participants": head.participants,
        "decision": a_decision(),
    }
    return StoredMessage(**{**fields, **changes})


def a_triaged_message(**changes: Any) -> StoredMessage:
    """A mail that matched nothing."""
    decision = a_decision(disposition=Disposition.TRIAGE, reason="no_match")
    return replace(a_stored_message(), **{"decision": decision, **changes})


def a_document(**changes: Any) -> Document:
    """What is kept of the default mail; people may be given as addresses."""
    fields: dict[str, Any] = {
        "message_id": "first@fabrikam.example",
        "sender": CONTACT,
        "subject": "Viewing on Thursday",
        "sent_at": NOW - timedelta(minutes=2),
        "to": (AGENT,),
        "html": "<p>Could we see it on Thursday?</p>",
        "text": "Could we see it on Thursday?",
        "preview": "Could we see it on Thursday?",
        **changes,
    }
    return Document(**_with_people(fields))


def a_copy(**changes: Any) -> Copy:
    """The agent's own copy of the default mail."""
    fields: dict[str, Any] = {
        "mailbox_id": MAILBOX_ID,
        "item": an_item(),
        "folder_id": "inbox-folder",
        **changes,
    }
    return Copy(**_with_people(fields))


def a_dependent(number: int = 1, **fields: Any) -> Dependent:
    """A skipped copy that answers a mail which is not there yet."""
    return Dependent(MAILBOX_ID, an_item(f"AAkALgAAAAAA-dependent-{number}"), **fields)


def an_entry(ref: str = "contact/C-1", **changes: Any) -> Entry:
    """A timeline row of the default mail; its id follows `at` and `message_key`."""
    fields: dict[str, Any] = {
        "message_key": KEY,
        "internet_message_id": "first@fabrikam.example",
        "kind": "synced",
        "direction": Direction.IN,
        "at": NOW,
        "subject": "Viewing on Thursday",
        "sender": CONTACT,
        "to": (AGENT,),
        "cc": (),
        "preview": "Could we see it on Thursday?",
        "has_attachments": False,
        "link": a_link(ref),
        "agent": AGENT,
        **changes,
    }
    fields.setdefault("id", entry_id(fields["at"], fields["message_key"]))
    return Entry(**_with_people(fields))


def an_inbox_item(**changes: Any) -> InboxItem:
    """The default mail, waiting for the agent."""
    fields: dict[str, Any] = {
        "agent": AGENT,
        "at": NOW,
        "message_key": KEY,
        "mailbox_id": MAILBOX_ID,
        "subject": "Viewing on Thursday",
        "sender": CONTACT,
        "preview": "Could we see it on Thursday?",
        "reason": "no_match",
        **changes,
    }
    return InboxItem(**_with_people(fields))


def a_sighting(**changes: Any) -> Sighting:
    """A copy that was kept and waits for ingest."""
    fields: dict[str, Any] = {
        "item": an_item(),
        "folder_id": "inbox-folder",
        "received_at": NOW - timedelta(minutes=1),
        "outcome": "queued",
        "reason": "known_address",
        "final": True,
        "message_key": KEY,
        "message_id_hash": KEY,
    }
    return Sighting(**{**fields, **changes})


def a_pending_mail(name: str = "AAkALgAAAAAA-1", **changes: Any) -> PendingRow:
    """A live mail that a walk has found; flags may be given as their names."""
    flags = {
        name: changes.pop(name) for name in ("screened", "silent", "unbounded", "doubtful") if name in changes
    }
    fields: dict[str, Any] = {
        "lane": Lane.LIVE,
        "at": NOW - timedelta(minutes=1),
        "first_at": NOW,
        "item": an_item(name),
        "flags": Flags(**{"screened": True, **flags}),
    }
    return PendingRow(**{**fields, **changes})


def a_failure(**changes: Any) -> Failure:
    """A command that was refused for good."""
    fields: dict[str, Any] = {
        "id": "a1b2c3d4",
        "tenant_id": TENANT,
        "mailbox_id": MAILBOX_ID,
        "command": '{"command":"SyncMailbox"}',
        "error": "The mailbox is out of scope.",
        "code": "ErrorAccessDenied",
        "at": NOW,
    }
    return Failure(**{**fields, **changes})


def a_notice(**changes: Any) -> Notice:
    """An answer of the contact to a mail of the agent's."""
    fields: dict[str, Any] = {
        "agent": "aaaaaaaa-1111-4111-8111-111111111111",
        "message_key": KEY,
        "kind": NoticeKind.REPLY,
        "at": NOW,
        "sender": a_person(CONTACT),
        "subject": "Re: Viewing on Thursday",
        "preview": "Thursday suits us.",
        "has_attachments": False,
        "records": (a_ref(),),
        "answers": KEY[::-1],
        **changes,
    }
    return Notice(**fields)


def a_campaign(**changes: Any) -> Campaign:
    """A running campaign of the agent's with one recipient."""
    fields: dict[str, Any] = {
        "id": "ca" * 16,
        "tenant_id": TENANT,
        "name": "Leavingsubject",
        "caller": Caller(TENANT, frozenset({"Agent"}), oid="ann", address=AGENT),
        "template": MailTemplate("Leavingsubject", "<p>Dear {{ name }},</p>"),
        "created_at": NOW,
        "state": CampaignState.RUNNING,
        "recipients": 1,
    }
    return Campaign(**{**fields, **changes})


def an_outbox_mail(**changes: Any) -> OutboxMail:
    """A mail of the agent to a contact, asked for and not begun."""
    fields: dict[str, Any] = {
        "id": "0b" * 16,
        "tenant_id": TENANT,
        "mailbox_id": MAILBOX_ID,
        "agent_id": "aaaaaaaa-1111-4111-8111-111111111111",
        "agent": AGENT,
        "by": "aaaaaaaa-1111-4111-8111-111111111111",
        "sender": Person("Bo Agent", AGENT),
        "from_rule": "own",
        "subject": "Viewing on Thursday [PL-000007-1234]",
        "code": Code(7, "PL-000007-1234"),
        "message_id": "0b0b@contoso.example",
        "tag": "tag-1",
        "created_at": NOW,
        "to": people(CONTACT),
        "html": "<p>Thursday it is.</p>",
        "records": (a_ref(),),
    }
    return OutboxMail(**{**fields, **changes})


def an_upload(**changes: Any) -> Upload:
    """A file that was announced, and of which nothing has come."""
    fields: dict[str, Any] = {
        "id": "0a" * 16,
        "tenant_id": TENANT,
        "by": "aaaaaaaa-1111-4111-8111-111111111111",
        "name": "plan.pdf",
        "content_type": "application/pdf",
        "size": 9,
        "keep_until": NOW + timedelta(days=2),
        **changes,
    }
    return Upload(**fields)


def _with_people(fields: dict[str, Any]) -> dict[str, Any]:
    """Addresses given where people belong become people."""
    for name in ("sender", "on_behalf_of"):
        if isinstance(fields.get(name), str):
            fields[name] = a_person(fields[name])
    for name in ("to", "cc", "bcc", "reply_to"):
        if name in fields:
            fields[name] = tuple(a_person(o) if isinstance(o, str) else o for o in fields[name])
    return fields
