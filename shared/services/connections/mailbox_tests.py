"""The mailbox test: learn what can be learnt of an address by reading, and say what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any, Final

from shared.domain.commands.commands import SendMail, SyncMailbox
from shared.domain.connections.account_tests import SignIn, Submission
from shared.domain.connections.connections import SERVICE_ACCOUNT, MailConnection, serving
from shared.domain.connections.fields import Fields
from shared.domain.connections.habits import Habit, Learnt
from shared.domain.connections.mailbox_state import MailboxState, examined, offered, sending_resumed
from shared.domain.connections.mailbox_tests import Directory, Findings, Read, judge
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.connections.verdicts import PERMITTED, Verdict, of_account, unreachable
from shared.domain.errors import (
    AccessDenied,
    InvalidInput,
    MailboxUnavailable,
    NotFound,
    PermanentError,
    Rejected,
    Throttled,
    TransientError,
    Unknown,
)
from shared.domain.mail.addresses import mailbox_key, mailbox_keys, normalise
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.mailbox_access import AccessProbe, AccountProbe, MailServers, SubmissionProbe
from shared.ports.stores.connections import Connections, Credentials, Habits, Mailboxes
from shared.ports.stores.records import RecordIndex
from shared.ports.work import Clock, CommandQueue

# What decides on a mailbox that is not saved yet.
_SETTINGS: Final = ("kind", "connection")
_CONTACT: Final = "contact"
# So many addresses of routes are looked up.
MOST_ROUTES: Final = 20


@dataclass(frozen=True, slots=True)
class Examine:
    """Try a mailbox's connection, reading only.

    Four requests at most, as many again with a fresh token, and one for each address of a route.
    A mailbox outside Microsoft 365 takes a sign-in.
    """

    probe: AccessProbe
    account_probe: AccountProbe
    submission_probe: SubmissionProbe
    credentials: Credentials
    servers: MailServers
    connections: Connections
    index: RecordIndex
    clock: Clock

    def _submission(self, mailbox: Mailbox, ended: SignIn) -> Submission:
        """A password that was refused is not tried at a second server."""
        if not self.submission_probe.has_server(mailbox):
            return Submission.NO_SERVER
        return self.submission_probe.submission(mailbox) if ended is SignIn.DONE else Submission.UNKNOWN

    def __call__(self, mailbox: Mailbox, *, fresh: bool = False) -> Verdict:
        """`fresh`: not with a token from before. Raises TransientError where Microsoft 365 does not answer.

        Nor is it asked before a wait is over that it has asked a worker for.
        """
        until, now = mailbox.state.blocked_until, self.clock()
        is_waiting = until is not None and until > now
        if mailbox.is_outside:
            ended = SignIn.SERVER_BUSY if is_waiting else self._signed_in(mailbox)
            cards = self._cards(mailbox.tenant_id, [mailbox.address, *mailbox.aliases])
            return of_account(ended, self._submission(mailbox, ended), cards)
        if until is not None and until > now:
            raise Throttled("Microsoft Graph asked to wait.", (until - now).total_seconds())
        if fresh:
            self.probe.renew(mailbox)
        found = self._found(mailbox)
        # The token at hand may be older than a grant, so only a fresh one refuses.
        if found.is_denied and not fresh:
            self.probe.renew(mailbox)
            found = self._found(mailbox)
        return judge(found, self.clock())

    def _signed_in(self, mailbox: Mailbox) -> SignIn:
        """Where a server that was found once is not the right one any more, it is looked for again."""
        ended = self.account_probe.sign_in(mailbox)
        if ended is not SignIn.WRONG_SERVER:
            return ended
        account = self.credentials.get(mailbox.tenant_id, mailbox.mailbox_id)
        is_lost = account is not None and account.use_autodiscover
        return SignIn.NOT_DISCOVERED if is_lost and self.servers.find(mailbox.address) is None else ended

    def _found(self, mailbox: Mailbox) -> Findings:
        known = self.connections.of(mailbox.tenant_id)
        # A connection that cannot be used now still says how the mailbox is to be reached, for the sentence.
        chosen = (connection for connection in known if connection.connection == mailbox.connection)
        connection = serving(mailbox, known) or next(chosen, None)
        found = _begun(mailbox, connection)
        try:
            granted = self.probe.granted(mailbox)
        except Rejected as error:
            return replace(found, refusal=str(error))
        except PermanentError:
            return found
        found = self._named(replace(found, granted=granted), mailbox)
        if found.directory is not Directory.MISSING:
            found = self._opened(found, mailbox)
        addresses = [mailbox.address, *found.aliases, *filter(None, [found.primary])]
        return replace(
            found,
            cards=self._cards(mailbox.tenant_id, addresses),
            stray_routes=self._stray_routes(mailbox, addresses),
        )

    def _named(self, found: Findings, mailbox: Mailbox) -> Findings:
        """What the directory says. A group is only looked for where there is no user."""
        try:
            user = self.probe.user(mailbox)
        except AccessDenied:
            return found
        except NotFound:
            return replace(found, directory=Directory.MISSING, group=self._group(mailbox))
        return replace(
            found,
            directory=Directory.FOUND,
            primary=user.address,
            aliases=user.aliases,
            is_known=bool(mailbox.user_id),
        )

    def _group(self, mailbox: Mailbox) -> str:
        try:
            return self.probe.group(mailbox)
        except PermanentError:
            return ""

    def _stray_routes(self, mailbox: Mailbox, addresses: list[str]) -> tuple[str, ...]:
        """Nobody's addresses among those of routes. A request for each that is not the mailbox's own."""
        own = mailbox_keys([*addresses, *mailbox.aliases])
        others = [route.to for route in mailbox.intake.routes if mailbox_key(route.to) not in own]
        try:
            named = {to: self.probe.group(replace(mailbox, address=to)) for to in others[:MOST_ROUTES]}
        except PermanentError:  # the directory is closed
            return ()
        return tuple(to for to, name in named.items() if not name)

    def _opened(self, found: Findings, mailbox: Mailbox) -> Findings:
        try:
            read = self.probe.read(mailbox)
        except AccessDenied:
            return replace(found, read=Read.DENIED)
        except MailboxUnavailable:
            return replace(found, read=Read.NO_MAILBOX)
        except NotFound:
            is_there = found.directory is Directory.FOUND
            return replace(found, read=Read.NO_MAILBOX if is_there else Read.NO_USER)
        return replace(found, read=read, purpose=self._purpose(mailbox))

    def _purpose(self, mailbox: Mailbox) -> str:
        """Not every application may ask."""
        try:
            return self.probe.purpose(mailbox)
        except PermanentError:
            return ""

    def _cards(self, tenant_id: str, addresses: list[str]) -> tuple[str, ...]:
        """Contacts that carry a colleague's address."""
        known = self.index.addresses(tenant_id, addresses)
        refs = chain.from_iterable(entry.records for entry in known.values())
        return tuple(sorted({str(ref) for ref in refs if ref.kind == _CONTACT}))


@dataclass(frozen=True, slots=True)
class LearnHabits:
    """Try the provider's habits on a mailbox that can be read, and keep what it shows for the whole tenant."""

    probe: AccessProbe
    habits: Habits
    clock: Clock

    def __call__(self, mailbox: Mailbox) -> Mapping[Habit, Learnt]:
        """All that is known of the tenant by now: what this mailbox cannot tell, another one may have told."""
        now = self.clock()
        tried = self.probe.habits(mailbox)
        learnt = [Learnt(habit, holds, now) for habit, holds in tried.items() if holds is not None]
        self.habits.put(mailbox.tenant_id, learnt)
        return self.habits.of(mailbox.tenant_id)


@dataclass(frozen=True, slots=True)
class Tested:
    """A tested address. `habits` is what is known of the tenant, None where the test was not about that."""

    address: str
    verdict: Verdict
    at: datetime
    habits: Mapping[Habit, Learnt] | None = None


@dataclass(frozen=True, slots=True)
class TestMailbox:
    """Test one address, saved or not: an admin any, an agent the own. Raises Unknown, InvalidInput."""

    __test__ = False  # for pytest: the name says what a user does with it

    examine: Examine
    learn: LearnHabits
    mailboxes: Mailboxes
    queue: CommandQueue
    clock: Clock

    def __call__(self, caller: Caller, address: str, given: Mapping[str, Any]) -> Tested:
        """An admin's test of one mailbox that can be read also tries the provider's habits there."""
        wanted = normalise(address)
        if wanted is None:
            raise InvalidInput(f"{address[:320]!r} is no e-mail address.")
        saved = self.mailboxes.get(caller.tenant_id, wanted)
        if saved is not None and saved.is_removed:
            saved = None
        mailbox = saved or Mailbox(caller.tenant_id, "", wanted, agent=wanted)
        if ADMIN not in caller.roles and not caller.owns(mailbox):
            raise Unknown(f"There is no mailbox {wanted}.")
        wished = mailbox.changed(Fields(given).only(_SETTINGS)) if given else mailbox
        tested = self.of(wished, fresh=True)
        if ADMIN not in caller.roles or wished.is_outside or not tested.verdict.is_readable:
            return tested
        return replace(tested, habits=self.learn(wished))

    def of(self, mailbox: Mailbox, *, fresh: bool = False) -> Tested:
        """What the test of this mailbox says now; kept where an earlier one could not be had."""
        try:
            verdict = self.examine(mailbox, fresh=fresh)
        except TransientError:
            return Tested(mailbox.address, unreachable(), self.clock())
        if mailbox.mailbox_id:
            self._note(mailbox, verdict)
            self._go_on(mailbox, verdict)
        return Tested(mailbox.address, verdict, self.clock())

    def _go_on(self, mailbox: Mailbox, verdict: Verdict) -> None:
        """What was refused and is not any more goes on at once: whoever put it right waits for that."""
        now = self.clock()
        if verdict.is_readable and mailbox.has_lost_access and mailbox.enabled:
            self.queue.send(SyncMailbox.of(mailbox, now))
        if verdict.send == PERMITTED and mailbox.state.sending_refused:
            self.queue.send(SendMail.renewing(mailbox, now))

    def _note(self, mailbox: Mailbox, verdict: Verdict) -> None:
        has_moved = bool(mailbox.user_id and verdict.primary)

        def transition(state: MailboxState) -> MailboxState:
            known = examined(is_answered=True)(state)
            if verdict.send == PERMITTED:
                known = sending_resumed(known)
            return offered(verdict.primary)(known) if has_moved else known

        self.mailboxes.change(mailbox, transition)


@dataclass(frozen=True, slots=True)
class TestMailboxes:
    """Test a page of the organisation's mailboxes by address: an admin all, an agent the own."""

    __test__ = False

    test: TestMailbox
    mailboxes: Mailboxes

    def __call__(self, caller: Caller, *, limit: int, after: str) -> tuple[list[Tested], str]:
        """The second is the address to go on behind, '' at the end. One mailbox's trouble is its own."""
        everything = ADMIN in caller.roles
        standing = (mailbox for mailbox in self.mailboxes.of(caller.tenant_id) if not mailbox.is_removed)
        shown = (mailbox for mailbox in standing if everything or caller.owns(mailbox))
        behind = (mailbox for mailbox in shown if mailbox.address > after)
        ordered = sorted(behind, key=lambda mailbox: mailbox.address)
        page = ordered[:limit]
        # The application's token serves the whole tenant, so it is renewed once for the page.
        results = [self.test.of(mailbox, fresh=number == 0) for number, mailbox in enumerate(page)]
        return results, page[-1].address if len(ordered) > limit else ""


def _begun(mailbox: Mailbox, connection: MailConnection | None) -> Findings:
    unconnected = SERVICE_ACCOUNT if mailbox.is_polled_only else ""
    return Findings(
        address=mailbox.address,
        kind=mailbox.kind,
        mode=connection.mode if connection else unconnected,
        account=connection.account if connection else "",
        consented_at=connection.consented_at if connection else None,
        proved_at=connection.verified_at if connection else None,
    )
