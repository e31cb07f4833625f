"""The feed tells of mail on its way out, of cases and of notices, wherever a writer is held up or killed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import pytest

from shared.domain.commands.commands import IngestMessages
from shared.domain.errors import InvalidInput, Unavailable
from shared.domain.events.events import What
from shared.domain.filing.filing import ACKNOWLEDGED
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import RecordRef
from shared.domain.sending.outcomes import Answer, Outcome
from shared.domain.sending.states import State
from tests.builders import AGENT as ADDRESS
from tests.builders import TENANT, rewrite
from tests.fakes import Killed
from tests.unit.services.events.test_feed_is_whole import KILLS, held_up, opened
from tests.unit.services.intake.desk import SERVICE as DESK
from tests.unit.services.intake.desk import DeskOffice
from tests.unit.services.sending.outbox_world import OutboxWorld
from tests.unit.services.sending.sent_world import (
    MAIL_ID,
    MESSAGE_ID,
    SENDER_OID,
    SentWorld,
    a_copy,
    an_answer,
)

ADMIN_CALLER: Final = Caller(TENANT, frozenset({ADMIN, AGENT}), oid="boss", address="boss@contoso.example")
ANN: Final = Caller(TENANT, frozenset({AGENT}), oid=SENDER_OID, address=ADDRESS)
BEN: Final = Caller(TENANT, frozenset({AGENT}), oid="ben", address="ben@contoso.example")
CRM: Final = Caller(TENANT, frozenset({SERVICE}), client_id="crm", app_only=True)
OTHER_APP: Final = replace(CRM, client_id="another")
# On its way, where nobody is told of each step.
PASSING: Final = (State.QUEUED, State.DRAFTED, State.SENDING, State.SENT)
REFUSED: Final = Outcome(Answer.INVALID_RECIPIENTS, "ErrorInvalidRecipients")
UNKNOWN: Final = Outcome(Answer.UNKNOWN, "Unavailable")


@dataclass
class Mirror:
    """A client that reads, of all kinds, only what the feed names: here mails of the outbox, by id."""

    world: Any
    caller: Caller = ADMIN_CALLER
    cursor: str = ""
    states: dict[str, State] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    opened: dict[RecordRef, str] = field(default_factory=dict)

    def poll(self) -> None:
        has_more = True
        while has_more:
            page = self.world.read_events(self.caller, limit=2, after=self.cursor)
            for event in page.events:
                self._follow(event.change)
            self.cursor, has_more = page.cursor, page.has_more

    def _follow(self, change: Any) -> None:
        if change.what is What.OUTBOX_CHANGED:
            self.states[change.outbox_id] = self.world.read_outbox(self.caller, change.outbox_id).state
        elif change.what in (What.NOTICE_ADDED, What.NOTICE_REMOVED):
            self.notices = listed(self.world, self.caller)
        elif change.what in (What.RECORD_ADDED, What.RECORD_CHANGED):
            self.opened = {ref: state for ref, state in self.opened.items() if ref != change.ref}
            self.opened |= {ref: state for ref, state in opened(self.world).items() if ref == change.ref}


def listed(world: Any, caller: Caller) -> tuple[str, ...]:
    return tuple(notice.message_key for notice in world.read_notices(caller, limit=200, cursor="").notices)


def standing(world: Any) -> dict[str, State]:
    return {mail.id: mail.state for mail in world.storage.outbox.rows.values()}


def again(world: Any, step: Callable[[], Any]) -> None:
    """Whoever was killed, or got no answer, does it again."""
    while True:
        try:
            step()
        except Killed:
            world.storage.leases.held.clear()
            world.restart()
            continue
        return


def ask(world: OutboxWorld, number: int = 1, **changes: Any) -> None:
    again(world, lambda: world.ask(number, **changes))


def cancel(world: OutboxWorld, number: int = 1) -> None:
    """A person asks until there is an answer."""
    while True:
        with suppress(Killed, InvalidInput):
            world.cancel_mail(ADMIN_CALLER, f"{number:032x}")
            return
        if world.mail(number).state is State.CANCELLED:
            return


def retry(world: OutboxWorld) -> None:
    while world.mail().state is State.FAILED:
        with suppress(Killed):
            world.retry_mail(ADMIN_CALLER, world.mail().id)


def work(world: OutboxWorld) -> None:
    """Workers come as the tick sends them, also where every mail has ended."""
    for _ in range(12):
        world.send_or_die()
        world.now += timedelta(minutes=20)


def leaves(world: OutboxWorld) -> None:
    ask(world)
    work(world)


def is_refused(world: OutboxWorld) -> None:
    world.storage.sender.answers = [("send", False, REFUSED)]
    ask(world)
    work(world)


def is_unknown(world: OutboxWorld) -> None:
    world.storage.sender.keeps_drafts = False
    world.storage.sender.answers = [("send", False, UNKNOWN)]
    ask(world)
    work(world)
    world.now += timedelta(days=2)
    work(world)


def is_cancelled(world: OutboxWorld) -> None:
    ask(world, send_at=world.now + timedelta(days=3))
    cancel(world)
    work(world)


def is_retried(world: OutboxWorld) -> None:
    is_refused(world)
    ask(world, 2, send_at=world.now + timedelta(days=3))
    retry(world)
    work(world)


def is_held(world: OutboxWorld) -> None:
    """Paused by an admin: what is due waits, and is told as held."""
    for number in (1, 2, 3):
        ask(world, number)
    again(world, lambda: rewrite(world.storage.mailboxes, world.mailbox, enabled=False))
    world.send_or_die()
    world.send_or_die()


OUTBOX: Final[dict[str, tuple[Callable[[OutboxWorld], None], State]]] = {
    "leaves": (leaves, State.CONFIRMED),
    "is refused": (is_refused, State.FAILED),
    "is unknown": (is_unknown, State.OUTCOME_UNKNOWN),
    "is cancelled": (is_cancelled, State.CANCELLED),
    "is retried": (is_retried, State.CONFIRMED),
    "is held": (is_held, State.HELD),
}


def followed(story: Callable[[OutboxWorld], None], number: int, then: str) -> OutboxWorld:
    world = OutboxWorld()
    mirror = Mirror(world)
    mirror.poll()
    KILLS[then](world.storage.faults, number)
    with held_up(world, number, mirror):
        story(world)
        world.send_or_die()
    mirror.poll()
    # Who was killed behind a copy's row has asked for the copy to be taken in, which tells of it.
    is_asked_for = any(isinstance(command, IngestMessages) for command, _ in world.storage.queue.sent)
    is_left_to_copy = bool(number) and then != "goes on" and is_asked_for
    for mail_id, state in standing(world).items():
        if state not in PASSING and not (state is State.CONFIRMED and is_left_to_copy):
            assert mirror.states[mail_id] is state, number
    assert not [mail for mail in world.storage.outbox.rows.values() if mail.untold]
    return world


@pytest.mark.parametrize("then", KILLS)
@pytest.mark.parametrize("name", OUTBOX)
def test_a_mail_s_end_or_wait_is_missed_by_no_reader(name: str, then: str) -> None:
    story, expected = OUTBOX[name]
    whole = followed(story, 0, "goes on")
    assert whole.mail().state is expected
    for number in range(1, len(whole.storage.faults.writes) + 1):
        followed(story, number, then)


def events_written(world: Any) -> int:
    return sum(name == "Events.append" for name in world.storage.faults.writes)


def test_a_mail_that_simply_leaves_costs_one_operation_for_its_copy() -> None:
    world = SentWorld()
    world.ask()
    item = world.deliver(**a_copy())
    world.storage.faults.clear()
    world.notify(item)
    # One tells of the entries, one of the mail.
    assert events_written(world) == 2
    assert "Outbox.told" not in world.storage.faults.writes
    told = [event.change for event in world.storage.events.of(TENANT) if event.change.outbox_id]
    assert [change.outbox_id for change in told] == [MAIL_ID]


def test_many_that_are_held_are_told_in_one() -> None:
    world = OutboxWorld()
    for number in range(1, 9):
        world.ask(number)
    rewrite(world.storage.mailboxes, world.mailbox, enabled=False)
    world.storage.faults.clear()
    world.send()
    assert events_written(world) == 1
    assert world.storage.faults.writes.count("Outbox.told") == 1
    assert {mail.state for mail in world.storage.outbox.rows.values()} == {State.HELD}


def test_a_cancellation_stands_though_it_could_not_be_told_and_is_told_later() -> None:
    world = OutboxWorld()
    mirror = Mirror(world)
    mirror.poll()
    world.ask(send_at=world.now + timedelta(days=3))
    world.storage.faults.named["Events.append"] = Unavailable("busy")
    world.cancel_mail(ADMIN_CALLER, world.mail().id)
    assert world.mail().state is State.CANCELLED
    with pytest.raises(Unavailable):
        world.send()
    world.storage.faults.clear()
    world.send()
    mirror.poll()
    assert mirror.states == {world.mail().id: State.CANCELLED}


@pytest.mark.parametrize("then", KILLS)
def test_a_sent_copy_and_a_report_about_it_are_missed_by_no_reader(then: str) -> None:
    def told(number: int) -> int:
        world = SentWorld()
        world.ask()
        items = [world.deliver(**a_copy()), world.deliver(**an_answer())]
        world.storage.faults.clear()
        mirror = Mirror(world)
        mirror.poll()
        KILLS[then](world.storage.faults, number)
        with held_up(world, number, mirror):
            for item in items:
                while True:
                    with suppress(Killed):
                        world.notify(item)
                        world.work()
                        break
                    world.restart()
        mirror.poll()
        assert mirror.states == standing(world) == {MAIL_ID: State.CONFIRMED}
        return len(world.storage.faults.writes)

    for number in range(1, told(0) + 1):
        told(number)


READ: Final[dict[str, Callable[[Any, str], Any]]] = {
    "dismiss": lambda world, notice_id: world.dismiss_notices(ANN, notice_id),
    "until": lambda world, notice_id: world.dismiss_notices.until(ANN, notice_id),
    "open": lambda world, notice_id: world.open_notice(ANN, notice_id),
}


@pytest.mark.parametrize("then", KILLS)
@pytest.mark.parametrize("way", ["dismiss", "until", "open"])
def test_a_notice_that_comes_and_is_read_is_missed_by_no_reader(way: str, then: str) -> None:
    def told(number: int) -> int:
        world = SentWorld()
        world.ask()
        world.notify(world.deliver(**a_copy()))
        item = world.deliver(**an_answer(in_reply_to=(MESSAGE_ID,)))
        world.storage.faults.clear()
        mirror = Mirror(world, ANN)
        mirror.poll()
        KILLS[then](world.storage.faults, number)
        with held_up(world, number, mirror):
            again(world, lambda: (world.notify(item), world.work()))
            mirror.poll()
            assert mirror.notices == listed(world, ANN) != ()
            notice_id = world.read_notices(ANN, limit=1, cursor="").notices[0].id
            again(world, lambda: READ[way](world, notice_id))
        mirror.poll()
        assert mirror.notices == listed(world, ANN) == ()
        return len(world.storage.faults.writes)

    for number in range(1, told(0) + 1):
        told(number)


@pytest.mark.parametrize("then", KILLS)
def test_a_case_that_opens_is_opened_again_or_is_taken_back_is_missed_by_no_reader(then: str) -> None:
    def told(number: int) -> int:
        office = DeskOffice({"closed": "reopen"})
        world = office.world
        item = world.deliver(DESK, sender="kim@x.example", to=(DESK,), message_id="first@x.example")
        answer = world.deliver(
            DESK,
            sender="kim@x.example",
            to=(DESK,),
            message_id="second@x.example",
            in_reply_to=("first@x.example",),
        )
        world.storage.faults.clear()
        mirror = Mirror(world)
        mirror.poll()
        KILLS[then](world.storage.faults, number)
        desk = office._mailboxes[DESK]
        with held_up(world, number, mirror):
            again(world, lambda: (world.notify(item, mailbox=desk), world.work()))
            mirror.poll()
            assert mirror.opened == opened(world) == {office.case.ref: "open"}
            again(world, lambda: office.close(office.case))
            again(world, lambda: (world.notify(answer, mailbox=desk), world.work()))
        mirror.poll()
        assert mirror.opened == opened(world) == {office.case.ref: "open"}
        return len(world.storage.faults.writes)

    for number in range(1, told(0) + 1):
        told(number)


def test_who_hears_of_a_mail_is_who_sees_it_in_the_outbox() -> None:
    world = OutboxWorld()
    begun = world.read_events(CRM, limit=10, after="").cursor
    later = world.now + timedelta(days=3)
    for number, (agent_id, by) in enumerate(
        [("ann-oid", "ann-oid"), ("ann-oid", "app:crm"), ("ben", "ben")], start=1
    ):
        world.ask(number, agent_id=agent_id, by=by, send_at=later)
    # An acknowledgement is its desk's.
    world.ask(4, agent_id="", by="postledger", purpose=ACKNOWLEDGED, send_at=later)
    for number in range(1, 5):
        cancel(world, number)
    ann = replace(ANN, oid="ann-oid")

    def heard(caller: Caller) -> set[int]:
        page = world.read_events(caller, limit=10, after=begun)
        return {int(event.change.outbox_id, 16) for event in page.events}

    assert heard(ann) == {1, 2, 4}
    assert heard(BEN) == {3}
    assert heard(CRM) == {2}
    assert heard(OTHER_APP) == set()
    assert heard(ADMIN_CALLER) == {1, 2, 3, 4}
