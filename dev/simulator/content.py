"""What a mail says, once read: the part of a message that does not depend on the mailbox it lies in."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from dev.simulator import body as bodies
from dev.simulator import headers as mail_headers
from dev.simulator.attachments import Attachment
from dev.simulator.headers import Address
from dev.simulator.threading_index import decode_thread_index

_SENSITIVITIES = {"personal": 1, "private": 2, "company-confidential": 3}
MEETING_ANSWERS = {
    "ACCEPTED": "meetingAccepted",
    "TENTATIVE": "meetingTenativelyAccepted",  # sic, Graph's own spelling
    "DECLINED": "meetingDeclined",
}


@dataclass(frozen=True)
class Content:
    """One mail as read: what does not depend on the mailbox it lies in.

    `report` are the parts of a report that only its MIME shows, raw: who was not reached, the headers of which mail.
    """

    headers: tuple[tuple[str, str], ...]
    markup: str
    plain: str | None
    attachments: tuple[Attachment, ...] = ()
    meeting: str | None = None
    is_event: bool = False
    report: tuple[bytes, ...] = ()

    def header(self, name: str) -> str | None:
        return mail_headers.first(list(self.headers), name)

    @cached_property
    def subject(self) -> str:
        return mail_headers.decode_words(self.header("Subject") or "")

    @cached_property
    def message_id(self) -> str | None:
        value = (self.header("Message-ID") or "").strip()
        found = re.search(r"<[^<>]+>", value)
        return found[0] if found else value or None

    @cached_property
    def from_(self) -> Address | None:
        return next(iter(self.people("From")), None)

    @cached_property
    def sender(self) -> Address | None:
        return next(iter(self.people("Sender")), self.from_)

    def people(self, name: str) -> list[Address]:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return mail_headers.addresses(", ".join(values))

    @cached_property
    def sent(self) -> datetime | None:
        return mail_headers.date(self.header("Date"))

    @cached_property
    def references(self) -> tuple[str, ...]:
        return tuple(
            re.findall(r"<[^<>\s]+>", f"{self.header('References') or ''} {self.header('In-Reply-To') or ''}")
        )

    @cached_property
    def thread_index(self) -> bytes | None:
        return decode_thread_index(self.header("Thread-Index"))

    @cached_property
    def topic(self) -> str:
        """Thread-Topic, else the subject with one prefix of 1-3 characters stripped (MS-OXCMAIL 2.2.3.2.6.1)."""
        given = self.header("Thread-Topic")
        return (
            mail_headers.decode_words(given)
            if given
            else re.sub(r"^[^:\s\d]{1,3}:\s*", "", self.subject, count=1)
        )

    @cached_property
    def importance(self) -> str:
        named = (self.header(name) or "" for name in ("Importance", "X-Priority", "Priority"))
        text = " ".join(named).strip().lower()
        if re.search(r"high|urgent|^\s*[12]\b", text):
            return "high"
        return "low" if re.search(r"low|non-urgent|^\s*[45]\b", text) else "normal"

    @cached_property
    def sensitivity(self) -> int:
        return _SENSITIVITIES.get((self.header("Sensitivity") or "").strip().lower(), 0)

    @cached_property
    def text(self) -> str:
        """The body as text: made from the HTML, unless the mail was plain."""
        if self.plain is not None:
            return self.plain.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
        return bodies.html_to_text(self.markup)

    @cached_property
    def preview(self) -> str:
        return bodies.preview(self.text.strip())

    @cached_property
    def has_attachments(self) -> bool:
        return any(not attachment.is_inline for attachment in self.attachments)

    @property
    def odata_type(self) -> str:
        if not self.is_event:
            return "#microsoft.graph.message"
        if self.meeting == "meetingRequest":
            return "#microsoft.graph.eventMessageRequest"
        return (
            "#microsoft.graph.eventMessageResponse"
            if self.meeting in MEETING_ANSWERS.values()
            else "#microsoft.graph.eventMessage"
        )
