"""Notices: "you have an answer", for the agent who sent the original, and for nobody else.

Whom a mail is told to is settled when it is matched (`choosing.py`); whether a notice is written follows from its row
(`notice_changes`), so that a repeat after a crash writes the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.events.events import Announce, Change, What
from shared.domain.filing.entries import entry_id
from shared.domain.filing.filing import StoredMessage
from shared.domain.mail.addresses import Person
from shared.domain.mail.automatic import Automatic
from shared.domain.mail.messages import Direction, Document
from shared.domain.notices.recipients import Recipient
from shared.domain.records.records import RecordRef


class NoticeKind(StrEnum):
    """What a notice tells of."""

    REPLY = "reply"
    BOUNCE = "bounce"


@dataclass(frozen=True, slots=True)
class Notice:
    """A line in an agent's list: the mail `message_key`, which answers `answers` or reports that it did not arrive.

    `id` orders the list, newest first; it is given when the notice is written. `records` are those on which the mail
    stands for all to see.
    """

    agent: str
    message_key: str
    kind: NoticeKind
    at: datetime
    sender: Person
    subject: str
    preview: str
    has_attachments: bool
    records: tuple[RecordRef, ...]
    answers: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Notify:
    """An effect of filing. `is_new`: it is written unless it was before; else it is brought in line where it stands."""

    notice: Notice
    is_new: bool


@dataclass(frozen=True, slots=True)
class TakeNotice:
    """An effect of filing: the mail is on no record any more. `for_good`: it is deleted, and nothing of it stays."""

    agent: str
    message_key: str
    for_good: bool


def notice_changes(
    after: StoredMessage, document: Document | None
) -> Iterator[Notify | TakeNotice | Announce]:
    """What becomes of the notice of a mail whose rows are written."""
    told = after.notice_for
    if told is None:
        return
    if after.is_deleted or not after.lent or not _is_worth_telling(after):
        if told.is_told:
            yield TakeNotice(told.agent, after.key, after.is_deleted)
            yield _announced(What.NOTICE_REMOVED, after, told)
        return
    if document is None:
        return
    is_new = _is_news(after, told)
    if is_new or told.is_told:
        yield Notify(_notice(after, document, told), is_new)
    if is_new:
        yield _announced(What.NOTICE_ADDED, after, told)


def _is_worth_telling(after: StoredMessage) -> bool:
    """As all copies have it: one may show that a machine wrote it, or a colleague."""
    # The organisation's own server reports as well.
    is_answer = after.direction is Direction.IN and not after.automatic
    return is_answer or _is_report(after)


def _is_report(after: StoredMessage) -> bool:
    """Whether it tells that a mail did not arrive: a server's report, or the mail itself, whose server refused some."""
    tells_of_itself = after.notice_for is not None and after.notice_for.answers == after.key
    return after.automatic == Automatic.BOUNCE or tells_of_itself


def _is_news(after: StoredMessage, told: Recipient) -> bool:
    if told.is_told or after.silent:
        return False
    # Who files it by hand has read it.
    return after.decided is None or after.decided.by != told.agent


def _notice(after: StoredMessage, document: Document, told: Recipient) -> Notice:
    is_report = _is_report(after)
    return Notice(
        agent=told.agent,
        message_key=after.key,
        kind=NoticeKind.BOUNCE if is_report else NoticeKind.REPLY,
        at=after.at,
        sender=document.sender,
        subject=document.subject,
        preview=document.preview,
        has_attachments=bool(document.file_names),
        records=tuple(sorted(after.lent)),
        answers=told.answers,
    )


def _announced(what: What, after: StoredMessage, told: Recipient) -> Announce:
    return Announce(Change(what, after.key, entry_id(after.at, after.key), agent=told.agent))
