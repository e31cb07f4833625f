"""Sends one mail of an outbox as far as it gets. Each step is written down before it is taken.

So whoever comes after a killed worker knows where to look, and looks before anything is done again: what an answer
to sending says proves nothing, what lies in the mailbox does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from shared import telemetry
from shared.domain.commands.commands import IngestMessages
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import InvalidInput, NotFound, PermanentError, TransientError
from shared.domain.mail.items import ItemRef
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxFile, OutboxMail, Problem
from shared.domain.sending.states import State
from shared.ports.sending import MailSender, OpenOutbox, OutgoingCopy, OutgoingFile
from shared.ports.work import Clock, CommandQueue
from shared.services.sending.change_mail import ChangeMail

# A server that took a mail may need so long until it is no draft any more.
DRAFT_FOR: Final = timedelta(minutes=10)
# Where nothing is found after this time, a person has to say what became of it.
LOOK_FOR: Final = timedelta(hours=1)
LOOK_AGAIN: Final = timedelta(seconds=20)
# Refusals after which no server sends: by their codes, in lower case.
PROVES_NOT_SENT: Final = frozenset(
    (
        "errorsendasdenied",
        "errorinvalidrecipients",
        "errorexceededmaxrecipientlimit",
        "errorquotaexceeded",
        "erroraccessdenied",
        "requestentitytoolarge",
        "errormessagesizeexceeded",
    )
)

Compose = Callable[[OutboxMail], bytes]
Read = Callable[[OutboxMail, OutboxFile], OutgoingFile]


@dataclass(frozen=True, slots=True)
class Look:
    """What lies in the mailbox of a mail of ours."""

    sent: OutgoingCopy | None
    draft: OutgoingCopy | None
    is_trashed: bool

    @classmethod
    def at(cls, box: OpenOutbox, mail: OutboxMail) -> "Look":
        copies = box.copies(mail.tag, mail.message_id)
        return cls(
            sent=next((copy for copy in copies if not copy.is_draft), None),
            draft=next((copy for copy in copies if copy.is_draft and not copy.is_in_trash), None),
            is_trashed=any(copy.is_draft and copy.is_in_trash for copy in copies),
        )


@dataclass(frozen=True, slots=True)
class SendOne:
    """Take a mail that is due one step further, or as far as it goes; it is left in a state that says what is next.

    `compose` makes its MIME, `read` opens a file of it.
    """

    sender: MailSender
    change: ChangeMail
    queue: CommandQueue
    compose: Compose
    read: Read
    clock: Clock

    def __call__(self, mailbox: Mailbox, mail: OutboxMail) -> float | None:
        """The seconds that the server asks to wait before the mailbox's next mail. Raises TransientError."""
        if mail.state is State.HELD:
            mail = self.change(mail, transitions.released(self.clock()))
        try:
            box = self.sender.open(mailbox)
            if mail.state is State.QUEUED and mail.not_before is None:
                return self._begin(box, mail)
            return self._go_on(box, mail, Look.at(box, mail))
        except PermanentError as error:
            # The mailbox cannot be reached: what is on its way is looked for later, what has not begun has failed.
            if mail.state in (State.SENDING, State.SENT):
                self._later(mail, LOOK_AGAIN)
            else:
                self._fail(mail, error)
            return None

    def _go_on(self, box: OpenOutbox, mail: OutboxMail, look: Look) -> float | None:
        """Where an earlier worker, or an answer that was lost, has left off."""
        if look.sent is not None:
            self._confirm(mail, look.sent)
        elif look.is_trashed and look.draft is None:
            self.change(mail, transitions.deleted(self.clock()))
        elif mail.state in (State.QUEUED, State.DRAFTED):
            return self._begin_anew(box, mail, look.draft)
        elif look.draft is not None:
            return self._still_a_draft(box, mail, look.draft)
        else:
            self._nothing_found(box, mail)
        return None

    def _begin(self, box: OpenOutbox, mail: OutboxMail) -> float | None:
        # Whoever comes next looks first: from now on there may be a draft.
        mail = self.change(mail, transitions.postponed(self.clock() + LOOK_AGAIN))
        mime = self._composed(mail)
        if mime is None:
            return None
        if not box.keeps_drafts:
            mail = self.change(mail, transitions.sending(self.clock()))
            return self._hand_over(box, mail, lambda: box.send(mime))
        draft = box.draft(mime, mail.tag)
        mail = self.change(mail, transitions.drafted(self.clock(), draft.item_id))
        if not self._attach(box, mail, draft):
            return None
        mail = self.change(mail, transitions.sending(self.clock()))
        return self._hand_over(box, mail, lambda: box.send_draft(draft))

    def _begin_anew(self, box: OpenOutbox, mail: OutboxMail, draft: OutgoingCopy | None) -> float | None:
        """A draft of an earlier try may lack files, or its id: another one is made in its place."""
        if draft is None and mail.draft_id:
            # It was never handed over, and it is nowhere: its owner has taken it away for good.
            self.change(mail, transitions.deleted(self.clock()))
            return None
        # Ahead of the draft: once that has gone, nobody else can have taken it away.
        if mail.state is State.DRAFTED:
            mail = self.change(mail, self._drafted_anew)
        if draft is not None:
            box.discard(draft.item)
        return self._begin(box, mail)

    def _drafted_anew(self, mail: OutboxMail) -> OutboxMail:
        now = self.clock()
        lost = transitions.draft_lost(now, "It is drafted once more.")(mail)
        return transitions.postponed(now + LOOK_AGAIN)(lost)

    def _composed(self, mail: OutboxMail) -> bytes | None:
        try:
            return self.compose(mail)
        except InvalidInput as error:
            problem = Problem("cannot_be_composed", str(error))
            self.change(mail, transitions.failed(self.clock(), problem))
            return None

    def _attach(self, box: OpenOutbox, mail: OutboxMail, draft: ItemRef) -> bool:
        """Whether all files are in the draft; a draft that is to stay without them goes."""
        try:
            for file in mail.attachments:
                if not file.inline:
                    box.attach(draft, self.read(mail, file))
        except NotFound:
            self.change(mail, transitions.deleted(self.clock()))
            return False
        except PermanentError as error:
            box.discard(draft)
            self._fail(mail, error)
            return False
        return True

    def _hand_over(self, box: OpenOutbox, mail: OutboxMail, send: Callable[[], float | None]) -> float | None:
        try:
            wait = send()
        except (PermanentError, TransientError) as error:
            self._doubtful(box, mail, error)
            return getattr(error, "retry_after", None)
        now = self.clock()
        self.change(mail, lambda row: transitions.postponed(now + LOOK_AGAIN)(transitions.taken(now)(row)))
        return wait

    def _doubtful(self, box: OpenOutbox, mail: OutboxMail, error: PermanentError | TransientError) -> None:
        """Whatever was answered, the mail may have left; a refusal counts where nothing of it is found."""
        is_refusal = isinstance(error, PermanentError) and error.code.lower() in PROVES_NOT_SENT
        look = Look.at(box, mail) if is_refusal else None
        if look is not None and look.sent is None:
            if look.draft is not None:
                box.discard(look.draft.item)
            self._fail(mail, error)
        else:
            self._later(mail, LOOK_AGAIN)

    def _still_a_draft(self, box: OpenOutbox, mail: OutboxMail, draft: OutgoingCopy) -> float | None:
        since = self.clock() - (mail.sending_at or mail.created_at)
        if since < DRAFT_FOR:
            self._later(mail, DRAFT_FOR - since)
            return None
        mail = self.change(mail, transitions.sending_again(self.clock()))
        return self._hand_over(box, mail, lambda: box.send_draft(draft.item))

    def _nothing_found(self, box: OpenOutbox, mail: OutboxMail) -> None:
        since = self.clock() - (mail.sending_at or mail.created_at)
        if since < (LOOK_FOR if box.keeps_drafts else DRAFT_FOR):
            self._later(mail, max(LOOK_AGAIN, since / 4))
            return
        detail = (
            "The server was given the mail, and neither a copy nor a draft of it is found in the mailbox."
        )
        self.change(mail, transitions.left_open(self.clock(), Problem("outcome_unknown", detail)))

    def _confirm(self, mail: OutboxMail, copy: OutgoingCopy) -> None:
        """The copy is taken in at once: its entry stands on the records for which it was sent."""
        now = self.clock()
        other = copy.sender and copy.sender != mail.sender.address
        detail = f"It left as {copy.sender}; asked for was {mail.sender.address}." if other else ""
        self.queue.send(
            IngestMessages(
                tenant_id=mail.tenant_id, mailbox_id=mail.mailbox_id, first_at=now, items=(copy.item,)
            )
        )
        self.change(mail, transitions.confirmed(now, detail))
        if other:
            telemetry.event("left_as_somebody_else", mailbox=mail.mailbox_id, mail=mail.id)

    def _later(self, mail: OutboxMail, wait: timedelta) -> None:
        self.change(mail, transitions.postponed(self.clock() + wait))

    def _fail(self, mail: OutboxMail, error: PermanentError | TransientError) -> None:
        code = getattr(error, "code", "") or "refused"
        self.change(mail, transitions.failed(self.clock(), Problem(code, str(error))))
