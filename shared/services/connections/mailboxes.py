"""Mailboxes as they are read, listed, walked on request and removed, and what is registered of each.

Subscriptions are never touched here: a command asks for that, since Graph's handshake would come in while this
request is still open.
"""

from dataclasses import dataclass
from typing import Final

from shared.domain.commands.commands import MaintainSubscription, ReconcileMailbox, SyncMailbox
from shared.domain.connections.handovers import Handover
from shared.domain.connections.mailbox_state import removing
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.errors import (
    InvalidInput,
    Unknown,
    WrongState,
)
from shared.domain.mail.addresses import domain_of, normalise
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.stores.connections import Credentials, Mailboxes, Organisations
from shared.ports.stores.records import RecordIndex
from shared.ports.work import Clock, CommandQueue
from shared.services.conflicts import persistently

SWEEP_DELAY: Final = 5.0
# Saving takes less.
SAVE_DELAY: Final = 10.0


@dataclass(frozen=True, slots=True)
class Register:
    """A mailbox's addresses are staff's and its domain the organisation's own: capture goes by both.

    Safe to run twice: the request that saves a mailbox registers it, and so does the command that follows.
    """

    organisations: Organisations
    index: RecordIndex

    def __call__(self, mailbox: Mailbox) -> None:
        self.index.put_staff(mailbox.tenant_id, mailbox.mailbox_id, sorted(mailbox.own_addresses))
        persistently(lambda: self._own(mailbox.tenant_id, domain_of(mailbox.address)))

    def _own(self, tenant_id: str, domain: str) -> None:
        organisation = self.organisations.get(tenant_id) or Organisation(tenant_id)
        if domain not in organisation.own_domains:
            self.organisations.put(organisation.with_own_domain(domain))


@dataclass(frozen=True, slots=True)
class GetMailbox:
    """Read a mailbox: an admin any, an agent the own. Raises Unknown."""

    mailboxes: Mailboxes

    def __call__(self, caller: Caller, address: str) -> Mailbox:
        mailbox = _standing(self.mailboxes, caller.tenant_id, address)
        if ADMIN not in caller.roles and not caller.owns(mailbox):
            raise _unknown(address)
        return mailbox


@dataclass(frozen=True, slots=True)
class ListHandovers:
    """When and by whom a mailbox was handed over, the last time first: told to admins, its agent and former agents.

    Raises Unknown for everybody else.
    """

    mailboxes: Mailboxes

    def __call__(self, caller: Caller, address: str) -> tuple[Handover, ...]:
        mailbox = _standing(self.mailboxes, caller.tenant_id, address)
        if ADMIN in caller.roles or caller.owns(mailbox):
            return mailbox.handovers
        shown = tuple(each for each in mailbox.handovers if each.is_from(caller.oid, caller.address))
        if not shown:
            raise _unknown(address)
        return shown


@dataclass(frozen=True, slots=True)
class MailboxFilter:
    """The mailboxes that an admin wants: `text` in the address, the agent's, kind, shown state; '' = all."""

    text: str = ""
    agent: str = ""
    kind: str = ""
    state: str = ""

    def takes(self, mailbox: Mailbox) -> bool:
        return (
            self.text.casefold() in mailbox.address
            and self.agent in ("", mailbox.agent)
            and self.kind in ("", mailbox.kind)
            and self.state in ("", mailbox.shown_state)
        )


EVERY_MAILBOX: Final = MailboxFilter()


@dataclass(frozen=True, slots=True)
class ListMailboxes:
    """A page of an organisation's mailboxes by address, from behind `after`."""

    mailboxes: Mailboxes

    def __call__(
        self, tenant_id: str, wanted: MailboxFilter = EVERY_MAILBOX, *, limit: int, after: str
    ) -> tuple[list[Mailbox], str]:
        """The second is the address to go on behind, '' at the end."""
        behind = (mailbox for mailbox in self.mailboxes.of(tenant_id) if mailbox.address > after)
        standing = (mailbox for mailbox in behind if not mailbox.is_removed and wanted.takes(mailbox))
        ordered = sorted(standing, key=lambda mailbox: mailbox.address)
        page = ordered[:limit]
        return page, page[-1].address if len(ordered) > limit else ""


@dataclass(frozen=True, slots=True)
class SyncNow:
    """Have a mailbox walked and compared with the ledger now. Raises WrongState while it is paused."""

    queue: CommandQueue
    clock: Clock

    def __call__(self, mailbox: Mailbox) -> None:
        if not mailbox.enabled:
            raise WrongState("The mailbox is paused; enable it first, and what it missed follows by itself.")
        self.queue.send(SyncMailbox.of(mailbox, self.clock()))
        # Behind the walk, so that what the walk finds is not taken for lost.
        self.queue.send(ReconcileMailbox.of(mailbox, self.clock()), delay=SWEEP_DELAY)


@dataclass(frozen=True, slots=True)
class DeleteMailbox:
    """Stop capturing a mailbox. It disappears at once; the command ends its subscription and deletes its rows."""

    mailboxes: Mailboxes
    credentials: Credentials
    queue: CommandQueue
    clock: Clock

    def __call__(self, tenant_id: str, address: str) -> None:
        mailbox = _standing(self.mailboxes, tenant_id, address)
        self.mailboxes.change(mailbox, removing)
        # At once: who connects it anew before the command comes must not find another one's password.
        self.credentials.delete(mailbox.tenant_id, mailbox.mailbox_id)
        self.queue.send(MaintainSubscription.of(mailbox, self.clock()))


def _standing(mailboxes: Mailboxes, tenant_id: str, address: str) -> Mailbox:
    mailbox = mailboxes.get(tenant_id, address_of(address))
    if mailbox is None or mailbox.is_removed:
        raise _unknown(address)
    return mailbox


def address_of(text: str) -> str:
    """The normalised address. Raises InvalidInput."""
    address = normalise(text)
    if address is None:
        raise InvalidInput(f"{text[:320]!r} is no e-mail address.")
    return address


def _unknown(address: str) -> Unknown:
    return Unknown(f"There is no mailbox {normalise(address) or 'of this name'}.")
