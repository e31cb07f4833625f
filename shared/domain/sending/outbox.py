"""A mail on its way out: what is to leave, for whom, and how far it has come. `states` has the table."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.domain.mail.addresses import Person
from shared.domain.mail.codes import Code
from shared.domain.records.records import RecordRef
from shared.domain.sending.states import ENDED, State


class Mode(StrEnum):
    """What the mail is to another one."""

    NEW = "new"
    REPLY = "reply"
    REPLY_ALL = "reply_all"
    FORWARD = "forward"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a row's history: `what` is the word of a state, `detail` a sentence."""

    at: datetime
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a mail did not leave, or nobody knows: a code, and a sentence that says what to do."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recipient whom the server does not take, though it takes others. `words` is a sentence with what it said."""

    address: str
    words: str


@dataclass(frozen=True, slots=True)
class OutboxFile:
    """A file of the mail, by reference: an upload, or an attachment of a stored message. `size` is in bytes.

    With a `content_id` it is a picture that the text shows.
    """

    name: str
    content_type: str
    size: int
    upload_id: str = ""
    message_key: str = ""
    attachment_id: str = ""
    content_id: str = ""

    @property
    def inline(self) -> bool:
        return bool(self.content_id)


@dataclass(frozen=True, slots=True)
class CampaignPlace:
    """The campaign of which a mail is one, the recipient's number there, and the signed address of the way out."""

    id: str
    number: int
    unsubscribe_url: str


@dataclass(frozen=True, slots=True)
class OutboxMail:
    """A mail as it is to leave, and how far it has come. Ids are without angle brackets; times are UTC.

    `agent` and `agent_id` (address, object id) name the agent for whom it leaves, `by` the caller as the audit has
    it. `from_rule` and the sentence `from_why` say why `sender` is the address. `subject` is the one that leaves, code
    included. `tag` marks the draft and the copy. `answers` is the key of the message that is answered or forwarded.
    `key_hash` and `request_hash` tell a repeated request from another one. `draft_id` is the server's; `begun`
    says that a worker may have made a draft, so that the next one looks first; `not_before` is the
    time of the next try. `tries` counts hand-overs to the server, `put_backs` new beginnings. `message_key` is
    the stored message of its copy, '' as long as none was seen. `rejected` are the recipients who were reported as not
    reached, `silenced` those of them that do not exist: campaigns leave them out. `untold`: who reads the feed may not
    have been told of its last change; it stays in its mailbox's list until that is done.
    """

    id: str
    tenant_id: str
    mailbox_id: str
    agent_id: str
    agent: str
    by: str
    sender: Person
    from_rule: str
    subject: str
    code: Code
    message_id: str
    tag: str
    created_at: datetime
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    html: str = ""
    text: str = ""
    attachments: tuple[OutboxFile, ...] = ()
    records: tuple[RecordRef, ...] = ()
    from_why: str = ""
    purpose: str = ""
    mode: Mode = Mode.NEW
    answers: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    send_at: datetime | None = None
    campaign: CampaignPlace | None = None
    key_hash: str = ""
    request_hash: str = ""
    state: State = State.QUEUED
    steps: tuple[Step, ...] = ()
    error: Problem | None = None
    draft_id: str = ""
    begun: bool = False
    not_before: datetime | None = None
    drafted_at: datetime | None = None
    sending_at: datetime | None = None
    tries: int = 0
    put_backs: int = 0
    message_key: str = ""
    rejected: tuple[str, ...] = ()
    silenced: tuple[str, ...] = ()
    untold: bool = False
    etag: str = ""

    @property
    def recipients(self) -> tuple[Person, ...]:
        return (*self.to, *self.cc, *self.bcc)

    @property
    def refused(self) -> tuple[str, ...]:
        """Recipients whom the server refused at the hand-over. Once a report speaks, it does for all of them."""
        return () if self.state is State.BOUNCED else self.rejected

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to do, unless a person asks for it.

        `sent` with an error is the end of a mail whose copy could not be kept.
        """
        return self.state in ENDED or (self.state is State.SENT and self.error is not None)

    def is_due(self, now: datetime) -> bool:
        """Whether the sender may go on with it now, or has to tell of it."""
        if self.untold:
            return True
        waits_until = max(filter(None, (self.send_at, self.not_before)), default=now)
        return not self.has_ended and waits_until <= now
