"""The stores of mail on its way out: mails, files that are to go along, signatures."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.campaigns.campaigns import CampaignMail
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.pacing import Pace
from shared.domain.sending.states import State
from shared.domain.sending.uploads import Upload


@dataclass(frozen=True, slots=True)
class OutboxFilter:
    """Which mails are wanted: those in a state, those of an agent (address); None and '' for all."""

    state: State | None = None
    agent: str = ""


@dataclass(frozen=True, slots=True)
class DueMail:
    """A mailbox's mails that are to be gone on with, oldest first, and the pace that it has kept so far."""

    mails: tuple[OutboxMail, ...]
    pace: Pace


class Outbox(Protocol):
    """Every mail that was asked for, and each mailbox's list of those that have not ended, with its pace."""

    def add(self, mail: OutboxMail) -> OutboxMail:
        """Insert a mail that is to leave. The one that stands under the same `key_hash`, if there is one."""

    def get(self, tenant_id: str, mail_id: str) -> OutboxMail | None: ...

    def of_key(self, tenant_id: str, key_hash: str) -> OutboxMail | None:
        """The mail that was asked for under a key."""

    def of_campaign(self, tenant_id: str, campaign_id: str) -> Iterator[CampaignMail]:
        """How the mails of a campaign stand, by the recipient's number: exactly as their own rows say."""

    def of_code(self, tenant_id: str, number: int, *, limit: int) -> list[OutboxMail]:
        """The mails that were asked for with a code, newest first: an answer keeps that of its thread."""

    def save(self, mail: OutboxMail) -> OutboxMail:
        """Replace a mail as it was read (`etag`); the mailbox's list follows. Raises Conflict.

        One that is `untold` is in the list, and due at once.
        """

    def told(self, mails: Sequence[OutboxMail]) -> list[OutboxMail]:
        """Note of mails of one mailbox that they have been told: those that have ended leave its list.

        Returns them as they stand then. One that was changed since it was saved stays as it is, and is left out.
        """

    def begin(self, mails: Sequence[OutboxMail]) -> list[OutboxMail]:
        """Note of mails of one mailbox that they are worked on: from now on they are read as `begun`.

        Gives them as they were read, to be saved so, without those that were seen to be others by now.
        """

    def start(self, mail: OutboxMail, pace: Pace) -> tuple[OutboxMail, Pace]:
        """`save`, and replace its mailbox's pace as it was read: both or neither. Raises Conflict."""

    def page(
        self, tenant_id: str, wanted: OutboxFilter, *, limit: int, after: str
    ) -> tuple[list[OutboxMail], str]:
        """Mails newest first, behind the place `after`; and the place of the last one, '' at the end."""

    def due(self, tenant_id: str, mailbox_id: str, now: datetime, *, limit: int) -> DueMail: ...

    def has_due(self, tenant_id: str, mailbox_id: str, now: datetime) -> bool:
        """Whether `due` would find any."""

    def mailboxes_due(self, tenant_ids: Iterable[str], now: datetime) -> Iterator[tuple[str, str]]:
        """(tenant, mailbox id) of those that have any, each once."""


class Uploads(Protocol):
    """Files that are to be sent: what is known of each, and its bytes."""

    def get(self, tenant_id: str, upload_id: str) -> Upload | None: ...

    def save(self, upload: Upload) -> Upload:
        """Insert one without an `etag`, or replace it as it was read. Raises Conflict."""

    def put_piece(self, upload: Upload, offset: int, content: bytes) -> None:
        """Lay a piece down. It is none of the file before `complete` says so."""

    def complete(self, upload: Upload) -> None:
        """Make the file of the pieces at its `offsets`, in their order."""

    def read(self, tenant_id: str, upload_id: str) -> Iterator[bytes]:
        """The bytes of a complete file. Raises NotFound."""

    def forget(self, tenant_id: str, now: datetime, *, limit: int) -> bool:
        """Delete files that are kept until then or less; whether so many were found that there may be more."""


class Signatures(Protocol):
    """The signature of each agent, by object id."""

    def get(self, tenant_id: str, agent_id: str) -> str:
        """Safe HTML; '' for an agent who has none."""

    def put(self, tenant_id: str, agent_id: str, html: str) -> None: ...
