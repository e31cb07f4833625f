"""Whose mail a command is about: the organisation and the mailbox, if mail may be captured there now."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from shared.domain.commands.commands import (
    BackfillMailbox,
    MaintainSubscription,
    ReconcileMailbox,
    SyncMailbox,
)
from shared.domain.commands.envelope import Command
from shared.domain.connections.mailbox_access import missed_since
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.mail.identity import Hasher
from shared.domain.mail.messages import MessageHead
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.services.remembering.recent_rows import RecentRows

# They are queued because a row was changed, so they have to see the change. Mail only comes to be filed.
_CALLED_BY_CHANGE: Final = (SyncMailbox, ReconcileMailbox, BackfillMailbox, MaintainSubscription)
# How far before the last complete walk a lost cursor is made up for, and how far back the new one begins:
# of mail received before, a move from junk to the inbox would go unseen.
OVERLAP: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Scope:
    """An organisation, one of its mailboxes, and the organisation's hasher.

    `unbounded`: history was asked for, the capture window does not count. `silent`: nobody is told of its mail.
    `in_history_lane`: it stands behind live mail, whatever else. `afresh`: it is decided under the records of now, and
    nothing that a process remembers will do. `old_before`: dates count, since a folder's position is not known; what
    is older may have lain there before. `doubtful`: its mail is such mail.
    """

    organisation: Organisation
    mailbox: Mailbox
    hasher: Hasher
    unbounded: bool = False
    silent: bool = False
    in_history_lane: bool = False
    afresh: bool = False
    old_before: datetime | None = None
    doubtful: bool = False

    @property
    def is_history(self) -> bool:
        """Whether nobody waits for its mail."""
        return self.in_history_lane or self.silent or self.unbounded

    @property
    def tenant_id(self) -> str:
        return self.organisation.tenant_id

    @property
    def is_enabled(self) -> bool:
        """Whether mail is captured: nobody has paused or removed anything."""
        return self.organisation.is_served and self.mailbox.is_served

    @property
    def captures_from(self) -> datetime | None:
        """The oldest receipt time that is captured; None where there is no such bound."""
        return None if self.unbounded else self.mailbox.captures_from(self.organisation.capture_hours)

    def is_old(self, head: MessageHead) -> bool:
        """Whether a mail may have lain in its folder before, though it is found as if it had come.

        A new provider says of a whole archive that it was received on the day of the move: then Date tells.
        """
        if self.old_before is None:
            return False
        return head.received_at < self.old_before or head.sent_at < self.old_before - OVERLAP

    @property
    def is_readable(self) -> bool:
        """Whether mail is captured, and Graph lets it be read as far as is known."""
        return self.organisation.is_served and self.mailbox.is_readable

    def read_anew_from(self, start: datetime) -> datetime:
        """From when on mail is listed where a position is lost: before, whole walks have seen all there was."""
        last = self.mailbox.state.last_sync_at
        return max(start, last - OVERLAP) if last else start

    def missed_since(self, gap: datetime) -> datetime:
        """From when on mail is compared with the ledger after a gap in capture that began at `gap`."""
        return missed_since(self.mailbox, gap, self.organisation.capture_hours)


@dataclass(frozen=True, slots=True)
class FindScope:
    """Read the scope of a command. `hash_key` is the deployment's secret behind every keyed hash.

    For a command that takes in mail the organisation's row may be five seconds old. The mailbox's row never is: it says
    whether the provider has asked another process to leave the mailbox alone.
    """

    organisations: Organisations
    mailboxes: Mailboxes
    recent: RecentRows
    hash_key: bytes

    def __call__(self, command: Command) -> Scope | None:
        """None when the mailbox or its organisation is gone: there is nothing left to do."""
        is_called = isinstance(command, _CALLED_BY_CHANGE)
        read_organisation = self.organisations.get if is_called else self.recent.organisation
        mailbox = self.mailboxes.by_id(command.tenant_id, command.mailbox_id)
        organisation = read_organisation(command.tenant_id) if mailbox else None
        if mailbox is None or organisation is None:
            return None
        return Scope(organisation, mailbox, hasher_of(self.hash_key, command.tenant_id))


@lru_cache(maxsize=1_024)
def hasher_of(hash_key: bytes, tenant_id: str) -> Hasher:
    """The organisation's hasher, made once in a process."""
    return Hasher.of(hash_key, tenant_id)
