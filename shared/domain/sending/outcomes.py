"""What an answer of the server proves about a mail, and what to do next. Knows no provider's codes.

An answer to a hand-over is not the outcome. Few answers prove that a mail has not left; after every other one the
mailbox is looked through first, by the tag, then the Message-ID, then the draft:

| answer | the look finds | then |
|---|---|---|
| taken | not needed | sent; its copy confirms it |
| | nothing, and the server lays no copies | we lay the copy |
| signed out, too large | not needed: nothing was made | tried again; failed |
| put off | no copy | tried again, for most of a day |
| a refusal that is known | no copy | failed, with its sentence |
| no such draft | the draft | it was not sent: again |
| no such draft | nothing for 10 minutes | failed: the draft is gone |
| any other, or none | a copy | confirmed |
| | our draft among the deleted items | cancelled by the person |
| | still the draft, after 10 minutes | sent again |
| | nothing, no drafts permitted, 10 minutes | outcome unknown: a person decides |
| | nothing, though there was a draft, a day | outcome unknown |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.sending import transitions
from shared.domain.sending.outbox import OutboxMail, Problem
from shared.domain.sending.states import State
from shared.domain.sending.transitions import Transition
from shared.domain.sending.waits import WAITS, Waits

MOST_TRIES: Final = 5
# With pauses that grow to an hour this is most of a day.
MOST_PUT_BACKS: Final = 24


class Answer(StrEnum):
    """What the server said to a hand-over, or to the making of a draft.

    UNKNOWN is every answer that is not named here, and none at all: too many requests, server faults, a success that
    is not the documented one.
    """

    TAKEN = "taken"
    UNKNOWN = "unknown"
    SIGNED_OUT = "signed_out"
    NO_DRAFT = "no_draft"
    TOO_LARGE = "too_large"
    SEND_AS_DENIED = "send_as_denied"
    INVALID_RECIPIENTS = "invalid_recipients"
    TOO_MANY_RECIPIENTS = "too_many_recipients"
    OVER_QUOTA = "over_quota"
    NO_ACCESS = "no_access"
    NOT_NOW = "not_now"
    SENDER_REFUSED = "sender_refused"
    REJECTED = "rejected"


# Each is believed once a look has found no copy.
SENTENCES: Final[Mapping[Answer, str]] = {
    Answer.SEND_AS_DENIED: (
        "Postledger may not send from this address. Grant Send As or Send on Behalf in Exchange, or choose another "
        "address, then retry."
    ),
    Answer.INVALID_RECIPIENTS: (
        "The server refuses an address of a recipient. Correct it in the CRM and send the mail anew."
    ),
    Answer.TOO_MANY_RECIPIENTS: "The mail has more recipients than the mailbox may write to at once.",
    Answer.OVER_QUOTA: "The mailbox is full and cannot send. Make room in it, then retry.",
    Answer.NO_ACCESS: "Postledger may not use the mailbox any more. Run the mailbox test, then retry.",
    Answer.SENDER_REFUSED: (
        "The mail server does not let the mailbox send from this address. Have it allow the address, or send from the "
        "mailbox's own, then retry."
    ),
    Answer.REJECTED: "The mail server refuses the mail. Put right what it names, then retry or send the mail anew.",
}
_TOO_LARGE: Final = "The server does not take a mail of this size. Send fewer or smaller files."
_SIGNED_OUT: Final = "The sign-in at the mailbox was refused. Run the mailbox test, then retry."
_NOT_NOW: Final = "The mail server put the mail off for most of a day. Find out why there, then retry."
_DRAFT_GONE: Final = (
    "The draft has disappeared from the mailbox before it was sent. Retry, if the mail is still to leave."
)
_STILL_A_DRAFT: Final = "The server did not send the draft though it was asked several times. Retry later."
_NOT_FOUND: Final = (
    "The server gave no clear answer, and no copy of the mail was found. Ask the recipient, then retry the mail or "
    "leave it."
)
_NO_COPY: Final = (
    "The server took the mail, but its copy has not appeared in the mailbox within a day. It has probably left: ask "
    "the recipient before you retry it."
)
_NO_DRAFT_MADE: Final = "The server made no draft though it was asked for most of a day. Retry later."
_WHY_AGAIN: Final = "It has not left and is tried again."


# These prove that nothing has left, and may be otherwise later.
_PASSING: Final[Mapping[Answer, str]] = {Answer.SIGNED_OUT: _SIGNED_OUT, Answer.NOT_NOW: _NOT_NOW}


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer. `code` is the server's own word for it; `retry_after` asks for a pause of the mailbox, in seconds.

    With TAKEN the pause is about the next mail of that mailbox: this one is never handed over again for it. `words`
    is a sentence with what the server said.
    """

    answer: Answer
    code: str = ""
    retry_after: float | None = None
    words: str = ""


NO_ANSWER: Final = Outcome(Answer.UNKNOWN, "no_answer")


class Found(StrEnum):
    """What a look through the mailbox found, by tag, Message-ID and draft; the first of these that is so.

    COPY: a mail that is no draft, in any folder. DRAFT: our draft, outside the deleted items. DELETED: our draft among
    them. NOTHING: none of it.
    """

    COPY = "copy"
    DRAFT = "draft"
    DELETED = "deleted"
    NOTHING = "nothing"


class Do(StrEnum):
    """What is to be done next."""

    LOOK = "look"
    WAIT = "wait"
    ADOPT = "adopt"
    SEND = "send"
    TAKE = "take"
    LAY_COPY = "lay_copy"
    CONFIRM = "confirm"
    PUT_BACK = "put_back"
    CANCEL = "cancel"
    FAIL = "fail"
    LEAVE_OPEN = "leave_open"


@dataclass(frozen=True, slots=True)
class Next:
    """What is to be done, after which pause, and for which problem.

    LOOK: look now and ask again. WAIT: look after the pause. ADOPT: the draft that was found is ours. SEND: hand it
    over. TAKE: the server has it, look after the pause. LAY_COPY: lay a copy among the sent mail. PUT_BACK: begin again
    after the pause, with the same draft. `words` are the server's.
    """

    do: Do
    after: timedelta = timedelta(0)
    problem: Problem | None = None
    words: str = ""

    def transition(self, at: datetime, draft_id: str = "") -> Transition | None:
        """The change of the row; None for LOOK and LAY_COPY. `draft_id` is the id of the draft that the look found."""
        made: dict[Do, Transition] = {
            Do.WAIT: transitions.postponed(at + self.after),
            Do.ADOPT: transitions.drafted(at, draft_id),
            Do.SEND: transitions.handed_over(at),
            Do.TAKE: lambda mail: transitions.postponed(at + self.after)(transitions.taken(at)(mail)),
            Do.CONFIRM: transitions.confirmed(at),
            Do.PUT_BACK: transitions.put_back(at, at + self.after, self._why_again, draft_id),
            Do.CANCEL: transitions.deleted(at),
        }
        if self.problem is not None:
            made[Do.FAIL] = transitions.failed(at, self.problem)
            made[Do.LEAVE_OPEN] = transitions.left_open(at, self.problem)
        return made.get(self.do)

    @property
    def _why_again(self) -> str:
        return f"{_WHY_AGAIN} {self.words}".rstrip()


@dataclass(frozen=True, slots=True)
class _Wait:
    """How long ago a mail was handed over, and what that means under a deployment's waits."""

    since: timedelta
    waits: Waits

    @property
    def is_settled(self) -> bool:
        return self.since >= self.waits.settled_after

    @property
    def is_given_up(self) -> bool:
        return self.since >= self.waits.given_up_after

    def longer(self, soonest: timedelta) -> Next:
        """Looks grow apart; one comes when what is still a draft may be sent again."""
        pause = min(max(self.since, soonest), self.waits.longest_pause)
        if not self.is_settled:
            pause = min(pause, self.waits.settled_after - self.since)
        return Next(Do.WAIT, pause)


def next_step(
    mail: OutboxMail,
    outcome: Outcome | None,
    found: Found | None,
    now: datetime,
    *,
    waits: Waits = WAITS,
    lays_copies: bool = True,
) -> Next:
    """What to do with a mail that has not ended: `queued` when its draft was to be made, `drafted`, `sending`, `sent`.

    `outcome` is the answer to the last call, None where there was none; `found` what a look showed since, None where
    nobody has looked. `lays_copies`: the server keeps copies of what it takes, as far as is known.
    """
    if found is Found.COPY:
        return Next(Do.CONFIRM)
    said = outcome or NO_ANSWER
    wait = _Wait(now - (mail.sending_at or now), waits)
    if mail.state is State.SENT:
        return _taken(mail, found, wait) if lays_copies else _without_copy(found, wait)
    if mail.state is State.SENDING:
        if said.answer is Answer.TAKEN:
            look, copy = waits.soonest_look_if_taken, waits.soonest_copy
            return Next(Do.TAKE, look if lays_copies else copy)
        return _handed_over(mail, said, found, wait)
    return _drafted(found) if mail.state is State.DRAFTED else _in_queue(mail, said, found, waits)


def _drafted(found: Found | None) -> Next:
    """Nothing was handed over: a draft that is not there any more was deleted by the person."""
    return Next(Do.SEND if found in (None, Found.DRAFT) else Do.CANCEL)


def _in_queue(mail: OutboxMail, said: Outcome, found: Found | None, waits: Waits) -> Next:
    """Nothing can have left: a draft that was made unseen is taken, else it is made anew."""
    if said.answer is not Answer.UNKNOWN:
        return _refused(said) or _again(mail, said, _PASSING.get(said.answer, _SIGNED_OUT), waits)
    if found is None:
        return _look(said)
    if found is Found.DELETED:
        return Next(Do.CANCEL)
    return Next(Do.ADOPT) if found is Found.DRAFT else _again(mail, said, _NO_DRAFT_MADE, waits)


def _handed_over(mail: OutboxMail, said: Outcome, found: Found | None, wait: _Wait) -> Next:
    if said.answer is Answer.TOO_LARGE:
        return _failed(said, _TOO_LARGE)
    if said.answer is Answer.SIGNED_OUT:
        return _again(mail, said, _SIGNED_OUT, wait.waits)
    if found is None:
        return _look(said)
    if found is Found.DELETED:
        return Next(Do.CANCEL)
    if said.answer is Answer.NOT_NOW:
        return _again(mail, said, _NOT_NOW, wait.waits)
    return _refused(said) or _unclear(mail, said, found, wait)


def _unclear(mail: OutboxMail, said: Outcome, found: Found, wait: _Wait) -> Next:
    """After a look that found the draft, or nothing."""
    if found is Found.DRAFT:
        if said.answer is Answer.NO_DRAFT:
            return _again(mail, said, _DRAFT_GONE, wait.waits)
        return _once_more(mail, said) if wait.is_settled else wait.longer(wait.waits.soonest_look)
    if not wait.is_settled:
        return wait.longer(wait.waits.soonest_look)
    if said.answer is Answer.NO_DRAFT:
        return _failed(said, _DRAFT_GONE)
    # Its draft is gone, so it has most probably left: copies may come late, and another mail would be a second one.
    if mail.draft_id and not wait.is_given_up:
        return wait.longer(wait.waits.soonest_look)
    told = f"{_NOT_FOUND} {said.words}".rstrip()
    return Next(Do.LEAVE_OPEN, problem=Problem(said.code or "outcome_unknown", told))


def _taken(mail: OutboxMail, found: Found | None, wait: _Wait) -> Next:
    """The server took it: only the draft itself, still lying there, tells the contrary."""
    if found is Found.DRAFT and wait.is_settled:
        return _once_more(mail, Outcome(Answer.TAKEN, "still_a_draft"))
    if found is not None and wait.is_given_up:
        return Next(Do.LEAVE_OPEN, problem=Problem("no_copy", _NO_COPY))
    if found is None and wait.since >= wait.waits.soonest_look_if_taken:
        return Next(Do.LOOK)
    return wait.longer(wait.waits.soonest_look_if_taken)


def _without_copy(found: Found | None, wait: _Wait) -> Next:
    """The server took it, and keeps no copies unless a look has shown one."""
    if wait.since < wait.waits.soonest_copy:
        return Next(Do.WAIT, wait.waits.soonest_copy - wait.since)
    return Next(Do.LOOK if found is None else Do.LAY_COPY)


def _once_more(mail: OutboxMail, said: Outcome) -> Next:
    if mail.tries < MOST_TRIES:
        return Next(Do.SEND)
    if mail.state is State.SENT:
        return Next(Do.LEAVE_OPEN, problem=Problem(said.code, _STILL_A_DRAFT))
    return _failed(said, _STILL_A_DRAFT)


def _refused(said: Outcome) -> Next | None:
    """The failure of a known refusal."""
    sentence = _TOO_LARGE if said.answer is Answer.TOO_LARGE else SENTENCES.get(said.answer)
    return _failed(said, sentence) if sentence else None


def _again(mail: OutboxMail, said: Outcome, sentence: str, waits: Waits) -> Next:
    """Begin again after a growing pause; `sentence` says in the end why that was of no use."""
    if mail.put_backs >= MOST_PUT_BACKS:
        return _failed(said, sentence)
    pause = min(waits.shortest_pause * 2 ** min(mail.put_backs, 10), waits.longest_pause)
    return Next(Do.PUT_BACK, max(pause, _asked_pause(said)), words=said.words)


def _look(said: Outcome) -> Next:
    """A look is a call, too: it waits for as long as the server asked."""
    pause = _asked_pause(said)
    return Next(Do.WAIT, pause) if pause else Next(Do.LOOK)


def _asked_pause(said: Outcome) -> timedelta:
    return timedelta(seconds=max(said.retry_after or 0.0, 0.0))


def _failed(said: Outcome, sentence: str) -> Next:
    told = f"{sentence} {said.words}".rstrip()
    return Next(Do.FAIL, problem=Problem(said.code or said.answer, told))
