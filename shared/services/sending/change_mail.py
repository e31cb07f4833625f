"""The one writer of a row of the outbox behind its insert: every other service hands it a transition.

A mail that comes to an end which asks for a person also stands among the exceptions. Readers of the feed are told of
ends and waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared import telemetry
from shared.domain.commands.commands import SendMail
from shared.domain.errors import PermanentError, TransientError
from shared.domain.events.events import Change, What
from shared.domain.filing.filing import ACKNOWLEDGED
from shared.domain.sending.outbox import OutboxMail
from shared.domain.sending.states import ASKS_A_PERSON, is_told
from shared.domain.sending.transitions import Transition
from shared.ports.stores.exceptions import Exceptions, FailureFilter
from shared.ports.stores.sending import Outbox
from shared.ports.work import Clock
from shared.services.commands.failures import failure_of, failure_of_mail, record
from shared.services.conflicts import persistently
from shared.services.events.announcing import AnnounceChanges


@dataclass(frozen=True, slots=True)
class ChangeMail:
    """Apply a transition to a mail as it stands, under its ETag; again where somebody else was faster.

    A change that readers of the feed are told of is written as `untold`: the mail stays in its mailbox's list until it
    is told, so that a worker which is killed in between is followed by one that tells. That costs two requests more.
    """

    outbox: Outbox
    exceptions: Exceptions
    announce: AnnounceChanges
    clock: Clock

    def __call__(self, mail: OutboxMail, transition: Transition) -> OutboxMail:
        """The mail as it stands then. Raises WrongState where the transition is not open to it any more."""
        changed = self.untold(mail, transition)
        if not changed.untold:
            return changed
        try:
            return next(iter(self.tell([changed])), changed)
        except TransientError as error:
            # What was done stays done: the next look at the mailbox's list tells.
            telemetry.failure("outbox_untold", error, mail=mail.id)
            return changed

    def tell(self, mails: Sequence[OutboxMail]) -> list[OutboxMail]:
        """Tell of mails of one mailbox. Returns them as they stand then, without those that have changed since.

        Raises TransientError; they stay untold.
        """
        self.announce_all(mails)
        return self.outbox.told(mails)

    def announce_all(self, mails: Sequence[OutboxMail]) -> None:
        """Tell of mails of one organisation, for a caller who comes back where it is killed. Raises TransientError."""
        if mails:
            self.announce(mails[0].tenant_id, map(change_of, mails))

    def quietly(self, mail: OutboxMail, transition: Transition) -> OutboxMail:
        """Apply a transition of which the caller tells: whoever comes back after a kill tells again."""
        return self._change(mail, transition, tells=False)

    def untold(self, mail: OutboxMail, transition: Transition) -> OutboxMail:
        """Apply a transition of which the caller tells with others. `untold` says whether there is anything to tell."""
        return self._change(mail, transition, tells=True)

    def _change(self, mail: OutboxMail, transition: Transition, *, tells: bool) -> OutboxMail:
        standing: OutboxMail | None = mail
        written: OutboxMail | None = None

        def once() -> OutboxMail:
            nonlocal standing, written
            current = standing or self.outbox.get(mail.tenant_id, mail.id) or mail
            standing = None
            # A write whose answer was lost meets itself.
            if written is not None and replace(written, etag=current.etag, untold=current.untold) == current:
                return replace(current, untold=written.untold)
            written = transition(current)
            if written == current:
                return current
            self._ask_a_person(current, written)
            is_news = current.untold or is_told(current.state, written.state) or _is_end(current, written)
            written = replace(written, untold=tells and is_news)
            return self.outbox.save(written)

        return persistently(once)

    def tell_of_mailbox(self, mail: OutboxMail, error: PermanentError) -> None:
        """Keep what holds up a mailbox's mail among the exceptions. `mail` is the first that waits for it."""
        command = SendMail(tenant_id=mail.tenant_id, mailbox_id=mail.mailbox_id, first_at=mail.created_at)
        record(self.exceptions, failure_of(command, error, self.clock()))

    def tell_once(self, mail: OutboxMail, error: PermanentError) -> None:
        """The same for what befalls each mail of the mailbox: one exception of its code, until that is replayed."""
        wanted = FailureFilter(code=error.code, unreplayed=True, mailbox_id=mail.mailbox_id)
        told, _ = self.exceptions.page(mail.tenant_id, wanted, limit=1, after="")
        if not told:
            self.tell_of_mailbox(mail, error)

    def _ask_a_person(self, before: OutboxMail, after: OutboxMail) -> None:
        """Ahead of the row: killed in between, the mail comes to its end once more, and its exception stands."""
        if after.state in ASKS_A_PERSON and after.state is not before.state and after.error:
            record(self.exceptions, failure_of_mail(after, after.error, self.clock()))


def change_of(mail: OutboxMail) -> Change:
    """What the feed says of a mail: those who see it in the outbox are told."""
    # An acknowledgement is its desk's.
    desk = frozenset({mail.mailbox_id}) if mail.purpose == ACKNOWLEDGED else frozenset[str]()
    return Change(
        What.OUTBOX_CHANGED,
        mail.message_key,
        "",
        only_for=desk,
        agent=mail.agent_id,
        outbox_id=mail.id,
        by=mail.by,
    )


def _is_end(before: OutboxMail, after: OutboxMail) -> bool:
    """Whether it has come to an end that is no state of its own: it has left without a copy."""
    return after.has_ended and not before.has_ended
