"""Mailboxes as an admin connects, changes, lists and removes them.

Subscriptions are never touched here: a command asks for that, since Graph's handshake would come in while this
request is still open.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from shared.domain.commands.commands import MaintainSubscription, ReconcileMailbox, SyncMailbox
from shared.domain.connections.fields import Fields
from shared.domain.connections.handovers import Handover
from shared.domain.connections.mailbox_state import examined, paused, removing
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import Organisation
from shared.domain.connections.setting_warnings import AGENT_UNCHECKED
from shared.domain.errors import Forbidden, InvalidInput, Outdated, TransientError, Unknown, WrongState
from shared.domain.mail.addresses import domain_of, normalise
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.stores.connections import Mailboxes, Organisations
from shared.ports.stores.records import RecordIndex
from shared.ports.work import Clock, CommandQueue
from shared.services.conflicts import persistently
from shared.services.connections.agents import CheckAgent
from shared.services.connections.mailbox_tests import Examine
from shared.services.privacy.audit import AuditRequest

SWEEP_DELAY: Final = 5.0
# The audit's word for a change of a mailbox's agent.
HAND_OVER: Final = "hand_over_mailbox"
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


class Put(NamedTuple):
    """A mailbox after a change, whether it is new, and what the change left in doubt."""

    mailbox: Mailbox
    created: bool
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Change:
    """What a caller wants of the mailbox at an address; `unchanged` is asked about the one that stands there."""

    caller: Caller
    address: str
    given: Mapping[str, Any]
    unchanged: Callable[[Mailbox], bool] | None


@dataclass(frozen=True, slots=True)
class PutMailbox:
    """Connect a mailbox or change its settings; then have its subscription put in order.

    What the mailbox test refuses is not connected. Where Microsoft 365 does not answer the test, it is made later.
    Another agent sees what waits in the mailbox: handing it over has a row of its own in the audit, and a trace that
    the former agent sees.
    """

    mailboxes: Mailboxes
    register: Register
    examine: Examine
    check_agent: CheckAgent
    audit_request: AuditRequest
    queue: CommandQueue
    clock: Clock
    new_id: Callable[[], str]

    def __call__(
        self,
        caller: Caller,
        address: str,
        given: Mapping[str, Any],
        *,
        unchanged: Callable[[Mailbox], bool] | None = None,
    ) -> Put:
        """The mailbox as it stands now. `unchanged` is asked about the one that stands there.

        Raises InvalidInput, Outdated when it is not, Forbidden for an agent that the caller may not choose, Conflict
        when others keep changing it.
        """
        change = _Change(caller, _address(address), given, unchanged)
        wanted, standing = self._wanted(change)
        if ADMIN not in caller.roles and (standing is None or set(given) != {"agent"}):
            raise Forbidden("The operator only hands a mailbox over: send 'agent' alone.")
        is_new = standing is None and not wanted.handovers
        is_handed_over = bool(wanted.handovers) and (standing is None or wanted.agent != standing.agent)
        is_answered = self._tested(wanted, standing)
        is_known = True
        if is_new or is_handed_over:
            is_known = self.check_agent(caller, wanted, is_new=is_new)
        if is_handed_over:
            # First: a handover that cannot be audited does not happen.
            agents = (wanted.handovers[0].former, wanted.agent)
            self.audit_request(caller, HAND_OVER, (), addresses=(wanted.address, *agents))
        mailbox, created = persistently(lambda: self._written(change, is_answered))
        self.register(mailbox)
        self.queue.send(MaintainSubscription.of(mailbox, self.clock()))
        return Put(mailbox, created, () if is_known else (AGENT_UNCHECKED,))

    def _wanted(self, change: _Change) -> tuple[Mailbox, Mailbox | None]:
        """The mailbox as it is to be, and the one that stands there. Raises InvalidInput, Outdated."""
        stored = self.mailboxes.get(change.caller.tenant_id, change.address)
        standing = stored if stored is not None and not stored.is_removed else None
        if change.unchanged is not None and (standing is None or not change.unchanged(standing)):
            raise Outdated("The mailbox was changed since it was read; read it again.")
        if standing is None:
            return self._new(change, stored), None
        return _changed(standing, change, self.clock()), standing

    def _tested(self, wanted: Mailbox, standing: Mailbox | None) -> bool | None:
        """Whether the test could be made; None where nothing has changed that it is about. Raises InvalidInput."""
        tried = (standing.kind, standing.connection) if standing else None
        if tried == (wanted.kind, wanted.connection):
            return None
        try:
            verdict = self.examine(wanted)
        except TransientError:
            return False
        if verdict.is_refused:
            raise InvalidInput(verdict.sentence)
        return True

    def _written(self, change: _Change, is_answered: bool | None) -> tuple[Mailbox, bool]:
        wanted, standing = self._wanted(change)
        if is_answered is not None:
            wanted = wanted.after(examined(is_answered=is_answered))
        # Asked for beforehand: if this request ends behind the save, the command registers and subscribes. Not
        # registered beforehand: of a mailbox that is then not saved, staff and an own domain would stay for good.
        self.queue.send(MaintainSubscription.of(wanted, self.clock()), delay=SAVE_DELAY)
        return self.mailboxes.save(wanted), standing is None

    def _new(self, change: _Change, leaving: Mailbox | None) -> Mailbox:
        """A mailbox with defaults; one that is just being removed keeps its id, so nothing of it is orphaned."""
        missing = [f"'{name}'" for name in ("kind", "agent") if not change.given.get(name)]
        if missing:
            raise InvalidInput(f"A new mailbox needs {' and '.join(missing)}.")
        now = self.clock()
        fresh = Mailbox(change.caller.tenant_id, self.new_id(), change.address, connected_at=now)
        if leaving is None:
            return fresh.changed(Fields(change.given))
        fresh = replace(fresh, mailbox_id=leaving.mailbox_id, etag=leaving.etag)
        wanted = fresh.changed(Fields(change.given))
        passed_on = _passed_on(leaving, wanted.agent, change.caller, now)
        return replace(wanted, former_agents=passed_on.former_agents, handovers=passed_on.handovers)


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
class ListMailboxes:
    """A page of an organisation's mailboxes by address, from behind `after`."""

    mailboxes: Mailboxes

    def __call__(self, tenant_id: str, *, limit: int, after: str) -> tuple[list[Mailbox], str]:
        """The second is the address to go on behind, '' at the end."""
        behind = (mailbox for mailbox in self.mailboxes.of(tenant_id) if mailbox.address > after)
        standing = (mailbox for mailbox in behind if not mailbox.is_removed)
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
    queue: CommandQueue
    clock: Clock

    def __call__(self, tenant_id: str, address: str) -> None:
        mailbox = _standing(self.mailboxes, tenant_id, address)
        self.mailboxes.change(mailbox, removing)
        self.queue.send(MaintainSubscription.of(mailbox, self.clock()))


def _changed(mailbox: Mailbox, change: _Change, now: datetime) -> Mailbox:
    """A pause is dated, until what was missed in it has been asked for."""
    wanted = mailbox.changed(Fields(change.given))
    if not wanted.enabled:
        wanted = wanted.after(paused(now))
    return _passed_on(replace(wanted, agent=mailbox.agent), wanted.agent, change.caller, now)


def _passed_on(mailbox: Mailbox, agent: str, caller: Caller, now: datetime) -> Mailbox:
    """With this agent, and a trace if it is another one."""
    if agent == mailbox.agent:
        return mailbox
    return mailbox.handed_over_by(caller.address or caller.audit_name, agent, now)


def _standing(mailboxes: Mailboxes, tenant_id: str, address: str) -> Mailbox:
    mailbox = mailboxes.get(tenant_id, _address(address))
    if mailbox is None or mailbox.is_removed:
        raise _unknown(address)
    return mailbox


def _address(text: str) -> str:
    address = normalise(text)
    if address is None:
        raise InvalidInput(f"{text[:320]!r} is no e-mail address.")
    return address


def _unknown(address: str) -> Unknown:
    return Unknown(f"There is no mailbox {normalise(address) or 'of this name'}.")
