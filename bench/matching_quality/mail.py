"""A mail of the story, and the bytes that a mail server would have for it."""

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from enum import Enum
from html import escape
from typing import Final, Literal

from bench.matching_quality.truth import Truth
from bench.matching_quality.world import Person

Origin = Literal["inbound", "internal", "sent", "draft"]
Headers = tuple[tuple[str, str], ...]
MANY: Final = 45


class Threading(Enum):
    """How an answer names what it answers: programs differ."""

    USUAL = "In-Reply-To and References"
    REPLY_ONLY = "In-Reply-To alone"
    REFERENCES_ONLY = "References alone"
    BARE = "no angle brackets"
    COMMAS = "References with commas"
    MANY = "References with many that nobody has"
    SEVERAL = "several in In-Reply-To"
    INDEX = "Thread-Index alone"
    NONE = "nothing"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail. Its truth is given, or follows from the people on it, what it answers and what it is `about`.

    `shown_as` stands in From instead of the sender. `lost` is the address that a bounce of `answers` is about.
    `feigned`: it comes from outside, whoever it says it is from. `conversation` seeds a Thread-Index. `folder`
    is where the recipients' copies lie. `listed`: those in Bcc have it through the mailing list in To.
    """

    kind: str
    at: datetime
    sender: Person
    to: tuple[Person, ...]
    subject: str
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    shown_as: Person | None = None
    answers: "Mail | None" = None
    about: frozenset[str] = frozenset()
    truth: Truth | None = None
    threading: Threading = Threading.USUAL
    conversation: str = ""
    headers: Headers = ()
    body: str = ""
    html: bool = False
    lost: Person | None = None
    feigned: bool = False
    listed: bool = False
    folder: str = "inbox"
    message_id: str | None = None
    number: int = 0

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody that a reader sees on it."""
        return (self.sender, *self.to, *self.cc, *self.bcc, *self.reply_to)

    @property
    def chain(self) -> "list[Mail]":
        """What it answers, and what that answered, nearest first."""
        found: list[Mail] = []
        before = self.answers
        while before is not None:
            found.append(before)
            before = before.answers
        return found


@dataclass(frozen=True, slots=True)
class Delivery:
    """One copy of a mail in one mailbox; `by_list`: it came through the mailing list in To."""

    mail: int
    mailbox: str
    folder: str
    origin: Origin
    by_list: bool = False


def by_list(mail: Mail) -> Mail:
    """The copy of those who have it from the list in To, which writes itself into From and tags the subject."""
    address = mail.to[0].address
    shown = Person(f"{mail.sender.name} via List", address)
    marks = (("List-Id", f"<{address.replace('@', '.')}>"), ("Precedence", "list"))
    subject = f"[{address.partition('@')[0]}] {mail.subject}"
    return replace(mail, shown_as=shown, subject=subject, headers=marks, reply_to=(mail.sender,))


def raw(mail: Mail, *, with_bcc: bool) -> bytes:
    """The mail as RFC 5322 has it; only the sender's own copy shows Bcc."""
    lines = [
        *_received(mail),
        ("From", _spelled(mail.shown_as or mail.sender, loud=mail.number % 6 == 0)),
        *_named("To", mail.to),
        *_named("Cc", mail.cc),
        *_named("Bcc", mail.bcc if with_bcc else ()),
        *_named("Reply-To", mail.reply_to),
        ("Subject", _encoded(mail.subject)),
        ("Date", format_datetime(mail.at)),
        *((("Message-ID", f"<{mail.message_id}>"),) if mail.message_id else ()),
        *_threading(mail),
        *mail.headers,
        ("MIME-Version", "1.0"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return (head + (_report(mail) if mail.lost else _text(mail))).encode()


def thread_index(seed: str, answers: int) -> str:
    """MS-OXOMSG 2.2.1.3: 22 bytes that open a conversation, five more with each answer."""
    opened = b"\x01\xdc" + hashlib.sha256(seed.encode()).digest()[:20]
    return base64.b64encode(opened + b"\x00\x01\x02\x03\x04" * answers).decode()


def _received(mail: Mail) -> Headers:
    return (("Received", f"from relay.example by mx.example; {format_datetime(mail.at)}"),)


def _spelled(person: Person, *, loud: bool = False) -> str:
    """Some programs write addresses in capitals, and domains in letters that are not ASCII."""
    name, address = person.name.replace('"', "'"), person.address.upper() if loud else person.address
    shown = f'"{name}"' if name.isascii() else _encoded(name)
    address = address if "xn--" not in address else address.encode().decode("idna")
    return f"{shown} <{address}>" if name else address


def _named(header: str, people: tuple[Person, ...]) -> Headers:
    return ((header, ", ".join(map(_spelled, people))),) if people else ()


def _encoded(text: str) -> str:
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=10_000).encode()


def _threading(mail: Mail) -> Headers:
    """How it names its predecessors; a conversation of Outlook's goes along where there is one."""
    ids = [one.message_id for one in mail.chain if one.message_id]
    index = thread_index(mail.conversation, len(mail.chain)) if mail.conversation else ""
    indexed: Headers = (("Thread-Index", index),) if index else ()
    if not ids or mail.threading in (Threading.INDEX, Threading.NONE):
        return indexed
    nearest, whole = f"<{ids[0]}>", " ".join(f"<{one}>" for one in reversed(ids))
    written: dict[Threading, Headers] = {
        Threading.USUAL: (("In-Reply-To", nearest), ("References", whole)),
        Threading.REPLY_ONLY: (("In-Reply-To", nearest),),
        Threading.REFERENCES_ONLY: (("References", whole),),
        Threading.BARE: (("In-Reply-To", ids[0]), ("References", " ".join(reversed(ids)))),
        Threading.COMMAS: (("In-Reply-To", nearest), ("References", whole.replace("> <", ">,\r\n <"))),
        Threading.SEVERAL: (("In-Reply-To", f"<{mail.number}@nobody.example> {nearest}"),),
        Threading.MANY: (("References", _among_many(mail.number, nearest)),),
    }
    return (*written[mail.threading], *indexed)


def _among_many(number: int, stored: str) -> str:
    """The one that counts stands tenth from the end."""
    others = [f"<{number}.{at}@somewhere.example>" for at in range(MANY)]
    return "\r\n ".join([*others[:-9], stored, *others[-9:]])


def _text(mail: Mail) -> str:
    plain = (
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"{mail.body}\r\n{_quoted(mail.answers)}"
    )
    if not mail.html:
        return plain
    edge = f"either-{mail.number}"
    written = (
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"<html><body><p>{_broken(mail.body)}</p>{_quoted_html(mail.answers)}</body></html>\r\n"
    )
    head = f'Content-Type: multipart/alternative; boundary="{edge}"\r\n\r\n'
    return f"{head}--{edge}\r\n{plain}\r\n--{edge}\r\n{written}--{edge}--\r\n"


def _quoted(answered: Mail | None) -> str:
    if answered is None:
        return ""
    lines = "\r\n> ".join(answered.body.split("\r\n"))
    return f"\r\nOn {answered.at:%d %B %Y}, {answered.sender.name} wrote:\r\n> {lines}\r\n"


def _quoted_html(answered: Mail | None) -> str:
    if answered is None:
        return ""
    intro = f"On {answered.at:%d %B %Y}, {answered.sender.name} wrote:"
    quote = f"<blockquote class='gmail_quote'>{_broken(answered.body)}</blockquote>"
    return f"<div class='gmail_quote'><div class='gmail_attr'>{intro}</div>{quote}</div>"


def _broken(text: str) -> str:
    return escape(text).replace("\r\n", "<br>\r\n")


def _report(mail: Mail) -> str:
    """A delivery status notification (RFC 3464) about the mail that it answers."""
    original = mail.answers
    address = mail.lost.address if mail.lost else ""
    parts = (
        ("text/plain; charset=utf-8", f"Your message to {address} could not be delivered."),
        (
            "message/delivery-status",
            f"Reporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; {address}\r\n"
            "Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user",
        ),
        (
            "text/rfc822-headers",
            f"Message-ID: <{original.message_id if original else ''}>\r\nTo: {address}\r\n"
            f"Subject: {_encoded(original.subject) if original else ''}",
        ),
    )
    edge = f"report-{mail.number}"
    written = "".join(f"--{edge}\r\nContent-Type: {kind}\r\n\r\n{text}\r\n\r\n" for kind, text in parts)
    kind = f'multipart/report; report-type=delivery-status; boundary="{edge}"'
    return f"Content-Type: {kind}\r\n\r\n{written}--{edge}--\r\n"
