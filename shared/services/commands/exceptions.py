"""Exceptions as an admin works them off: listed, and run again one by one or all of a kind."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import IngestMessages, ResendMail
from shared.domain.commands.families import read_command
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import (
    UNREADABLE_MAIL,
    InvalidInput,
    MalformedCommand,
    NewerCommand,
    Unknown,
    WrongState,
)
from shared.domain.filing.entries import decode_cursor, encode_cursor
from shared.ports.stores.connections import Mailboxes
from shared.ports.stores.exceptions import Exceptions, Failure, FailureFilter
from shared.ports.work import Clock, CommandQueue

PAGE: Final = 100
# The most that one request puts back; a second request takes the next ones.
MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class NamedFailure:
    """A failure with its mailbox's address (None: removed, or of no mailbox) and the ids of its mails.

    `outbox_id` is the mail of the outbox that it speaks of, '' for any other command.
    """

    failure: Failure
    mailbox: str | None
    ids: tuple[str, ...]
    outbox_id: str = ""


@dataclass(frozen=True, slots=True)
class ExceptionPage:
    """Exceptions newest first; the cursor is None on the last page."""

    exceptions: tuple[NamedFailure, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many were put back; `more`: others wait for another request."""

    count: int
    more: bool


@dataclass(frozen=True, slots=True)
class NameMailboxes:
    """Says which mailboxes failures are about, by address: one read for each mailbox."""

    mailboxes: Mailboxes

    def __call__(self, failures: Sequence[Failure]) -> tuple[NamedFailure, ...]:
        asked = {(failure.tenant_id, failure.mailbox_id) for failure in failures if failure.mailbox_id}
        known = {key: self.mailboxes.by_id(*key) for key in asked}
        addresses = {key: mailbox.address for key, mailbox in known.items() if mailbox is not None}
        return tuple(
            _named(failure, addresses.get((failure.tenant_id, failure.mailbox_id))) for failure in failures
        )


@dataclass(frozen=True, slots=True)
class ListExceptions:
    """A page of an organisation's exceptions."""

    exceptions: Exceptions
    mailboxes: Mailboxes
    name: NameMailboxes

    def __call__(
        self, tenant_id: str, wanted: FailureFilter, *, mailbox: str = "", limit: int, cursor: str
    ) -> ExceptionPage:
        """Those of the mailbox with an address, where one is named. Raises Unknown and InvalidInput."""
        wanted = self._of(tenant_id, wanted, mailbox)
        after = decode_cursor(cursor) if cursor else ""
        found, following = self.exceptions.page(tenant_id, wanted, limit=limit, after=after)
        return ExceptionPage(self.name(found), encode_cursor(following) if following else None)

    def count(self, tenant_id: str, wanted: FailureFilter, *, mailbox: str = "") -> Replayed:
        """How many there are, up to 1,000; `more`: there are others. Costs a query."""
        found, following = self.exceptions.page(
            tenant_id, self._of(tenant_id, wanted, mailbox), limit=MOST, after=""
        )
        return Replayed(len(found), bool(following))

    def _of(self, tenant_id: str, wanted: FailureFilter, mailbox: str) -> FailureFilter:
        if not mailbox:
            return wanted
        found = self.mailboxes.get(tenant_id, mailbox)
        if found is None:
            raise Unknown("There is no mailbox with this address.")
        return replace(wanted, mailbox_id=found.mailbox_id)


@dataclass(frozen=True, slots=True)
class CountUnreadable:
    """How many mails of a mailbox could not be read and wait to be replayed. Costs a query; one for all mailboxes."""

    exceptions: Exceptions

    def __call__(self, tenant_id: str) -> Counter[str]:
        """By mailbox id. The same mail may have failed several times; the newest 1,000 failures are counted."""
        wanted = FailureFilter(code=UNREADABLE_MAIL, unreplayed=True)
        failures, _ = self.exceptions.page(tenant_id, wanted, limit=MOST, after="")
        # A replay that fails again is another failure of the same mail.
        mails = {(failure.mailbox_id, failure.item) for failure in failures}
        return Counter(mailbox_id for mailbox_id, _ in mails)

    def of(self, mailbox: Mailbox) -> int:
        """The same of a single mailbox."""
        return self(mailbox.tenant_id)[mailbox.mailbox_id]


@dataclass(frozen=True, slots=True)
class PutBack:
    """Put the command of a failure on its queue again, as new; then note that this was done."""

    exceptions: Exceptions
    queue: CommandQueue
    clock: Clock

    def __call__(self, failure: Failure) -> datetime:
        """When it was replayed. Raises MalformedCommand for what is no command.

        Killed in between, it is put back again: every command may run twice. `replays` is counted up, so
        that it has another id should it fail again, and is not run by itself once more from poison.
        """
        if failure.replayed_at:
            return failure.replayed_at
        now = self.clock()
        command = read_command(failure.command)
        # Queued before it is noted: a command that runs twice does no harm, one that is lost does.
        self.queue.send(replace(command, attempt=0, replays=command.replays + 1, first_at=now))
        self.exceptions.note_replayed(failure, now)
        telemetry.event("exception_replayed", exception=failure.id, code=failure.code, queue=failure.queue)
        return now


@dataclass(frozen=True, slots=True)
class ReplayException:
    """Run one failed command again. Asked twice, it is done once. Raises Unknown, InvalidInput, WrongState."""

    exceptions: Exceptions
    put_back: PutBack
    name: NameMailboxes

    def __call__(self, tenant_id: str, failure_id: str) -> NamedFailure:
        failure = self.exceptions.get(tenant_id, failure_id)
        if failure is None:
            raise Unknown("There is no such exception.")
        try:
            replayed = replace(failure, replayed_at=self.put_back(failure))
        except NewerCommand:
            raise WrongState(
                "A newer version of Postledger wrote this command, and this one cannot run it: deploy that version, "
                "then replay."
            ) from None
        except MalformedCommand:
            # The cause is cut off: it quotes the text of the queue message.
            raise InvalidInput("This exception holds no command that could be run again.") from None
        return self.name([replayed])[0]


@dataclass(frozen=True, slots=True)
class ReplayExceptions:
    """Run all commands again that failed with a code and have not been replayed: up to 1,000 a request."""

    exceptions: Exceptions
    put_back: PutBack

    def __call__(self, tenant_id: str, code: str) -> Replayed:
        """What is no command is left out."""
        count = 0
        for failure in self._waiting(tenant_id, code):
            if count == MOST:
                return Replayed(count, more=True)
            try:
                self.put_back(failure)
            except MalformedCommand:
                continue
            count += 1
        return Replayed(count, more=False)

    def _waiting(self, tenant_id: str, code: str) -> Iterator[Failure]:
        wanted = FailureFilter(code=code, unreplayed=True)
        after = ""
        while True:
            page, after = self.exceptions.page(tenant_id, wanted, limit=PAGE, after=after)
            yield from page
            if not after:
                return


def _named(failure: Failure, mailbox: str | None) -> NamedFailure:
    try:
        command = read_command(failure.command)
    except MalformedCommand:
        return NamedFailure(failure, mailbox, ())
    ids = tuple(item.item_id for item in command.items) if isinstance(command, IngestMessages) else ()
    return NamedFailure(failure, mailbox, ids, command.mail_id if isinstance(command, ResendMail) else "")
