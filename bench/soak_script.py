"""What happens in the mailboxes, and what must come of it: steps, mails, and the truth about each. Pure."""

import base64
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal

from bench.soak_world import COMPANIES

Place = tuple[str, str]
Links = dict[str, frozenset[str]]
LARGE = 90_000
_OUTLAST = 3 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a person or the weather does, `at` seconds after the start. `copy` names one copy of a mail.

    `age`: seconds by which its receipt lies in the past.
    """

    at: float
    kind: Literal["deliver", "move", "delete"]
    token: str
    copy: str
    address: str
    folder: str = ""
    raw: bytes = b""
    age: float = 0.0


@dataclass(slots=True)
class Expected:
    """The truth about one mail, known by the token in its subject.

    `must`: how often it stands on each (domain, record); `may`: where it may stand besides. A mail with
    neither is skipped, and its body is never read. `late_delete`: its owner deletes it once all is filed.
    `is_reply`: it answers an agent's mail, and must be shown as a reply.
    """

    token: str
    category: str
    must: dict[Place, int] = field(default_factory=dict)
    may: set[Place] = field(default_factory=set)
    message_ids: set[str] = field(default_factory=set)
    late_delete: bool = False
    is_reply: bool = False

    @property
    def is_skipped(self) -> bool:
        return not self.must and not self.may

    def most(self, place: Place) -> int:
        return self.must.get(place, 1 if place in self.may else 0)


@dataclass(slots=True)
class Mail:
    """A mail as it is written; `headers` are added as they stand."""

    token: str
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    subject: str = ""
    message_id: str = ""
    answers: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = "Good morning, please see below."
    attachment: bool = False
    sent: float | None = None

    @property
    def people(self) -> set[str]:
        return {self.sender, *self.to, *self.cc, *self.bcc}

    @property
    def companies(self) -> list[str]:
        """Domains of the organisations in which it is written or received."""
        return [one.domain for one in COMPANIES if any(one.is_own(address) for address in self.people)]


class Script:
    """Collects steps and truth. The same seed and start give the same script."""

    def __init__(self, seed: int, start: datetime, first: int = 0) -> None:
        self.dice = random.Random(seed)
        self.start = start
        self.steps: list[Step] = []
        self.truth: dict[str, Expected] = {}
        self._first = first
        self._copies = 0

    def mail(self, category: str, sender: str, to: Iterable[str], **more: object) -> Mail:
        """A new mail with a token and a Message-ID of its own, and an expectation that it is skipped."""
        token = f"#{self._first + len(self.truth):05d}"
        topic = str(
            more.pop("topic", "") or self.dice.choice(("Viewing", "Offer", "Survey", "Keys", "Lease"))
        )
        mail = Mail(token, sender, tuple(to), subject=f"{topic} {token}", **more)  # type: ignore[arg-type]
        if not mail.message_id:
            mail.message_id = f"<{self.dice.getrandbits(64):016x}.{token[1:]}@{sender.rpartition('@')[2]}>"
        self._vary(mail)
        self.truth[token] = Expected(token, category, message_ids={mail.message_id})
        return mail

    def _vary(self, mail: Mail) -> None:
        kind = self.dice.random()
        mail.attachment = kind < 0.03
        if kind > 0.99:  # too large to stand on a row
            mail.text = base64.encodebytes(self.dice.randbytes(LARGE)).decode()

    def expect(self, mail: Mail, links: Mapping[str, Iterable[str]] | None = None) -> None:
        """It must stand on the records of its people, and on further `links` (records by domain)."""
        expected = self.truth[mail.token]
        for domain, records in by_people(mail).items():
            for record in {*records, *(links or {}).get(domain, ())}:
                expected.must[domain, record] = 1

    def excuse(self, mail: Mail) -> None:
        """Whatever must be, may be: it can be gone before it is read."""
        expected = self.truth[mail.token]
        expected.may |= set(expected.must)
        expected.must = {}
        expected.category = "deleted early"

    def deliver(self, mail: Mail, address: str, at: float, folder: str = "inbox", *, age: float = 0.0) -> str:
        """Puts a copy into a mailbox; returns the copy's name."""
        self._copies += 1
        copy = f"copy-{self._first}-{self._copies}"
        mail.sent = at - age if mail.sent is None else mail.sent
        raw = self._raw(mail, address)
        self.steps.append(Step(max(at, 0.0), "deliver", mail.token, copy, address, folder, raw, age))
        return copy

    def deliver_old(self, mail: Mail, address: str, at: float) -> str:
        """A copy that was received long before the mailbox was connected."""
        return self.deliver(mail, address, at, age=_OUTLAST)

    def move(self, mail: Mail, copy: str, address: str, at: float, folder: str) -> None:
        self.steps.append(Step(at, "move", mail.token, copy, address, folder))

    def delete(self, mail: Mail, copy: str, address: str, at: float) -> None:
        self.steps.append(Step(at, "delete", mail.token, copy, address))

    def _raw(self, mail: Mail, address: str) -> bytes:
        message = EmailMessage()
        headers = {
            "From": mail.sender,
            "To": ", ".join(mail.to),
            "Cc": ", ".join(mail.cc),
            "Bcc": ", ".join(mail.bcc) if address == mail.sender else "",
            "Subject": mail.subject,
            "Date": format_datetime(self.start + timedelta(seconds=round(mail.sent or 0))),
            "Message-ID": mail.message_id if mail.message_id != "none" else "",
            "In-Reply-To": mail.answers[-1] if mail.answers else "",
            "References": " ".join(mail.answers),
        }
        for name, value in {**headers, **mail.headers}.items():
            if value:
                message[name] = value
        message.set_content(f"{mail.text}\n{mail.token}")
        if mail.attachment:
            content = b"%PDF-1.4 " + mail.token.encode()
            message.add_attachment(content, maintype="application", subtype="pdf", filename="a.pdf")
            message.set_boundary(f"part-{mail.token[1:]}")  # else a random one
        return message.as_bytes()


def by_people(mail: Mail) -> Links:
    """Records by organisation that the people of a mail lead to."""
    return {one.domain: one.records(mail.people) for one in COMPANIES if one.domain in mail.companies}
