"""Mail of intake mailboxes is marked as read once its case stands; nothing rests on the mark."""

from contextlib import suppress

import pytest

from shared.domain.errors import AccessDenied, NotFound, Unavailable
from tests.builders import TENANT
from tests.fakes import Killed
from tests.unit.services.intake.desk import AGENT, BILLING, SERVICE, DeskOffice, a_mail


def an_office(**settings: object) -> DeskOffice:
    return DeskOffice(**{"mark_read": True, **settings})


def marked(office: DeskOffice) -> list[str]:
    return [address for address, _ in office.world.storage.marker.marked]


def test_a_mail_is_marked_once_its_case_stands_and_only_in_intake_mailboxes() -> None:
    office = an_office()
    office.enquire("kim@x.example", cc=AGENT, message_id="<a@x.example>")
    office.receive(a_mail("kim@x.example", SERVICE, cc=AGENT, message_id="<a@x.example>"), AGENT)
    assert marked(office) == [SERVICE]
    assert office.world.worklist() == []


def test_both_copies_at_two_doors_are_marked() -> None:
    office = an_office()
    office.open_desk(BILLING, mark_read=True)
    for box in (SERVICE, BILLING):
        office.receive(a_mail("kim@x.example", BILLING, cc=SERVICE, message_id="<a@x.example>"), box)
    assert sorted(marked(office)) == [BILLING, SERVICE]


def test_what_waits_is_not_marked_nor_is_anything_where_that_is_not_wanted() -> None:
    office = an_office(unmatched="inbox")
    office.enquire("kim@x.example")
    other = an_office(mark_read=False)
    other.enquire("kim@x.example")
    assert (marked(office), marked(other)) == ([], [])


def test_a_notification_of_our_own_mark_opens_and_marks_nothing() -> None:
    office = an_office()
    item = office.enquire("kim@x.example")
    office.world.notify(item, mailbox=office._mailboxes[SERVICE])
    office.world.work()
    assert (len(office.cases()), marked(office)) == (1, [SERVICE])


@pytest.mark.parametrize("number", range(1, 14))
def test_a_worker_that_is_killed_anywhere_leaves_one_case_and_a_mark(number: int) -> None:
    office = an_office()
    item = office.world.deliver(SERVICE, sender="kim@x.example", to=(SERVICE,))
    office.world.storage.faults.clear()
    office.world.storage.faults.kill_after(number)
    with suppress(Killed):
        office.world.notify(item, mailbox=office._mailboxes[SERVICE])
    office.world.storage.faults.clear()
    # Whoever held the mailbox is gone; its command comes back, and the tick finds what it has left.
    office.world.storage.leases.held.clear()
    office.world.notify(item, mailbox=office._mailboxes[SERVICE])
    office.world.work()
    assert len(office.cases()) == 1
    assert set(marked(office)) == {SERVICE}


def test_without_the_right_the_case_stands_and_one_exception_says_what_to_grant() -> None:
    office = an_office()
    office.world.storage.marker.refuses = AccessDenied("no", "ErrorAccessDenied")
    for number in range(3):
        office.enquire("kim@x.example", subject=f"Mail {number}")
    assert len(office.cases()) == 3
    [failure] = [row for row in office.world.storage.exceptions.rows.values() if row.tenant_id == TENANT]
    assert failure.code == "MarkReadRefused"


def test_a_mail_that_is_gone_is_passed_over_and_a_busy_server_is_asked_again() -> None:
    office = an_office()
    office.world.storage.marker.refuses = NotFound("gone")
    office.enquire("kim@x.example")
    assert office.world.storage.exceptions.rows == {}
    office.world.storage.marker.refuses = None
    office.world.storage.marker.fail = Unavailable("busy")
    office.enquire("kim@x.example", subject="Later")
    assert marked(office) == [SERVICE]
