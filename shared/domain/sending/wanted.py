"""A mail as somebody asks for it, in the words of the request: nothing is looked up yet."""

import hashlib
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any

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


def fingerprint(wanted: object) -> str:
    """What tells one request from another, in 64 hexadecimal digits.

    Fields that nobody filled in are left out, so that a request which is repeated across an update that brings new
    fields is the same request still.
    """
    return hashlib.sha256(repr(_told(wanted)).encode("utf-8", "surrogatepass")).hexdigest()


def _told(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_told, value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    given = ((each, getattr(value, each.name)) for each in fields(value))
    return sorted((each.name, _told(value)) for each, value in given if value != _default(each))


def _default(each: Field[Any]) -> object:
    return each.default if each.default_factory is MISSING else each.default_factory()
