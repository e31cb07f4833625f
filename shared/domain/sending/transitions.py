"""Changes of a mail on its way out: each gives the row after an event of the table in `states`, with its step.

A store applies one to the row as it is at that moment, under its ETag. Each raises WrongState, with a sentence, where
the table does not have the event in the row's state.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final, TypeAlias

from shared.domain.sending.outbox import OutboxMail, Problem, Refusal, Step
from shared.domain.sending.states import Event, State, follow, may

# A row that is retried for weeks keeps its beginning and its end.
MOST_STEPS: Final = 60

Transition: TypeAlias = Callable[[OutboxMail], OutboxMail]


def asked_for(mail: OutboxMail) -> OutboxMail:
    """A new row with its first step: what it waits for."""
    detail = f"It is sent at {mail.send_at:%Y-%m-%d %H:%M:%S} UTC or later." if mail.send_at else ""
    return replace(mail, steps=(Step(mail.created_at, State.QUEUED, detail),))


def drafted(at: datetime, draft_id: str) -> Transition:
    """The server holds a draft of it under this id."""
    return lambda mail: replace(_after(mail, Event.DRAFT, at), draft_id=draft_id, drafted_at=at)


def sending(at: datetime) -> Transition:
    """It is handed to the server from now on: without an answer nobody knows what became of it."""
    return lambda mail: replace(_after(mail, Event.START, at), sending_at=at, tries=mail.tries + 1)


def sending_again(at: datetime) -> Transition:
    """It is still a draft, so it is handed over once more."""

    def transition(mail: OutboxMail) -> OutboxMail:
        after = _after(mail, Event.AGAIN, at, "It was still a draft and is sent again.")
        return replace(after, sending_at=at, tries=mail.tries + 1)

    return transition


def handed_over(at: datetime) -> Transition:
    """`sending_again` for what was handed over before, else `sending`."""
    return lambda mail: (sending_again if may(mail.state, Event.AGAIN) else sending)(at)(mail)


def taken(at: datetime) -> Transition:
    """The server took it."""
    return lambda mail: _after(mail, Event.TAKE, at)


def refused_some(refusals: tuple[Refusal, ...]) -> Transition:
    """The server takes the mail that is being handed over, but not for these recipients."""

    def transition(mail: OutboxMail) -> OutboxMail:
        rejected = tuple(refusal.address for refusal in refusals)
        told = " ".join(refusal.words for refusal in refusals)
        *steps, last = mail.steps
        return replace(mail, rejected=rejected, steps=(*steps, replace(last, detail=told)))

    return transition


def without_copy(at: datetime, problem: Problem) -> Transition:
    """The server took it, and no copy could be kept: it has left all the same, and this is its end."""

    def transition(mail: OutboxMail) -> OutboxMail:
        if mail.state is not State.SENT:
            return mail
        steps = (*mail.steps, Step(at, State.SENT, problem.detail))
        return replace(mail, error=problem, not_before=None, steps=steps)

    return transition


def held(at: datetime, until: datetime, why: str) -> Transition:
    """The mailbox may not send before `until`; `why` is a sentence."""
    detail = f"It waits until {until:%Y-%m-%d %H:%M:%S} UTC. {why}".rstrip()
    return lambda mail: replace(_after(mail, Event.HOLD, at, detail), not_before=until)


def released(at: datetime) -> Transition:
    """The mailbox may send again. A draft that stands is used."""
    return lambda mail: replace(_after(mail, Event.RELEASE, at), not_before=None)


def postponed(until: datetime) -> Transition:
    """The next look at it comes at `until`; its state stays."""
    return lambda mail: replace(mail, not_before=until)


def put_back(at: datetime, until: datetime | None, why: str, draft_id: str = "") -> Transition:
    """It was proved not to have left, and is tried again, not before `until`.

    `draft_id` is its draft's id where that has changed.
    """

    def transition(mail: OutboxMail) -> OutboxMail:
        after = replace(_after(mail, Event.PUT_BACK, at, why), not_before=until, put_backs=mail.put_backs + 1)
        return replace(after, draft_id=draft_id) if draft_id else after

    return transition


def draft_lost(at: datetime, why: str) -> Transition:
    """The same, where the draft is unusable: another one is made."""
    return lambda mail: replace(put_back(at, None, why)(mail), draft_id="", drafted_at=None)


def failed(at: datetime, problem: Problem) -> Transition:
    """It has not left and will not by itself."""
    return lambda mail: replace(_after(mail, Event.FAIL, at, problem.detail), error=problem)


def left_open(at: datetime, problem: Problem) -> Transition:
    """Whether it has left cannot be found out; a person decides."""
    return lambda mail: replace(_after(mail, Event.DOUBT, at, problem.detail), error=problem)


def cancelled(at: datetime, why: str = "") -> Transition:
    """A person, or the check before it leaves, ended it in time; `why` is a sentence."""
    return lambda mail: _after(mail, Event.CANCEL, at, why)


def left_out(at: datetime, problem: Problem) -> Transition:
    """The look right before its draft found a reason not to send it; `problem` says which."""
    return lambda mail: replace(_after(mail, Event.CANCEL, at, problem.detail), error=problem)


def deleted(at: datetime) -> Transition:
    """The agent deleted the draft in the mail program, which is an answer."""
    detail = "The draft was deleted in the mailbox. It is not sent unless it is retried."
    return lambda mail: replace(_after(mail, Event.DELETED, at, detail), draft_id="")


def confirmed(at: datetime, detail: str = "", message_key: str = "") -> Transition:
    """Its copy was seen, and stands under `message_key`. `detail` says in what it differs from what was asked for.

    Seen again: what was not known is added, once.
    """

    def transition(mail: OutboxMail) -> OutboxMail:
        if mail.state not in (State.CONFIRMED, State.BOUNCED):
            confirmed_now = _after(mail, Event.COPY, at, detail)
            return replace(confirmed_now, error=None, message_key=message_key or mail.message_key)
        is_told = any(detail in step.detail for step in mail.steps)
        is_kept = bool(mail.message_key) or not message_key
        if is_told and is_kept:
            return mail
        steps = mail.steps if is_told else (*mail.steps, Step(at, mail.state, detail))
        return replace(mail, steps=steps, message_key=mail.message_key or message_key)

    return transition


def bounced(
    at: datetime, addresses: tuple[str, ...], detail: str, silenced: tuple[str, ...] = ()
) -> Transition:
    """A server reported that these recipients did not get it; `silenced` do not exist. Reported again: no change."""

    def transition(mail: OutboxMail) -> OutboxMail:
        rejected = tuple(dict.fromkeys((*mail.rejected, *addresses)))
        dead = tuple(dict.fromkeys((*mail.silenced, *silenced)))
        is_told = any(detail in step.detail for step in mail.steps)
        if mail.state is State.BOUNCED and (rejected, dead) == (mail.rejected, mail.silenced) and is_told:
            return mail
        return replace(_after(mail, Event.BOUNCE, at, detail), rejected=rejected, silenced=dead, error=None)

    return transition


def retried(at: datetime, tag: str, by: str = "") -> Transition:
    """A person asks for it once more.

    It keeps its code and Message-ID, by which a copy that left after all is found. Its tag is new: the old one may
    mark a draft that the agent has deleted.
    """

    def transition(mail: OutboxMail) -> OutboxMail:
        detail = f"Retried by {by}." if by else "Retried."
        return replace(
            _after(mail, Event.RETRY, at, detail),
            tag=tag,
            error=None,
            draft_id="",
            begun=False,
            rejected=(),
            not_before=None,
            drafted_at=None,
            sending_at=None,
            tries=0,
            put_backs=0,
        )

    return transition


def _after(mail: OutboxMail, event: Event, at: datetime, detail: str = "") -> OutboxMail:
    state = follow(mail.state, event)
    steps = (*mail.steps, Step(at, state, detail))
    if len(steps) > MOST_STEPS:
        steps = (*steps[: MOST_STEPS // 2], *steps[-MOST_STEPS // 2 :])
    return replace(mail, state=state, steps=steps)
