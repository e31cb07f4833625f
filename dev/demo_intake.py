"""The demo's front doors: a stranger writes to a service mailbox, a case opens, and its sender is told so.

Where the machine has an IMAP server, the same again with a mailbox outside Microsoft 365.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any, Final

from dev.demo_organisation import Demo, Tell
from dev.demo_sending import until

AGENTS: Final = ("clara.moss@contoso-homes.example", "ben.ito@contoso-homes.example")
_SETTINGS: Final = {"kind": "intake", "agents": AGENTS, "intake": {"opens": "case", "type": "enquiry"}}
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
# The password of the demo's mailbox on the IMAP server of this machine.
_PASSWORD: Final = "demo-password"


@dataclass(frozen=True)
class Desk:
    """A service mailbox. `deliver` lays a raw mail in it; `is_read` says of its only mail whether it is read."""

    address: str
    writer: str
    subject: str
    text: str
    ends: tuple[str, ...]
    settings: Mapping[str, Any]
    ready: tuple[str, ...]
    deliver: Callable[[bytes], object]
    is_read: Callable[[], bool]

    def mail(self) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self.writer
        mail["To"] = self.address
        mail["Subject"] = self.subject
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = make_msgid(domain="example.net")
        mail.set_content(self.text)
        return mail


@dataclass(frozen=True)
class Enquiry:
    """The mailbox it came to, the case as the CRM reads it, and its acknowledgement."""

    desk: str
    case: Mapping[str, Any]
    acknowledgement: Mapping[str, Any]


def enquiries(demo: Demo, tell: Tell) -> list[Enquiry]:
    """One for each front door that this machine can have. Raises RuntimeError."""
    return [_enquiry(demo, desk, tell) for desk in _desks(demo)]


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
            "  its mail   is marked as read",
        ]
    )


def _desks(demo: Demo) -> Iterator[Desk]:
    address = "service@contoso-homes.example"
    demo.control.users(demo.tenant_id, address, "Contoso Homes Service")
    yield Desk(
        address,
        "Rosa Lindqvist <rosa.lindqvist@example.net>",
        "The lift in Harbour Street has stopped",
        "Good morning,\n\nthe lift has stood still since seven. Who can come?\n\nRosa Lindqvist",
        ends=("confirmed",),
        settings={},
        ready=("ok",),
        deliver=lambda raw: demo.control.deliver(address, raw, "inbox", received=datetime.now(UTC)),
        is_read=lambda: any(
            mail["isRead"] for mail in demo.control.messages(address) if _came(mail["folder"])
        ),
    )
    if demo.ready.get("imap"):
        yield _outside(demo, "repairs@mail.contoso-homes.example")


def _outside(demo: Demo, address: str) -> Desk:
    """On the IMAP server of this machine; its copy of what leaves is found by a later poll."""
    demo.control.imap_users(address, _PASSWORD)
    return Desk(
        address,
        "Ivo Marek <ivo.marek@example.net>",
        "No warm water at Mill Lane",
        "Hello,\n\nthe boiler shows F28 and stays cold.\n\nIvo Marek",
        ends=("sent", "confirmed"),
        settings={"connection": "imap"},
        ready=("polling",),
        deliver=lambda raw: demo.control.imap_deliver(address, raw, "inbox"),
        is_read=lambda: any(mail["isRead"] for mail in demo.control.imap_messages(address)),
    )


def _came(folder: str) -> bool:
    return folder.casefold().endswith("inbox")


def _enquiry(demo: Demo, desk: Desk, tell: Tell) -> Enquiry:
    """Set the mailbox up, deliver a mail, and wait until the acknowledgement has left."""
    demo.api.call("PUT", f"mailboxes/{desk.address}", {**_SETTINGS, **desk.settings})
    demo.api.call("PUT", f"mailboxes/{desk.address}/acknowledgement", _ACKNOWLEDGEMENT)
    if desk.settings:
        demo.api.call("PUT", f"mailboxes/{desk.address}/credentials", _account(demo, desk))
    until(lambda: _is_ready(demo, desk), f"{desk.address} to be read")
    desk.deliver(desk.mail().as_bytes())
    demo.api.call("POST", f"mailboxes/{desk.address}/sync")
    case = until(lambda: _case(demo, desk), "the case of a stranger's mail")
    tell(f"a stranger writes to {desk.address}: the case '{case['name']}' is open")
    acknowledgement = until(lambda: _acknowledged(demo, desk), "the acknowledgement")
    tell(f"its sender has the acknowledgement: '{acknowledgement['subject']}'")
    until(lambda: {"isRead": True} if desk.is_read() else None, "its mail to be marked as read")
    return Enquiry(desk.address, case, acknowledgement)


def _account(demo: Demo, desk: Desk) -> dict[str, Any]:
    server = demo.ready["imap"]
    return {
        "user_name": desk.address,
        "password": _PASSWORD,
        "host": server["host"],
        "port": server["port"],
        "smtp": demo.ready["smtp"],
    }


def _is_ready(demo: Demo, desk: Desk) -> dict[str, Any] | None:
    mailbox: dict[str, Any] = demo.api.call("GET", f"mailboxes/{desk.address}")
    return mailbox if mailbox["state"] in desk.ready else None


def _case(demo: Demo, desk: Desk) -> dict[str, Any] | None:
    found = demo.api.call("GET", "records?kind=case&origin=postledger")["records"]
    return next((dict(case) for case in found if case["mailbox"] == desk.address), None)


def _acknowledged(demo: Demo, desk: Desk) -> dict[str, Any] | None:
    rows = demo.api.call("GET", "outbox")["items"]
    own = (row for row in rows if row["purpose"] == "acknowledgement" and row["from"] == desk.address)
    found = next(own, None)
    if found is None:
        return None
    mail: dict[str, Any] = demo.api.call("GET", f"outbox/{found['id']}")
    if mail["error"]:
        raise RuntimeError(f"the acknowledgement was not sent: {mail['error']['detail']}")
    return mail if mail["state"] in desk.ends else None
