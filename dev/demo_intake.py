"""The demo's front door: a stranger writes to the service mailbox, a case opens, and its sender is told so.

Where the machine has an IMAP server, the same again with a mailbox outside Microsoft 365.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any, Final

from dev.demo_organisation import Demo, Tell
from dev.demo_sending import until

DESK: Final = "service@contoso-homes.example"
STRANGER: Final = "Rosa Lindqvist <rosa.lindqvist@example.net>"
_SETTINGS: Final = {
    "kind": "intake",
    "agents": ["clara.moss@contoso-homes.example", "ben.ito@contoso-homes.example"],
    "intake": {"opens": "case", "type": "enquiry"},
}
_ACKNOWLEDGEMENT: Final = {
    "enabled": True,
    "default_language": "en",
    "templates": [
        {
            "language": "en",
            "subject": "We have received: {subject}",
            "text": "Dear {from_name}, thank you. Your case is {case_id}.",
        }
    ],
}


@dataclass(frozen=True)
class Enquiry:
    """The mailbox it came to, the case as the CRM reads it, its acknowledgement, and whether its mail is read."""

    desk: str
    case: Mapping[str, Any]
    acknowledgement: Mapping[str, Any]
    is_read: bool


def enquiry(demo: Demo, tell: Tell) -> Enquiry:
    """Set up the mailbox, deliver the mail, and wait until the acknowledgement has left. Raises RuntimeError."""
    demo.control.users(demo.tenant_id, DESK, "Contoso Homes Service", mailbox=True)
    demo.api.call("PUT", f"mailboxes/{DESK}", _SETTINGS)
    demo.api.call("PUT", f"mailboxes/{DESK}/acknowledgement", _ACKNOWLEDGEMENT)
    until(lambda: _connected(demo), f"{DESK} to be read")
    delivered = demo.control.deliver(DESK, _mail().as_bytes(), "inbox", received=datetime.now(UTC))
    case = until(lambda: _case(demo), "the case of a stranger's mail")
    tell(f"a stranger writes to {DESK}: the case '{case['name']}' is open")
    acknowledgement = until(lambda: _acknowledged(demo), "the acknowledgement")
    tell(f"its sender has the acknowledgement: '{acknowledgement['subject']}'")
    until(lambda: _read(demo, str(delivered["id"])), "its mail to be marked as read")
    return Enquiry(DESK, case, acknowledgement, is_read=True)


def told(done: Enquiry) -> str:
    """What happened, for the report."""
    case, mail = done.case, done.acknowledgement
    steps = " > ".join(step["what"] for step in mail["steps"])
    return "\n".join(
        [
            f"A stranger's mail to {done.desk} becomes a case",
            f"  case       case/{case['id']}: {case['name']}",
            f"  type       {case['type']}, status {case['status']}, owner {case['owner']}",
            f"  details    {case['details'].splitlines()[0]}",
            f"  answered   {mail['subject']}",
            f"  outbox     {steps}",
            f"  its mail   is marked as {'read' if done.is_read else 'unread'}",
        ]
    )


def _mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = STRANGER
    mail["To"] = DESK
    mail["Subject"] = "The lift in Harbour Street has stopped"
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain="example.net")
    mail.set_content("Good morning,\n\nthe lift has stood still since seven. Who can come?\n\nRosa Lindqvist")
    return mail


def _connected(demo: Demo) -> dict[str, Any] | None:
    mailbox: dict[str, Any] = demo.api.call("GET", f"mailboxes/{DESK}")
    return mailbox if mailbox["state"] == "ok" else None


def _case(demo: Demo) -> dict[str, Any] | None:
    found = demo.api.call("GET", "records?kind=case&origin=postledger")["records"]
    return dict(found[0]) if found else None


def _acknowledged(demo: Demo) -> dict[str, Any] | None:
    rows = demo.api.call("GET", "outbox")["items"]
    found = next((row for row in rows if row["purpose"] == "acknowledgement"), None)
    if found is None:
        return None
    mail: dict[str, Any] = demo.api.call("GET", f"outbox/{found['id']}")
    if mail["error"]:
        raise RuntimeError(f"the acknowledgement was not sent: {mail['error']['detail']}")
    return mail if mail["state"] == "confirmed" else None


def _read(demo: Demo, graph_id: str) -> dict[str, Any] | None:
    shown = demo.control.messages(DESK)
    return next((dict(one) for one in shown if one["id"] == graph_id and one["isRead"]), None)
