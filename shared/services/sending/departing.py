"""Takes one mail of an outbox as far as it goes. Each step is written down before it is taken.

So whoever comes after a killed worker knows where to look, and looks before anything is done again. What an answer
of the server proves, and what to do next, `domain/sending/outcomes` says.
"""

from dataclasses import dataclass, replace
from typing import Final

from shared import telemetry
from shared.domain.commands.advice import NO_COPY_KEPT
from shared.domain.commands.commands import IngestMessages, SendMail
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import (
    InvalidInput,
    NotFound,
    PermanentError,
    Rejected,
    TransientError,
)
from shared.domain.mail.items import ItemRef
from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail, Problem
from shared.domain.sending.outcomes import Do, Found, Next, Outcome, next_step
from shared.domain.sending.pacing import Pause
from shared.domain.sending.sent_copies import left_as
from shared.domain.sending.states import Event, State, may
from shared.domain.sending.waits import Waits
from shared.ports.sending import MailSender, OutgoingCopy
from shared.ports.work import Clock, CommandQueue
from shared.services.campaigns.consent import CheckDeparture
from shared.services.capture.scopes import hasher_of
from shared.services.sending.change_mail import ChangeMail
from shared.services.sending.gate import Gate, asked_for
from shared.services.sending.making import MakeMime, OpenFile
from shared.services.sending.refusing import NoteSignIn
from shared.services.sending.standing import CheckStanding
from shared.services.sending.visits import Visit

# A step asks for a look at most, and a look for another step: more is a mistake of ours.
_MOST_STEPS: Final = 6
# With a pause, these speak of the mailbox, not of the one mail.
_WITHOUT_COPY: Final = "The mail has left, but its copy could not be kept among the sent mail."


@dataclass(frozen=True, slots=True)
class SendOne:
    """Take a mail that is due as far as it goes; it is left in a state that says what is next, and when."""

    sender: MailSender
    note_sign_in: NoteSignIn
    change: ChangeMail
    queue: CommandQueue
    make_mime: MakeMime
    open_file: OpenFile
    check_departure: CheckDeparture
    check_standing: CheckStanding
    hash_key: bytes
    waits: Waits
    clock: Clock

    def __call__(self, mailbox: Mailbox, mail: OutboxMail, gate: Gate) -> Pause | None:
        """What the mailbox's other mails have to wait for. Raises TransientError."""
        is_fresh = not mail.begun and not mail.draft_id
        if mail.state is State.HELD:
            # Written with the next step.
            mail = transitions.released(self.clock())(mail)
        try:
            # Whatever becomes of it: whoever comes next looks first, since from now on there may be a draft.
            visit = Visit(mailbox, self.sender.open(mailbox), gate, replace(mail, begun=True), is_fresh)
        except PermanentError as error:
            self._refused(mail, error)
            return None
        try:
            self._go(visit)
        except PermanentError as error:
            self._refused(visit.mail, error)
            return None
        finally:
            visit.box.close()
        self.note_sign_in.ended(mailbox, visit.said)
        return visit.pause or asked_for(visit.said, visit.mail, self.clock())

    def _go(self, visit: Visit) -> None:
        if visit.mail.state is State.QUEUED:
            if not visit.is_fresh:
                visit.look()
            if visit.found in (None, Found.NOTHING) and not self._begin(visit):
                return
        elif visit.mail.state is not State.SENT or visit.mail.not_before is not None:
            visit.look()
        for _ in range(_MOST_STEPS):
            if not self._step(visit):
                return

    def _begin(self, visit: Visit) -> bool:
        """Whether there is a step to be decided on: a draft stands, or the server has answered."""
        if not self._may_go(visit) or not self._is_wanted(visit):
            return False
        visit.found = visit.copy = None
        try:
            mime = self.make_mime(visit.mail, whole=not visit.box.keeps_drafts)
        except InvalidInput as error:
            self._change(visit, transitions.failed(self.clock(), Problem("cannot_be_composed", str(error))))
            return False
        if not visit.box.keeps_drafts:
            self._at_once(visit, mime)
            return True
        made = visit.box.draft(mime, visit.mail.tag)
        if isinstance(made, Outcome):
            visit.said = made
            return True
        drafted = transitions.drafted(self.clock(), made.item_id)
        if not self._is_loose(visit.mail):
            # Written with the hand-over. Who comes after a worker that was killed in between finds the draft.
            visit.mail = drafted(visit.mail)
            return True
        self._change(visit, drafted)
        return self._attach(visit, made)

    def _at_once(self, visit: Visit, mime: bytes) -> None:
        """In one call. What is refused ahead of it leaves the row as it was: nothing has left."""
        offer = visit.box.offer(mime)
        if isinstance(offer, Outcome):
            visit.said = offer
            return
        now = self.clock()
        sending, refused = transitions.sending(now), transitions.refused_some(offer.refused)
        visit.mail = visit.gate.let_out(visit.mail, lambda mail: refused(sending(mail)), now)
        visit.said = visit.box.send(mime)

    def _is_wanted(self, visit: Visit) -> bool:
        """Whether its recipients still get it, and from this agent: asked right before its draft."""
        verdict = self.check_departure(visit.mail) or self.check_standing(visit.mailbox, visit.mail)
        if verdict is not None:
            self._change(visit, verdict)
        return verdict is None

    def _attach(self, visit: Visit, draft: ItemRef) -> bool:
        """Whether all files are in the draft; one that is to stay without them goes."""
        try:
            for file in visit.mail.attachments:
                if not file.inline:
                    visit.box.attach(draft, self.open_file(visit.mail, file))
        except NotFound:
            self._change(visit, transitions.deleted(self.clock()))
            return False
        except PermanentError as error:
            visit.box.discard(draft)
            self._change(visit, transitions.failed(self.clock(), _problem(error)))
            return False
        return True

    def _step(self, visit: Visit) -> bool:
        """Do what is next; whether another step follows at once."""
        now = self.clock()
        step = next_step(
            visit.mail,
            visit.said,
            visit.found,
            now,
            waits=self.waits,
            lays_copies=visit.box.lays_copies,
        )
        if step.do is Do.LOOK:
            visit.look()
            return True
        if step.do is Do.CONFIRM and visit.copy is not None:
            self._confirm(visit, visit.copy)
            return False
        if step.do is Do.LAY_COPY:
            self._lay_copy(visit)
            return False
        if step.do in (Do.ADOPT, Do.SEND) and visit.found is Found.DRAFT:
            if self._lacks_files(visit.mail):
                return self._draft_anew(visit)
            if not self._may_leave(visit):
                return False
        self.note_sign_in.refused(visit.mailbox, visit.mail, visit.said if step.do is Do.PUT_BACK else None)
        transition = step.transition(now, visit.draft_id)
        if step.do is Do.SEND and transition is not None:
            return self._hand_over(visit, transition)
        if transition is not None:
            self._change(visit, transition)
        self._call_back(visit, step)
        if step.do is Do.FAIL and visit.found is Found.DRAFT:
            # A mail that is not to leave does not stay among its owner's drafts.
            visit.box.discard(visit.draft)
        return step.do is Do.ADOPT

    def _may_leave(self, visit: Visit) -> bool:
        """Whether a draft that was found may be handed over: hours may have passed since it was made."""
        draft = visit.draft
        if visit.mail.state in (State.QUEUED, State.DRAFTED) and not self._is_wanted(visit):
            visit.box.discard(draft)
            return False
        return self._is_marked(visit)

    def _is_marked(self, visit: Visit) -> bool:
        """A draft whose maker was interrupted may lie there without its tag: nobody would know its sent copy."""
        if visit.copy is None or visit.copy.is_marked:
            return True
        try:
            visit.box.mark(visit.copy.item, visit.mail.tag)
        except NotFound:
            # Its owner has just sent it, or taken it away: the next look tells.
            self._change(visit, transitions.postponed(self.clock() + self.waits.look_again))
            return False
        return True

    def _hand_over(self, visit: Visit, transition: transitions.Transition) -> bool:
        """Whether the server has answered."""
        if not self._may_go(visit):
            return False
        draft = visit.draft
        visit.mail = visit.gate.let_out(visit.mail, transition, self.clock())
        visit.found = visit.copy = None
        visit.said = visit.box.send_draft(draft)
        return True

    def _may_go(self, visit: Visit) -> bool:
        """Whether the mailbox may send now; if not, the mail waits."""
        now, mail = self.clock(), visit.mail
        visit.pause = pause = visit.gate.pause_before(mail, now)
        if pause is None:
            return True
        is_held = may(mail.state, Event.HOLD)
        wait = (
            transitions.held(now, pause.until, pause.why) if is_held else transitions.postponed(pause.until)
        )
        self._change(visit, wait)
        return False

    @staticmethod
    def _is_loose(mail: OutboxMail) -> bool:
        """Whether files are added to its draft by themselves."""
        return any(not file.inline for file in mail.attachments)

    def _lacks_files(self, mail: OutboxMail) -> bool:
        """Whether a draft of an earlier worker may be without some of its files: it was not handed over yet."""
        return self._is_loose(mail) and mail.state in (State.QUEUED, State.DRAFTED)

    def _draft_anew(self, visit: Visit) -> bool:
        now = self.clock()
        draft = visit.draft
        # Ahead of the draft: once that has gone, nobody else can have taken it away.
        if visit.mail.state is State.DRAFTED:
            why = "It is drafted once more, with all of its files."
            lost = transitions.draft_lost(now, why)
            self._change(visit, lambda row: transitions.postponed(now + self.waits.look_again)(lost(row)))
        visit.box.discard(draft)
        return self._begin(visit)

    def _confirm(self, visit: Visit, copy: OutgoingCopy) -> None:
        """The copy is taken in at once: its entry stands on the records for which it was sent."""
        mail, now = visit.mail, self.clock()
        is_other = bool(copy.sender) and copy.sender != mail.sender.address
        detail = left_as(copy.sender, mail.sender.address) if is_other else ""
        key = hasher_of(self.hash_key, mail.tenant_id).message_id(copy.message_id) if copy.message_id else ""
        self.queue.send(
            IngestMessages(
                tenant_id=mail.tenant_id, mailbox_id=mail.mailbox_id, first_at=now, items=(copy.item,)
            )
        )
        visit.mail = self.change.quietly(mail, transitions.confirmed(now, detail, key))
        # Whoever takes the copy in tells once more, so that a worker may be killed here.
        self.change.announce_all([visit.mail])
        if is_other:
            telemetry.event("left_as_somebody_else", mailbox=mail.mailbox_id, mail=mail.id)

    def _call_back(self, visit: Visit, step: Next) -> None:
        """Where nobody tells of the copy of a mail that was taken, the look for it waits for no tick."""
        if step.do is Do.TAKE and not visit.box.lays_copies:
            mail, now = visit.mail, self.clock()
            command = SendMail(tenant_id=mail.tenant_id, mailbox_id=mail.mailbox_id, first_at=now)
            self.queue.send(command, delay=step.after.total_seconds() + 1)

    def _lay_copy(self, visit: Visit) -> None:
        """Whatever becomes of the copy, the mail has left, and never leaves again for it."""
        since = self.clock() - (visit.mail.sending_at or self.clock())
        is_late = since >= self.waits.given_up_after
        try:
            copy = visit.box.lay_copy(self.make_mime(visit.mail, whole=True))
        except (PermanentError, InvalidInput, TransientError) as error:
            if isinstance(error, TransientError) and not is_late:
                raise
            problem = Problem(NO_COPY_KEPT, f"{_WITHOUT_COPY} {error}")
            # Ahead of the row, which is the end of it.
            self.change.tell_once(visit.mail, Rejected(problem.detail, problem.code))
            self._change(visit, transitions.without_copy(self.clock(), problem))
            return
        self._confirm(visit, copy)

    def _refused(self, mail: OutboxMail, error: PermanentError) -> None:
        """The mailbox, or a look through it, was refused: that says nothing of a mail that was handed over."""
        if mail.state in (State.SENDING, State.SENT):
            self.change(mail, transitions.postponed(self.clock() + self.waits.look_again))
        else:
            self.change(mail, transitions.failed(self.clock(), _problem(error)))

    def _change(self, visit: Visit, transition: transitions.Transition) -> None:
        visit.mail = self.change(visit.mail, transition)


def _problem(error: PermanentError) -> Problem:
    return Problem(error.code or "refused", str(error))
