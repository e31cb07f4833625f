"""A mail as this service sees it: its headers first, its body only once capture has said yes."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Final

from shared.domain.mail import subjects
from shared.domain.mail.addresses import Person
from shared.domain.mail.items import ItemRef
from shared.domain.mail.message_ids import answered, first_id
from shared.domain.mail.senders import author_of

# PidTagSensitivity (MS-OXCMSG 2.2.1.13): 0 normal, 1 personal, 2 private, 3 company-confidential.
PRIVATE = (2, 3)
SEALED: Final = frozenset(
    ("application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted", "multipart/encrypted")
)
# File names that lists of mail show.
MOST_NAMES = 20


class Direction(StrEnum):
    """Seen from the organisation."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class MessageHead:
    """One copy of a mail in one mailbox, without its body. Ids are without angle brackets; times are UTC.

    `author` is who wrote it where a mailing list put its own address into From. `relayed_as` is the Message-ID that a
    relay has put in the place of `message_id`, where `as_first_sent` has taken it back. `tag` is the mark of a mail of
    ours that its sender's mailbox keeps with the copy, and that no recipient's has.
    """

    item: ItemRef
    folder_id: str
    message_id: str
    sender: Person
    subject: str
    sent_at: datetime
    received_at: datetime
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    on_behalf_of: Person | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    conversation_id: str = ""
    conversation_index: str = ""
    is_draft: bool = False
    is_read: bool = False
    has_attachments: bool = False
    sensitivity: int = 0
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    relayed_as: str = ""
    tag: str = ""
    author: Person | None = field(init=False)

    def __post_init__(self) -> None:
        author = author_of(self.sender, self.reply_to, self.cc, self.headers)
        object.__setattr__(self, "author", author)

    @property
    def answers(self) -> tuple[str, ...]:
        """Message-IDs this mail answers, nearest first, never its own; none for a forward."""
        return _answers(self)

    def as_first_sent(self) -> "MessageHead":
        """The same under the Message-ID that it was sent with, where a relay has put another in its place.

        Only to be believed of mail of ours: the copy in Sent has that one.
        """
        first = first_id(self.headers)
        is_other = bool(first) and first != self.message_id
        return replace(self, message_id=first, relayed_as=self.message_id) if is_other else self

    @property
    def roles(self) -> tuple[tuple[str, str], ...]:
        """(role, address) of everyone named on it, senders first, each address once."""
        named: tuple[tuple[str, Iterable[Person | None]], ...] = (
            ("from", (self.sender, self.author, self.on_behalf_of)),
            ("reply-to", self.reply_to),
            ("to", self.to),
            ("cc", self.cc),
            ("bcc", self.bcc),
        )
        seen: dict[str, str] = {}
        for role, people in named:
            for person in people:
                if person is not None and person.address:
                    seen.setdefault(person.address, role)
        return tuple((role, address) for address, role in seen.items())

    @property
    def participants(self) -> frozenset[str]:
        """Every address named on it."""
        return frozenset(address for _, address in self.roles)

    @property
    def writers(self) -> frozenset[str]:
        """The addresses of who wrote it: From, and the author where a list has rewritten From."""
        return frozenset((self.sender.address, (self.author or self.sender).address)) - {""}

    @property
    def is_private(self) -> bool:
        return self.sensitivity in PRIVATE


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment's metadata. `id` is ours (its place in the list), `source_id` the copy's own."""

    id: str
    source_id: str
    name: str
    content_type: str
    size: int
    inline: bool = False
    content_id: str = ""
    kind: str = "file"


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """A whole mail as fetched. `html` is what the mailbox holds, not yet safe to show.

    `whole_size` is how many octets it has where that is more than is taken: then its attachments are left out.
    """

    head: MessageHead
    html: str = ""
    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    whole_size: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """What is kept of a mail to show it: the body untouched, and where the quoted chain stands in it.

    `quoted` are half-open character ranges of `text`; `html_quote_start` is an offset into `html`.
    Bcc is not among the people: it is kept with the copy in which it is visible. `headers` are those that
    matching reads, so that it can be asked again. `whole_size` is as in `FetchedMessage`.
    """

    message_id: str
    sender: Person
    subject: str
    sent_at: datetime
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    html: str = ""
    text: str = ""
    quoted: tuple[tuple[int, int], ...] = ()
    html_quote_start: int | None = None
    preview: str = ""
    attachments: tuple[Attachment, ...] = ()
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    on_behalf_of: Person | None = None
    conversation_index: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    whole_size: int = 0

    @property
    def answers(self) -> tuple[str, ...]:
        """As those of a `MessageHead`."""
        return _answers(self)

    @property
    def is_sealed(self) -> bool:
        """Whether only a mail program can read it: it is signed opaquely, or encrypted (RFC 8551, RFC 3156)."""
        types = {attachment.content_type.casefold() for attachment in self.attachments}
        return not self.text.strip() and not types.isdisjoint(SEALED)

    @property
    def file_names(self) -> tuple[str, ...]:
        """Names of what is attached, but for inline images; of many the first."""
        names = (attachment.name for attachment in self.attachments if not attachment.inline)
        return tuple(islice(names, MOST_NAMES))


def _answers(mail: MessageHead | Document) -> tuple[str, ...]:
    if subjects.kind(mail.subject) == "forward":  # it begins a new thread
        return ()
    return _others(mail.in_reply_to, mail.references, mail.message_id)


# Asked for half a dozen times while a mail is taken in.
@lru_cache(maxsize=128)
def _others(in_reply_to: tuple[str, ...], references: tuple[str, ...], own_id: str) -> tuple[str, ...]:
    found = answered(in_reply_to, references)
    return tuple(answered_id for answered_id in found if answered_id != own_id)
