"""A mailbox's settings as an admin wants them: connecting it, changing it, handing it over to another agent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from shared import telemetry
from shared.domain.commands.commands import MaintainSubscription
from shared.domain.connections.fields import Fields
from shared.domain.connections.mailbox_state import examined, paused
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.setting_warnings import AGENT_UNCHECKED
from shared.domain.errors import Forbidden, InvalidInput, Outdated, PostledgerError, TransientError
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.stores.connections import Mailboxes
from shared.ports.work import Clock, CommandQueue
from shared.services.conflicts import persistently
from shared.services.connections.agents import CheckAgent
from shared.services.connections.mailbox_tests import Examine
from shared.services.connections.mailboxes import SAVE_DELAY, Register, address_of
from shared.services.privacy.audit import AuditRequest

# The audit's words for a change of a mailbox's agent: before it, and once it is done.
BEGIN_HAND_OVER: Final = "begin_hand_over_mailbox"
HAND_OVER: Final = "hand_over_mailbox"


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
class _Step:
    """From the row that is stored, if there is any, to the mailbox that is wanted in its place."""

    stored: Mailbox | None
    wanted: Mailbox

    @property
    def standing(self) -> Mailbox | None:
        """The mailbox that people see: one that is being removed does not stand any more."""
        return self.stored if self.stored is not None and not self.stored.is_removed else None

    @property
    def new_agents(self) -> list[str]:
        """The agents whom the mailbox did not have."""
        standing = (self.standing.agent, *self.standing.agents) if self.standing else ()
        return [agent for agent in (self.wanted.agent, *self.wanted.colleagues) if agent not in standing]

    @property
    def is_handed_over(self) -> bool:
        """Whether somebody else had it before."""
        return self.stored is not None and self.wanted.handovers != self.stored.handovers


@dataclass(frozen=True, slots=True)
class PutMailbox:
    """Connect a mailbox or change its settings; then have its subscription put in order.

    What the mailbox test refuses is not connected. Where Microsoft 365 does not answer the test, it is made later.
    Another agent sees what waits in the mailbox: handing it over has rows of its own in the audit, and a trace that
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
        change = _Change(caller, address_of(address), given, unchanged)
        put = persistently(lambda: self._put(change))
        self.register(put.mailbox)
        self.queue.send(MaintainSubscription.of(put.mailbox, self.clock()))
        return put

    def _put(self, change: _Change) -> Put:
        """What is checked is what is written: the row is saved under the ETag that it was read with."""
        step = self._step(change)
        if ADMIN not in change.caller.roles and (step.standing is None or set(change.given) != {"agent"}):
            raise Forbidden("The operator only hands a mailbox over: send 'agent' alone.")
        is_answered = self._tested(step)
        # Each of them is asked about: one who is not known must not keep another from being refused.
        known = [
            self.check_agent(change.caller, replace(step.wanted, agent=agent)) for agent in step.new_agents
        ]
        if is_answered is not None:
            step = replace(step, wanted=step.wanted.after(examined(is_answered=is_answered)))
        saved = self._handed_over(change, step) if step.is_handed_over else self._saved(step)
        return Put(saved, step.standing is None, () if all(known) else (AGENT_UNCHECKED,))

    def _step(self, change: _Change) -> _Step:
        """Raises InvalidInput, Outdated."""
        stored = self.mailboxes.get(change.caller.tenant_id, change.address)
        standing = stored if stored is not None and not stored.is_removed else None
        if change.unchanged is not None and (standing is None or not change.unchanged(standing)):
            raise Outdated("The mailbox was changed since it was read; read it again.")
        wanted = self._new(change, stored) if standing is None else _changed(standing, change, self.clock())
        return _Step(stored, wanted)

    def _tested(self, step: _Step) -> bool | None:
        """Whether the test could be made; None where nothing has changed that it is about. Raises InvalidInput."""
        tried = (step.standing.kind, step.standing.connection) if step.standing else None
        if tried == (step.wanted.kind, step.wanted.connection):
            return None
        try:
            verdict = self.examine(step.wanted)
        except TransientError:
            return False
        if verdict.is_refused:
            raise InvalidInput(verdict.sentence)
        return True

    def _handed_over(self, change: _Change, step: _Step) -> Mailbox:
        """Saved between two rows of the audit.

        The first says who is about to do it: what cannot be audited does not happen. The second says that it is done.
        """
        agents = (step.wanted.handovers[0].former, step.wanted.agent)
        addresses = (step.wanted.address, *agents)
        self.audit_request(change.caller, BEGIN_HAND_OVER, (), addresses=addresses)
        saved = self._saved(step)
        try:
            self.audit_request(change.caller, HAND_OVER, (), addresses=addresses)
        except PostledgerError as error:
            # It has happened by now: the first row and the mailbox's own trace tell of it.
            telemetry.failure(telemetry.AUDIT_NOT_WRITTEN, error, what=HAND_OVER)
        return saved

    def _saved(self, step: _Step) -> Mailbox:
        # Asked for beforehand: if this request ends behind the save, the command registers and subscribes. Not
        # registered beforehand: of a mailbox that is then not saved, staff and an own domain would stay for good.
        self.queue.send(MaintainSubscription.of(step.wanted, self.clock()), delay=SAVE_DELAY)
        return self.mailboxes.save(step.wanted)

    def _new(self, change: _Change, leaving: Mailbox | None) -> Mailbox:
        """A mailbox with defaults; one that is just being removed keeps its id, so nothing of it is orphaned."""
        agent = "agents" if change.given.get("agents") else "agent"
        missing = [f"'{name}'" for name in ("kind", agent) if not change.given.get(name)]
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
