"""A mail as it will leave, but for its code: recipients, subject, texts and files, made of the request and its answer.

Pure: what the answered mail, the signature and the files are has been read before.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from shared.domain.connections.locales import zone_of
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.mail.addresses import Person, domain_of
from shared.domain.mail.codes import Code
from shared.domain.mail.html import too_much
from shared.domain.mail.html_text import to_text
from shared.domain.mail.messages import Attachment, Document
from shared.domain.records.records import RecordRef
from shared.domain.sending.checking import MOST_NAMED, Asked, Reason, people_from, without_repeats
from shared.domain.sending.letters import File
from shared.domain.sending.outbox import OutboxFile
from shared.domain.sending.pictures import without_data
from shared.domain.sending.quoting import Chain, Reading, chain_of
from shared.domain.sending.replying import (
    Own,
    Thread,
    html_below,
    html_of_text,
    recipients_of,
    text_below,
    thread_of,
)
from shared.domain.sending.subjects import subject_of_answer
from shared.domain.sending.wanted import MailWanted

# What a row of the outbox holds of html and text, compressed; it has other columns besides.
ROOM_OF_BODIES: Final = 380_000
# Storage keeps what is larger as it is.
_TOO_LARGE_TO_COMPRESS: Final = 6_000_000
# Our signed addresses let whoever has one act for its person, so that they never go to others.
_OWN_LINKS: Final = ("/api/v1/unsubscribe/",)
READING: Final = Reading(own_links=_OWN_LINKS)


_NO_THREAD: Final = Thread()


@dataclass(frozen=True, slots=True)
class Answered:
    """The stored mail that is answered or forwarded, as the caller may see it.

    `records` are those on which it is filed, `code` is the genuine one that its subject carries. `lost` are its
    attachments whose bytes are not kept: the document is without them.
    """

    key: str
    document: Document
    records: tuple[RecordRef, ...] = ()
    code: Code | None = None
    lost: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whom a mail reaches, everybody once; `faults` are addresses that mail cannot leave to."""

    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    faults: tuple[Reason, ...] = ()

    @property
    def visible(self) -> tuple[str, ...]:
        """The addresses that every recipient sees."""
        return tuple(person.address for person in (*self.to, *self.cc))

    @property
    def addresses(self) -> tuple[str, ...]:
        return (*self.visible, *(person.address for person in self.bcc))


@dataclass(frozen=True, slots=True)
class Draft:
    """What leaves, but for the code at the end of `subject`. `pictures` are new files, which have no id yet.

    `own_html` and `own_text` are what the agent wrote, pictures taken out; `faults` are what stands in its way.
    """

    people: Addressed
    subject: str
    html: str
    text: str
    own_html: str = ""
    own_text: str = ""
    files: tuple[OutboxFile, ...] = ()
    pictures: tuple[File, ...] = ()
    thread: Thread = _NO_THREAD
    faults: tuple[Reason, ...] = ()

    def asked(self, records: tuple[RecordRef, ...]) -> Asked:
        """What is checked before it is queued."""
        pictures = (
            OutboxFile(
                picture.name, picture.content_type, len(picture.content), content_id=picture.content_id
            )
            for picture in self.pictures
        )
        return Asked(
            to=self.people.to,
            cc=self.people.cc,
            bcc=self.people.bcc,
            html=self.own_html,
            text=self.own_text,
            bodies=tuple(filter(None, (self.html, self.text))),
            files=(*self.files, *pictures),
            records=records,
        )


def reading_of(mailbox: Mailbox) -> Reading:
    """In which language and time zone an answer from this mailbox quotes."""
    return Reading(mailbox.language, zone_of(mailbox.time_zone), _OWN_LINKS)


def addressed(wanted: MailWanted, answered: Answered | None, own: Own) -> Addressed:
    """Whom the mail reaches: an answer those that follow from the mail, besides whom the request names in `cc`."""
    to, faults = _spelled("to", wanted.to)
    cc, faults_of_cc = _spelled("cc", wanted.cc)
    bcc, faults_of_bcc = _spelled("bcc", wanted.bcc)
    if answered is not None:
        found = recipients_of(answered.document, wanted.mode, own)
        others, faults_of_others = _spelled("cc", found.cc)
        cc, faults_of_cc = (*others, *cc), (*faults_of_others, *faults_of_cc)
        if not wanted.to:
            to, faults = _spelled("to", found.to)
    first, copied, blind = without_repeats(to, cc, bcc)
    return Addressed(first, copied, blind, (*faults, *faults_of_cc, *faults_of_bcc))


def draft_of(
    wanted: MailWanted,
    people: Addressed,
    address: str,
    *,
    answered: Answered | None = None,
    signature: str = "",
    files: tuple[OutboxFile, ...] = (),
    reading: Reading = READING,
) -> Draft:
    """The mail that leaves from `address`. `signature` is safe HTML; `files` are those that go along.

    `reading` is the mailbox's, in whose language and time zone mail is quoted.
    """
    domain = domain_of(address)
    pictured = without_data(wanted.html, domain)
    chain = chain_of(answered.document, answered.key, reading, domain) if answered else Chain()
    html, text = _bodies(pictured.html, wanted.text, signature, chain)
    if chain.html and _weight(html, text) > ROOM_OF_BODIES:
        chain = Chain(html_of_text(chain.text), chain.text)
        html, text = _bodies(pictured.html, wanted.text, signature, chain)
    return Draft(
        people=people,
        subject=_subject(wanted, answered),
        html=html,
        text=text,
        own_html=pictured.html,
        own_text=wanted.text,
        files=(*files, *_shown(answered, chain)),
        pictures=pictured.files,
        thread=thread_of(answered.document) if answered else _NO_THREAD,
        faults=(*people.faults, *_too_long(html, text)),
    )


def forwarded_files(answered: Answered) -> tuple[OutboxFile, ...]:
    """The files of a mail that go along when it is forwarded, by reference."""
    return tuple(
        OutboxFile(
            attachment.name,
            attachment.content_type,
            attachment.size,
            message_key=answered.key,
            attachment_id=attachment.id,
        )
        for attachment in answered.document.attachments
        if not attachment.inline
    )


def lost_files(answered: Answered) -> Iterator[Reason]:
    """Why a mail cannot be forwarded with all of its files."""
    names = [attachment.name for attachment in answered.lost if not attachment.inline]
    if names:
        yield Reason(
            "file_not_kept",
            f"What is in {', '.join(names[:MOST_NAMED])} was not kept, as with links to cloud files. Upload it, or "
            "forward the mail with 'with_attachments': false.",
        )


def _spelled(name: str, people: Iterable[Person]) -> tuple[tuple[Person, ...], tuple[Reason, ...]]:
    return people_from(name, ((person.name, person.address) for person in people))


def _subject(wanted: MailWanted, answered: Answered | None) -> str:
    if answered is None or wanted.subject:
        return wanted.subject
    return subject_of_answer(answered.document.subject, wanted.mode)


def _bodies(html: str, text: str, signature: str, chain: Chain) -> tuple[str, str]:
    """Both texts as they leave. A plain text stays one, unless something stands below it."""
    own_text = text or ("" if too_much(html) else to_text(html))
    own_html = html or (html_of_text(text) if signature or chain.html else "")
    below = html_below(own_html, signature, chain) if own_html else ""
    return below, text_below(own_text, signature, chain)


def _shown(answered: Answered | None, chain: Chain) -> Iterator[OutboxFile]:
    """The pictures that the quoted mail shows, by reference."""
    for attachment, content_id in chain.pictures if answered else ():
        yield OutboxFile(
            attachment.name,
            attachment.content_type,
            attachment.size,
            message_key=answered.key if answered else "",
            attachment_id=attachment.id,
            content_id=content_id,
        )


def _too_long(html: str, text: str) -> Iterator[Reason]:
    if _weight(html, text) > ROOM_OF_BODIES:
        yield Reason("text_too_large", "The text is too large to be sent as a mail. Attach it as a file.")


def _weight(html: str, text: str) -> int:
    """About the bytes that a row needs for both."""
    data = json.dumps([html, text]).encode()
    return len(data) if len(data) > _TOO_LARGE_TO_COMPRESS else len(zlib.compress(data, 1))
