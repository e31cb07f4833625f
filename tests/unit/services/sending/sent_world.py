"""A mail that has left through the outbox, its copies, and answers to it, as mailboxes may show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.filing.entries import inverted
from shared.domain.mail.codes import issue
from shared.domain.sending import marks, transitions
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.states import State
from tests.builders import AGENT, CODE_KEYS, CONTACT, NOW, TENANT, a_record, a_ref, an_outbox_mail
from tests.unit.services.world import World

SENDER_OID: Final = "aaaaaaaa-1111-4111-8111-111111111111"
SHARED: Final = "sales@contoso.example"
COLLEAGUE: Final = "second@contoso.example"
CODE: Final = issue(7, CODE_KEYS, TENANT)
SUBJECT: Final = f"Viewing on Thursday [{CODE.text}]"
RECORDS: Final = ("contact/C-1", "property/P-1", "opportunity/O-1", "project/J-1", "case/S-1")
# Besides those that it was sent for: the contact's client.
ALL: Final = (*RECORDS, "client/K-1")
MAIL_ID: Final = f"{inverted(NOW - timedelta(minutes=3))}-{'0b' * 16}"
MESSAGE_ID: Final = marks.message_id_of(MAIL_ID, "contoso.example")
RENAMED: Final = "exchange-made@server.example"


@dataclass
class SentWorld(World):
    """The agent has sent a mail to the contact on five records, from the own mailbox or another one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.records(a_record(client="K-1"), a_record("client/K-1", domains=()))
        self.records(*map(a_record, RECORDS[1:]))

    def ask(self, **changes: Any) -> OutboxMail:
        """The row as it stands once the server has taken the mail."""
        made: datetime = changes.get("created_at", NOW - timedelta(minutes=3))
        refs = tuple(map(a_ref, RECORDS))
        fields: dict[str, Any] = {
            "id": MAIL_ID,
            "mailbox_id": self.mailbox.mailbox_id,
            "agent_id": SENDER_OID,
            "subject": SUBJECT,
            "code": CODE,
            "message_id": MESSAGE_ID,
            "tag": marks.tag_of(MAIL_ID),
            "created_at": made,
            "records": refs,
            **changes,
        }
        self.storage.codes.claim(TENANT, fields["code"].number, fields["records"], fields["id"])
        mail = transitions.asked_for(an_outbox_mail(**fields))
        return self.storage.outbox.add(transitions.taken(made)(transitions.sending(made)(mail)))

    def row(self, mail_id: str = MAIL_ID) -> OutboxMail:
        found = self.storage.outbox.get(TENANT, mail_id)
        assert found is not None
        return found

    def is_confirmed(self) -> bool:
        return self.row().state is State.CONFIRMED

    def kinds(self) -> dict[str, list[tuple[str, str]]]:
        """Kind and agent of the entries on each record."""
        return {ref: [(entry.kind, entry.agent) for entry in self.timeline(ref)] for ref in ALL}


def a_copy(**changes: Any) -> dict[str, Any]:
    """The sender's own copy, as it lies in Sent Items."""
    sent = NOW - timedelta(minutes=2)
    return {
        "folder": "sentitems",
        "sender": AGENT,
        "to": (CONTACT,),
        "subject": SUBJECT,
        "message_id": MESSAGE_ID,
        "tag": marks.tag_of(MAIL_ID),
        "sent_at": sent,
        "received_at": sent,
        **changes,
    }


def received(**changes: Any) -> dict[str, Any]:
    """A colleague's copy: no property goes with it, the header does."""
    header = (marks.TAG_HEADER.lower(), marks.tag_of(MAIL_ID))
    return a_copy(folder="inbox", tag="", headers=(header,), **changes)


def an_answer(**changes: Any) -> dict[str, Any]:
    return {
        "sender": CONTACT,
        "to": (AGENT,),
        "subject": f"Re: {SUBJECT}",
        "message_id": "answer@fabrikam.example",
        "in_reply_to": (MESSAGE_ID,),
        "received_at": NOW,
        "sent_at": NOW,
        **changes,
    }


EVERYWHERE_SENT: Final = {ref: [("sent", AGENT)] for ref in ALL}
