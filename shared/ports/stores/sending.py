"""The store of mail on its way out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.pacing import Pace
from shared.domain.sending.states import State


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

    def save(self, mail: OutboxMail) -> OutboxMail:
        """Replace a mail as it was read (`etag`); the mailbox's list follows. Raises Conflict."""

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
