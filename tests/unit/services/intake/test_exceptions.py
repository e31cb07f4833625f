"""Each step of an intake mailbox has its own exception, and a replay ends in one case, marked and acknowledged once."""

import pytest

from shared.domain.commands.advice import ADVICE
from shared.domain.errors import UNREADABLE_MAIL, AccessDenied, PermanentError, Rejected, Unreadable
from shared.domain.filing.filing import ACKNOWLEDGED
from shared.domain.mail.items import ItemRef
from shared.ports.stores.exceptions import Failure
from tests.builders import TENANT
from tests.unit.services.intake.answering import AnsweringOffice
from tests.unit.services.intake.desk import SERVICE

TOO_LARGE = Rejected("The row is too large.", "RowTooLarge")


def an_office(**settings: object) -> AnsweringOffice:
    return AnsweringOffice(**{"mark_read": True, **settings})


def failures(office: AnsweringOffice) -> list[Failure]:
    rows = office.world.storage.exceptions.rows.values()
    return [row for row in rows if row.tenant_id == TENANT and row.replayed_at is None]


def a_mail_that_meets(office: AnsweringOffice, **faults: PermanentError) -> ItemRef:
    """A mail comes while operations of storage fail."""
    item = office.world.deliver(
        SERVICE, sender="kim@x.example", to=(SERVICE,), subject="Boiler", text="Cold."
    )
    for name, error in faults.items():
        office.world.storage.faults.named[name.replace("_", ".", 1)] = error
    office.world.notify(item, mailbox=office._mailboxes[SERVICE])
    office.world.work()
    office.world.storage.faults.clear()
    return item


def replayed(office: AnsweringOffice) -> None:
    """All exceptions are put back, twice each, and worked off; then everything stands, once."""
    for failure in failures(office):
        for _ in range(2):
            office.world.replay_exception(TENANT, failure.id)
        office.world.work()
    assert failures(office) == []
    assert [case.name for case in office.cases()] == ["Boiler"]
    assert len(office.timeline(str(office.case.ref))) == 1
    assert [mail.purpose for mail in office.rows] == [ACKNOWLEDGED]
    assert len(office.left) == 1
    assert [address for address, _ in office.world.storage.marker.marked] == [SERVICE]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unreadable("It breaks a parser.", UNREADABLE_MAIL), UNREADABLE_MAIL),
        (Rejected("The mail has no date.", "NoDate"), "NoDate"),
    ],
)
def test_a_mail_that_cannot_be_fetched(error: PermanentError, code: str) -> None:
    office = an_office()
    item = office.world.deliver(SERVICE, sender="kim@x.example", to=(SERVICE,), subject="Boiler")
    office.world.mail.failing[item] = error
    office.world.notify(item, mailbox=office._mailboxes[SERVICE])
    office.world.work()
    [failure] = failures(office)
    assert (failure.code, failure.item, office.cases()) == (code, item, [])
    assert code in ADVICE
    office.world.mail.failing.clear()
    replayed(office)


def test_a_case_that_cannot_be_written() -> None:
    office = an_office()
    item = a_mail_that_meets(office, Records_put_many=TOO_LARGE)
    [failure] = failures(office)
    assert (failure.code, failure.item, office.cases(), office.rows) == ("CaseNotOpened", item, [], [])
    assert "The row is too large." in failure.error
    assert "the case is opened once" in ADVICE[failure.code]
    replayed(office)


def test_a_template_that_cannot_be_filled_leaves_the_case_without_it() -> None:
    office = an_office(intake={"fields": {"owner": "{text}", "details": "{text}!"}})
    a_mail_that_meets(office)
    [failure] = failures(office)
    assert (failure.code, office.case.details) == ("IntakeTemplate", "Cold.!")
    assert "mend the template" in ADVICE[failure.code]
    replayed(office)


def test_a_mark_that_is_refused_leaves_the_case_and_comes_with_the_replay() -> None:
    office = an_office()
    office.world.storage.marker.refuses = AccessDenied("no", "ErrorAccessDenied")
    a_mail_that_meets(office)
    [failure] = failures(office)
    assert (failure.code, len(office.cases())) == ("MarkReadRefused", 1)
    assert "Mail.ReadWrite" in ADVICE[failure.code]
    office.world.storage.marker.refuses = None
    replayed(office)


def test_an_acknowledgement_that_cannot_be_made_leaves_the_case_and_comes_with_the_replay() -> None:
    office = an_office()
    a_mail_that_meets(office, Outbox_add=TOO_LARGE)
    [failure] = failures(office)
    assert (failure.code, len(office.cases()), office.rows) == ("AcknowledgementFailed", 1, [])
    assert "nobody was told so" in ADVICE[failure.code]
    replayed(office)


def test_each_step_has_a_code_of_its_own() -> None:
    steps = [UNREADABLE_MAIL, "CaseNotOpened", "IntakeTemplate", "MarkReadRefused", "AcknowledgementFailed"]
    assert len({ADVICE[code] for code in steps}) == len(steps)
