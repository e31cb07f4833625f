"""A mail as somebody asks for it, in the words of the request: nothing is looked up yet."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.mail.addresses import Person
from shared.domain.records.records import RecordRef
from shared.domain.sending.outbox import CampaignPlace, Mode


@dataclass(frozen=True, slots=True)
class FileWanted:
    """A file that is to go along: an upload, or an attachment of a stored message."""

    upload_id: str = ""
    message_id: str = ""
    attachment_id: str = ""

    def __str__(self) -> str:
        return self.upload_id or f"{self.message_id}/{self.attachment_id}"


@dataclass(frozen=True, slots=True)
class MailWanted:
    """What the request says. Addresses are as they were written; '' and () stand for what is absent.

    `sender` is its `from`, `agent` names for whom a service asks. `answers` is the message that `mode` answers or
    forwards; then `to` goes before the recipients that follow from it, `cc` beside them. `keeps_files`: its files are
    forwarded too. `is_signed`: the agent's signature stands below. `campaign`: it is one of many.
    """

    to: tuple[Person, ...] = ()
    subject: str = ""
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    html: str = ""
    text: str = ""
    records: tuple[RecordRef, ...] = ()
    sender: str = ""
    agent: str = ""
    purpose: str = ""
    attachments: tuple[FileWanted, ...] = ()
    send_at: datetime | None = None
    mode: Mode = Mode.NEW
    answers: str = ""
    keeps_files: bool = True
    is_signed: bool = True
    campaign: CampaignPlace | None = None
