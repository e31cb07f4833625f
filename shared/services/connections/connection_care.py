"""Connections once they were asked for: proved, shown, watched, and ended. Reads mailboxes, changes none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import SyncMailbox
from shared.domain.connections import connections
from shared.domain.connections.connections import MailConnection, serving
from shared.domain.connections.habits import Habit, Learnt
from shared.domain.connections.mailbox_tests import judge_token
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.organisations import DISCONNECTED, VERIFIED, Organisation
from shared.domain.connections.verdicts import NO_BODIES, NO_CONSENT, NOT_SIGNED_IN, Verdict
from shared.domain.errors import InvalidInput, PermanentError, TransientError, WrongState
from shared.domain.mail.addresses import normalise
from shared.domain.privacy.callers import Caller
from shared.ports.credentials import SignIns
from shared.ports.stores.connections import Connections, Habits, Mailboxes, Organisations
from shared.ports.work import Clock, CommandQueue
from shared.services.conflicts import persistently
from shared.services.connections.mailbox_tests import Examine, Tested, TestMailbox
from shared.services.connections.organisations import maintain_all, note_connection

_WITHOUT_TOKEN: Final = (NO_CONSENT, NOT_SIGNED_IN)
# Mailboxes that are opened one by one when a delegated connection is verified.
MOST_OPENED: Final = 50


@dataclass(frozen=True, slots=True)
class ProveAccess:
    """Try a connection with its mailbox and keep what came of it; the organisation's state follows."""

    organisations: Organisations
    connections: Connections
    mailboxes: Mailboxes
    examine: Examine
    queue: CommandQueue
    clock: Clock

    def __call__(self, connection: MailConnection) -> MailConnection:
        """The connection as it stands now. Raises TransientError where Microsoft 365 does not answer."""
        verdict = self._verdict(connection)

        def write() -> MailConnection:
            row = self.connections.get(connection.tenant_id, connection.connection_id) or connection
            return self.connections.put(self._proved(row, verdict))

        before, after = connection.state, persistently(write)
        telemetry.event("connection_tried", tenant=after.tenant_id, mode=after.mode, state=after.state)
        if after.state == connections.LOST != before:
            telemetry.alert("connection_lost", tenant=after.tenant_id, mode=after.mode)
        self._tell(before, after)
        return after

    def _proved(self, row: MailConnection, verdict: Verdict) -> MailConnection:
        if verdict.is_about_the_address:
            return row.misnamed(verdict.sentence, self.clock())
        return row.proved(
            readable=verdict.is_readable,
            detail=verdict.sentence,
            has_token=verdict.outcome not in _WITHOUT_TOKEN,
            may_pass=verdict.outcome != NO_BODIES,
            now=self.clock(),
        )

    def _verdict(self, connection: MailConnection) -> Verdict:
        """Where no mailbox is named or connected yet, the token's own permissions have to do."""
        mailbox = self._probed(connection)
        if mailbox is not None:
            return self.examine(mailbox, fresh=True)
        nobody = Mailbox(connection.tenant_id, "", "", connection=connection.connection)
        # A token from before the consent does not carry what the consent has just granted.
        self.examine.probe.renew(nobody)
        try:
            granted = self.examine.probe.granted(nobody)
        except PermanentError as error:
            return Verdict(NO_CONSENT, str(error))
        return judge_token(granted, connection.mode)

    def _probed(self, connection: MailConnection) -> Mailbox | None:
        if connection.mailbox:
            saved = self.mailboxes.get(connection.tenant_id, connection.mailbox)
            if saved is not None and saved.connection == connection.connection:
                return saved
            return Mailbox(connection.tenant_id, "", connection.mailbox, connection=connection.connection)
        rows = self.connections.of(connection.tenant_id)
        standing = (mailbox for mailbox in self.mailboxes.of(connection.tenant_id) if not mailbox.is_removed)
        return next((mailbox for mailbox in standing if _is_over(mailbox, rows, connection)), None)

    def _tell(self, before: str, connection: MailConnection) -> None:
        """The organisation is verified when one of its connections is; whatever waited for that goes on."""
        tenant_id = connection.tenant_id
        if connection.state == connections.VERIFIED:
            resumed = note_connection(self.organisations, tenant_id, VERIFIED)
            if resumed is not None:
                maintain_all(resumed, self.mailboxes, self.queue, self.clock())
            if before != connections.VERIFIED:
                self._take_up(connection)
        elif all(row.state != connections.VERIFIED for row in self.connections.of(tenant_id)):
            self._unverify(tenant_id)

    def _take_up(self, connection: MailConnection) -> None:
        """Mailboxes that had lost access need not wait for their next poll."""
        for mailbox in self.mailboxes.of(connection.tenant_id):
            is_parked = mailbox.enabled and mailbox.has_lost_access
            if is_parked and mailbox.connection == connection.connection:
                self.queue.send(SyncMailbox.of(mailbox, self.clock()))

    def _unverify(self, tenant_id: str) -> None:
        organisation = self.organisations.get(tenant_id)
        if organisation is not None and organisation.connection == VERIFIED:
            note_connection(self.organisations, tenant_id, "")


@dataclass(frozen=True, slots=True)
class ShowConnections:
    """An organisation's connections as they stand. `redirect_uri` is where links lead back to."""

    connections: Connections
    known_habits: Habits
    sign_ins: SignIns

    @property
    def redirect_uri(self) -> str:
        return self.sign_ins.redirect_uri

    def __call__(self, tenant_id: str) -> list[MailConnection]:
        return self.connections.of(tenant_id)

    def habits(self, tenant_id: str) -> Mapping[Habit, Learnt]:
        """What the provider does in this tenant, as far as it is known."""
        return self.known_habits.of(tenant_id)


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of verifying: each connection, and the mailboxes that a sign-in was to open and could not."""

    connections: tuple[MailConnection, ...]
    not_opened: tuple[Tested, ...] = ()


@dataclass(frozen=True, slots=True)
class VerifyConnections:
    """Prove an organisation's connections now, without a callback. Raises WrongState where none was asked for."""

    connections: Connections
    mailboxes: Mailboxes
    prove: ProveAccess
    test: TestMailbox

    def __call__(self, tenant_id: str, mailbox: str = "") -> Verified:
        """`mailbox`: prove the application's access with this one from now on. Raises TransientError."""
        address = normalise(mailbox) if mailbox else ""
        if address is None:
            raise InvalidInput(f"'mailbox' holds {mailbox[:320]!r}, which is no e-mail address.")
        rows = [row for row in self.connections.of(tenant_id) if _can_be_proved(row)]
        if not rows:
            raise WrongState("Nothing has been asked for that could be verified: begin with POST connect.")
        proved = tuple(self.prove(self._with(row, address)) for row in rows)
        return Verified(proved, tuple(self._not_opened(tenant_id, proved)))

    def _with(self, row: MailConnection, address: str) -> MailConnection:
        # An agent's sign-in opens the agent's own mailbox and no other: there is nothing else to prove it with.
        if not address or row.mode == connections.AGENT or row.mailbox == address:
            return row
        return self.connections.put(replace(row, mailbox=address))

    def _not_opened(self, tenant_id: str, rows: Sequence[MailConnection]) -> list[Tested]:
        """Mailboxes that are reached over somebody's sign-in, and may not be opened with it."""
        standing = (mailbox for mailbox in self.mailboxes.of(tenant_id) if not mailbox.is_removed)
        delegated = (mailbox for mailbox in standing if mailbox.is_polled_only)
        reached = [mailbox for mailbox in delegated if serving(mailbox, rows) is not None]
        tests = [self.test.of(mailbox) for mailbox in reached[:MOST_OPENED]]
        return [tested for tested in tests if tested.verdict.is_refused]


@dataclass(frozen=True, slots=True)
class WatchConnections:
    """The timer's part: consent that Microsoft 365 was slow to notice, access that is lost or has come back.

    Mailboxes that were saved untested are tested. One organisation's trouble does not keep others waiting.
    """

    organisations: Organisations
    connections: Connections
    mailboxes: Mailboxes
    prove: ProveAccess
    test: TestMailbox

    def __call__(self) -> None:
        served = {
            organisation.tenant_id for organisation in self.organisations.all() if organisation.is_served
        }
        known = (row for row in self.connections.all() if row.tenant_id in served)
        watched = [row for row in known if _is_watched(row)]
        failed = sum(not self._is_tried(row) for row in watched)
        for tenant_id in sorted(served):
            self._test_untested(tenant_id)
        telemetry.event("connections_watched", tried=len(watched), failed=failed)

    def _is_tried(self, row: MailConnection) -> bool:
        try:
            self.prove(row)
        except (TransientError, PermanentError):
            return False
        return True

    def _test_untested(self, tenant_id: str) -> None:
        for mailbox in self.mailboxes.of(tenant_id):
            if mailbox.state.untested and mailbox.is_served:
                self.test.of(mailbox)


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Drop tokens and subscriptions; timelines, mailboxes and their cursors stay, so that connecting goes on."""

    organisations: Organisations
    connections: Connections
    mailboxes: Mailboxes
    queue: CommandQueue
    clock: Clock

    def __call__(self, caller: Caller) -> None:
        """Capture ends first: whoever is killed half-way has disconnected, and may ask again."""
        tenant_id = caller.tenant_id
        organisation = persistently(lambda: self._noted(tenant_id))
        for row in self.connections.of(tenant_id):
            persistently(lambda row=row: self._ended(row))  # type: ignore[misc]
        if organisation is not None:
            maintain_all(organisation, self.mailboxes, self.queue, self.clock())
        telemetry.event("disconnected", tenant=tenant_id)

    def _noted(self, tenant_id: str) -> Organisation | None:
        note_connection(self.organisations, tenant_id, DISCONNECTED)
        return self.organisations.get(tenant_id)

    def _ended(self, row: MailConnection) -> None:
        current = self.connections.get(row.tenant_id, row.connection_id)
        if current is not None:
            self.connections.put(current.ended())


def _is_over(mailbox: Mailbox, rows: Sequence[MailConnection], connection: MailConnection) -> bool:
    """Whether a mailbox is reached over this connection, and over no nearer one."""
    found = serving(mailbox, rows)
    return found is not None and found.connection_id == connection.connection_id


def _can_be_proved(row: MailConnection) -> bool:
    return bool(row.token) if row.mode in connections.SIGNED_IN else row.state != connections.NOT_CONNECTED


def _is_watched(row: MailConnection) -> bool:
    """Where nobody has agreed to anything yet there is nothing to watch."""
    return _can_be_proved(row) and (row.consented_at is not None or row.verified_at is not None)
