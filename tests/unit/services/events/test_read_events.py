"""Who hears of what: everybody of filed mail, an agent of the own My Inbox, and of a Bcc whoever's mailbox shows it."""

from datetime import timedelta
from typing import Any, Final

import pytest

from shared.domain.errors import Forbidden, InvalidInput, NotKept
from shared.domain.events.events import Change, Event, What
from shared.domain.filing.announcing import MOST_MAILBOXES
from shared.domain.privacy.callers import ADMIN, AGENT, OPERATOR, SERVICE, Caller
from shared.services.capture.scopes import hasher_of
from shared.services.filing.inbox import Wanted
from tests.builders import AGENT as ADDRESS
from tests.builders import HASH_KEY, TENANT, a_record, a_ref
from tests.unit.services.world import World

SECOND: Final = "second@contoso.example"
OTHER: Final = "0f0e0d0c-0b0a-4908-8706-050403020100"
ANN: Final = Caller(TENANT, frozenset({AGENT}), oid="ann", address=ADDRESS)
BEN: Final = Caller(TENANT, frozenset({AGENT, ADMIN}), oid="ben", address=SECOND)
CRM: Final = Caller(TENANT, frozenset({SERVICE}), client_id="crm", app_only=True)
HIDDEN: Final = "hidden@fabrikam.example"


class Office(World):
    """Two agents, a contact, and one to whom mail goes by Bcc."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rewrite(capture="everything")
        self.second = self.connect(SECOND, capture="everything")
        self.records(a_record(), a_record("contact/C-2", addresses=(HIDDEN,)))
        self.begun = self.read_events(CRM, limit=50, after="").cursor

    def heard(self, caller: Caller, limit: int = 50) -> list[tuple[str, str]]:
        page = self.read_events(caller, limit=limit, after=self.begun)
        return [(event.change.what.value, str(event.change.ref or "")) for event in page.events]

    def by_bcc(self) -> str:
        """A mail of Ann's to Ben, and by Bcc to a contact; it lies in both mailboxes."""
        mail = {"sender": ADDRESS, "to": (SECOND,), "message_id": "bcc@contoso.example"}
        sent = self.deliver(ADDRESS, "sentitems", **mail, bcc=(HIDDEN,))
        received = self.deliver(SECOND, **mail)
        self.notify(sent)
        self.notify(received, mailbox=self.second)
        self.work()
        return hasher_of(HASH_KEY, TENANT).message_id("bcc@contoso.example")


def test_everybody_hears_of_a_filed_mail() -> None:
    office = Office()
    office.notify(office.deliver())
    for caller in (ANN, BEN, CRM):
        assert office.heard(caller) == [("entry_added", "contact/C-1")]


def test_of_my_inbox_only_its_agent_hears() -> None:
    office = Office()
    office.notify(office.deliver(sender="stranger@adatum.example", message_id="1@adatum.example"))
    assert office.heard(ANN) == [("inbox_added", "")]
    assert office.heard(BEN) == office.heard(CRM) == []


def test_a_decision_is_heard_by_both_in_whose_inbox_the_mail_was_and_its_entry_by_all() -> None:
    office = Office()
    mail = {"sender": "s@adatum.example", "message_id": "1@adatum.example", "to": (ADDRESS, SECOND)}
    office.notify(office.deliver(**mail))
    office.notify(office.deliver(SECOND, **mail), mailbox=office.second)
    key = hasher_of(HASH_KEY, TENANT).message_id("1@adatum.example")
    office.decide(ANN, key, Wanted("link", (a_ref("contact/C-1"),)))
    office.work()
    for caller in (ANN, BEN):
        assert {("inbox_removed", ""), ("entry_added", "contact/C-1")} <= set(office.heard(caller))
    assert office.heard(CRM) == [("entry_added", "contact/C-1")]
    office.undo_decision(ANN, key)
    office.work()
    assert office.heard(CRM)[-1] == ("entry_removed", "contact/C-1")


def unlinked(office: Office, key: str) -> None:
    office.unlink_message(ANN, key, a_ref("contact/C-2"))


def erased(office: Office, key: str) -> None:
    office.ask_erasure(TENANT, HIDDEN, "admin")


@pytest.mark.parametrize("goes", [unlinked, erased])
def test_an_entry_by_bcc_is_told_to_its_sender_alone_also_when_it_goes(goes: Any) -> None:
    office = Office()
    goes(office, office.by_bcc())
    office.work()
    told = {("entry_added", "contact/C-2"), ("entry_removed", "contact/C-2")}
    assert told <= set(office.heard(ANN))
    assert not told & {*office.heard(BEN), *office.heard(CRM)}


def test_an_entry_by_bcc_that_a_merge_moves_is_told_to_its_sender_alone() -> None:
    office = Office()
    office.by_bcc()
    office.records(a_record("contact/C-3", addresses=()))
    office.merge_contacts(TENANT, a_ref("contact/C-2"), a_ref("contact/C-3"))
    office.work()
    moved = {("entry_added", "contact/C-3"), ("entry_removed", "contact/C-2")}
    assert moved <= set(office.heard(ANN))
    assert not moved & {*office.heard(BEN), *office.heard(CRM)}


def test_neither_the_length_of_a_page_nor_its_cursor_tells_of_what_is_hidden() -> None:
    office = Office()
    for number in range(6):
        sender = {"sender": "stranger@adatum.example"} if number % 2 else {}
        office.notify(office.deliver(message_id=f"{number}@adatum.example", **sender))
        office.now += timedelta(seconds=1)
    page = office.read_events(CRM, limit=2, after=office.begun)
    assert (len(page.events), page.has_more) == (2, True)
    rest = office.read_events(CRM, limit=2, after=page.cursor)
    assert (len(rest.events), rest.has_more) == (1, False)
    whole = office.read_events(CRM, limit=50, after=office.begun)
    assert (whole.events, whole.cursor) == (page.events + rest.events, rest.cursor)


def test_another_organisation_hears_nothing_and_an_operator_may_not_ask() -> None:
    office = Office()
    office.notify(office.deliver())
    stranger = Caller(OTHER, frozenset({AGENT, ADMIN}), oid="ann", address=ADDRESS)
    assert office.heard(stranger) == []
    with pytest.raises(Forbidden):
        office.heard(Caller(TENANT, frozenset({OPERATOR}), client_id="operator", app_only=True))


@pytest.mark.parametrize(("days", "retention"), [(30, 0), (10, 10)])
def test_a_cursor_that_is_too_old_is_refused_with_what_to_do(days: int, retention: int) -> None:
    office = Office()
    office.configure(retention_days=retention)
    office.notify(*(office.deliver(message_id=f"{number}@fabrikam.example") for number in range(4)))
    within = office.read_events(ANN, limit=2, after=office.begun).cursor
    office.now += timedelta(days=days, hours=-1)
    assert office.heard(ANN)
    office.now += timedelta(hours=2)
    for cursor in (office.begun, within):
        with pytest.raises(NotKept, match="read the timelines"):
            office.read_events(ANN, limit=50, after=cursor)


@pytest.mark.parametrize("foreign", ["x", "69a554ac-x", "69a554ac-fg"])
def test_a_foreign_cursor_is_refused(foreign: str) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        Office().read_events(ANN, limit=50, after=foreign)


def test_old_days_are_forgotten_at_night_and_no_cursor_leads_there() -> None:
    office = Office()
    office.notify(office.deliver())
    office.now += timedelta(days=20)
    office.notify(office.deliver(message_id="later@fabrikam.example"))
    office.now += timedelta(days=11)
    office.queue_forgetting()
    office.work()
    assert [event.at.day for event in office.storage.events.of(TENANT)] == [
        (office.now - timedelta(days=11)).day
    ]


def test_more_than_a_page_of_old_events_is_forgotten_page_by_page() -> None:
    office = Office()
    change = Change(What.ENTRY_ADDED, "k", "e", a_ref("contact/C-1"))
    events = [Event(f"{number:05}", office.now, change) for number in range(2_500)]
    office.storage.events.append(TENANT, events)
    office.now += timedelta(days=32)
    office.queue_forgetting()
    office.work()
    assert office.storage.events.of(TENANT) == []
    assert office.storage.faults.writes.count("Events.forget") == 3


def test_a_mail_that_waits_with_very_many_agents_is_told_to_all(monkeypatch: Any) -> None:
    monkeypatch.setattr("shared.domain.filing.announcing.MOST_MAILBOXES", 1)
    office = Office()
    mail = {"sender": "s@adatum.example", "message_id": "1@adatum.example", "to": (ADDRESS, SECOND)}
    office.notify(office.deliver(**mail))
    office.notify(office.deliver(SECOND, **mail), mailbox=office.second)
    assert ("inbox_added", "") in office.heard(ANN)
    assert ("inbox_added", "") in office.heard(BEN)
    # 32 characters each and a comma, two bytes a character: a column takes 64 KiB.
    assert MOST_MAILBOXES * 33 * 2 < 64 * 1024
