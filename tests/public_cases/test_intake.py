"""Mail to an intake mailbox: what becomes a case, whose it is, and what goes on with one."""

from datetime import timedelta

import pytest

from shared.domain.mail import codes
from shared.domain.records.records import Record
from tests.builders import CODE_KEYS, TENANT, a_record
from tests.public_cases.office import a_mail, reported
from tests.unit.services.intake.answering import WIDE, AnsweringOffice
from tests.unit.services.intake.desk import AGENT, BILLING, CHIEF, SERVICE

OTHER = "22222222-3333-4444-8555-666666666666"


def mails_of(number: int) -> list[bytes]:
    """The mails of a report, in order."""
    return reported(f"{number}-") or pytest.skip("the reports are not here")


def an_office(**settings: object) -> AnsweringOffice:
    return AnsweringOffice(limits=WIDE, **{"mark_read": True, **settings})


def a_client(office: AnsweringOffice, number: int) -> None:
    office.world.records(a_record("contact/C-1", addresses=(f"kim{number}@client{number}.example",)))


def entries(office: AnsweringOffice, case: Record) -> int:
    return len(office.timeline(str(case.ref)))


def in_answer(office: AnsweringOffice, raw: bytes) -> bytes:
    """A mail with the code and the Message-ID of the first acknowledgement filled in."""
    first = office.rows[0]
    assert first.code is not None
    filled = raw.replace(b"{{CODE}}", first.code.text.encode())
    return filled.replace(b"{{ACK_ID}}", f"<{first.message_id}>".encode())


def test_306_an_old_mail_that_a_colleague_drags_in_is_a_case_once() -> None:
    before, dragged = mails_of(306)
    office = an_office()
    long_ago = office.world.now - timedelta(days=95)
    office.receive(before, SERVICE)
    office.receive(dragged, AGENT, at=long_ago)
    item = office.receive(dragged, SERVICE, at=long_ago)
    case = office.cases()[-1]
    assert (len(office.cases()), entries(office, case)) == (2, 1)
    [entry] = office.timeline(str(case.ref))
    assert (entry.sender.address, entry.at) == ("kim306@client306.example", long_ago)
    assert case.opened_at is not None
    assert case.opened_at > long_ago + timedelta(days=90)
    for folder in ("archive-folder", "inbox-folder"):
        office.world.mail.move(SERVICE, item, folder)
        office.world.walk(office._mailboxes[SERVICE])
        office.world.work()
    assert (len(office.cases()), entries(office, case), len(office.left)) == (2, 1, 2)
    assert office.outcome(item, SERVICE)[0] == "filed"


def test_311_mail_of_the_days_in_which_a_mailbox_was_parked_is_all_read() -> None:
    first, *meanwhile = mails_of(311)
    office = an_office()
    office.receive(first, SERVICE)
    desk = office._mailboxes[SERVICE]
    office.world.walk(desk)
    office.world.rewrite(desk, name="no_access")
    for raw in meanwhile:
        office.world.now += timedelta(days=2)
        office.receive(raw, SERVICE)
    assert len(office.cases()) == 1
    office.world.rewrite(desk, name="ok")
    office.world.walk(desk)
    office.world.work()
    assert len(office.cases()) == len(office.left) == 3


@pytest.mark.parametrize("again", [False, True])
def test_319_a_group_of_ours_is_a_door_and_a_newsletter_is_a_list(again: bool) -> None:
    enquiry, newsletter = mails_of(319)
    office = an_office()
    a_client(office, 319)
    for mail in (enquiry, newsletter):
        office.receive(mail, SERVICE)
    assert (office.case.name, office.case.contacts) == ("Boiler 319", ("C-1",))
    assert [mail["To"].addresses[0].addr_spec for mail in office.left] == ["kim319@client319.example"]
    assert office.left[0]["From"] == SERVICE
    assert office.waiting() == ["no_match"]
    office.close(office.case)
    answer = enquiry.replace(b"<319.boiler@", b"<319.answer@").replace(
        b"MIME-Version", b"In-Reply-To: <319.boiler@client319.example>\r\nMIME-Version"
    )
    office.receive(answer if again else newsletter.replace(b"Message-ID: <", b"Message-ID: <2."), SERVICE)
    assert office.status(office.case) == ("open" if again else "closed")
    assert len(office.left) == 1


@pytest.mark.parametrize("first", [SERVICE, BILLING])
def test_320_two_doors_are_one_case_of_the_first_in_to(first: str) -> None:
    mail, reply = mails_of(320)
    office = an_office()
    office.open_desk(BILLING, {"type": "invoice"}, agent=CHIEF, mark_read=True)
    office.acknowledge(BILLING, limits=WIDE)
    boxes = (first, BILLING if first == SERVICE else SERVICE)
    for raw in (mail, reply):
        for box in boxes:
            office.receive(raw, box)
    assert (office.case.mailbox, office.case.type, office.case.owner) == (BILLING, "invoice", CHIEF)
    assert [left["From"] for left in office.left] == [BILLING]
    assert entries(office, office.case) == 2
    marked = sorted(address for address, _ in office.world.storage.marker.marked)
    assert marked == [BILLING, BILLING, SERVICE, SERVICE]
    records = office.world.storage.records.rows.values()
    assert [record for record in records if record.ref.kind == "contact"] == []


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)])
def test_321_a_form_with_one_message_id_is_a_case_for_each_enquiry(order: tuple[int, ...]) -> None:
    mails = mails_of(321)
    office = an_office()
    items = [office.receive(mails[number], SERVICE) for number in order]
    cases = sorted(office.cases(), key=lambda case: case.details)
    assert [case.details for case in cases] == [
        "Name: Kim\nThe boiler is cold. 321",
        "Name: Lou\nMay I see the flat? 321",
    ]
    assert [entries(office, case) for case in cases] == [1, 1]
    assert len(office.left) == 2
    assert len({office.stored(item, SERVICE).key for item in items}) == 2
    [message_id] = {office.stored(item, SERVICE).message_id for item in items}
    assert len(office.explained(message_id).sightings) == 3


@pytest.mark.parametrize("is_known", [True, False])
def test_322_a_colleague_s_forward_offers_whom_it_is_from(is_known: bool) -> None:
    forward, neighbour_s = mails_of(322)
    office = an_office()
    if is_known:
        a_client(office, 322)
    for mail in (forward, neighbour_s):
        office.receive(mail, SERVICE)
    first, second = office.cases()
    assert (first.contacts, second.contacts) == (("C-1",) if is_known else (), ())
    [entry] = office.timeline(str(first.ref))
    assert entry.sender.address.endswith("@harbour.example")
    assert [mail["To"].addresses[0].addr_spec for mail in office.left] == ["lou322@client322b.example"]
    assert "forwarded" in office.held()[0]
    [offered] = [mail for mail in office.rows if mail.error]
    assert [person.address for person in offered.to] == ["kim322@client322.example"]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)])
def test_323_answers_to_the_client_s_own_mail_are_on_its_case(order: tuple[int, ...]) -> None:
    mails = mails_of(323)
    office = an_office()
    for number in order:
        office.receive(mails[number], SERVICE)
    assert entries(office, office.case) == 3
    assert len(office.left) == 1


class Test324AVacationNoteOnAClosedCase:
    def closed(self, closed: str) -> tuple[AnsweringOffice, Record, bytes, bytes]:
        first, note, answer = mails_of(324)
        office = an_office(intake={"closed": closed})
        office.receive(first, SERVICE)
        case = office.case
        office.close(case)
        return office, case, in_answer(office, note), in_answer(office, answer)

    def stripped(self, note: bytes) -> bytes:
        """As Exchange passes it on: without the headers by which machines know each other."""
        lines = note.splitlines(keepends=True)
        return b"".join(
            line for line in lines if not line.startswith((b"Auto-Submitted", b"X-Auto-Response"))
        )

    @pytest.mark.parametrize("closed", ["reopen", "new", "file"])
    @pytest.mark.parametrize("is_stripped", [False, True])
    def test_the_note_stands_on_the_case_and_changes_nothing(self, closed: str, is_stripped: bool) -> None:
        office, case, note, _ = self.closed(closed)
        office.receive(self.stripped(note) if is_stripped else note, SERVICE)
        assert (office.status(case), len(office.cases()), len(office.rows)) == ("closed", 1, 1)
        assert [entry.automatic for entry in office.timeline(str(case.ref))] == ["", "auto_reply"]
        assert office.world.storage.notices.rows == {}

    def test_a_person_s_answer_opens_it_again(self) -> None:
        office, case, note, answer = self.closed("reopen")
        for mail in (note, answer, answer):
            office.receive(mail, SERVICE)
        assert (office.status(case), len(office.cases())) == ("open", 1)
        assert [entry.kind for entry in office.timeline(str(case.ref))] == ["synced", "reply", "reply"]

    def test_or_opens_exactly_one_that_goes_on_with_it(self) -> None:
        office, case, note, answer = self.closed("new")
        office.receive(note, SERVICE)
        item = office.receive(answer, SERVICE)
        for _ in range(10):
            office.world.notify(item, mailbox=office._mailboxes[SERVICE])
            office.world.walk(office._mailboxes[SERVICE])
            office.world.work()
        [other] = [found for found in office.cases() if found.ref != case.ref]
        assert (office.status(case), office.status(other)) == ("closed", "open")
        assert office.subjects(other) == [f"Re: Boiler 324 {office.rows[0].code.text}"]  # type: ignore[union-attr]
        # It stands on the old one, too: so each leads to the other.
        assert office.subjects(case)[-1] == office.subjects(other)[0]


def test_325_a_desk_that_answers_everything_is_answered_once() -> None:
    [mail] = mails_of(325)
    office = AnsweringOffice()
    for number in range(200):
        office.receive(mail.replace(b"{{N}}", str(number).encode()), SERVICE)
    assert len(office.left) == 1
    assert len(office.cases()) + len(office.waiting()) == 200
    assert office.world.storage.exceptions.rows == {}


def test_325_a_desk_that_answers_only_what_it_gets_is_met_by_silence() -> None:
    [mail] = mails_of(325)
    office, rounds = AnsweringOffice(), 0
    while rounds < 200:
        office.receive(mail.replace(b"{{N}}", str(rounds).encode()), SERVICE)
        rounds += 1
        if len(office.left) < rounds:
            break
    assert (rounds, len(office.left), len(office.cases())) == (2, 1, 2)


def test_325_a_flood_waits_in_one_line_and_keeps_nobody_waiting() -> None:
    [mail] = mails_of(325)
    office = AnsweringOffice()
    flood = mail.replace(b"desk325@partner325", b"flood325@partner325")
    for number in range(60):
        office.receive(flood.replace(b"{{N}}", str(number).encode()), SERVICE)
        office.world.now -= timedelta(seconds=55)
        if number == 40:
            office.enquire("kim@client.example", subject="Boiler")
    assert [case.name for case in office.cases()].count("Boiler") == 1
    assert (len(office.cases()), len(office.left), len(office.waiting())) == (21, 2, 40)
    [line] = office.lines(AGENT)
    assert (line.item.reason, line.item.sender.address, line.alike) == (
        "too_many",
        "flood325@partner325.example",
        40,
    )
    assert len(office.lines(AGENT, reason="too_many")) == 40


class Test329CodesThatDoNotBelongToTheSender:
    def office(self) -> AnsweringOffice:
        mails_of(329)
        office = an_office()
        office.receive(
            a_mail(
                "Kim Lee <kim329@client329.example>", SERVICE, "Boiler 329", message_id="<329.b@x.example>"
            ),
            SERVICE,
        )
        return office

    def of_lou(self, office: AnsweringOffice) -> list[Record]:
        return [case for case in office.cases() if not case.name.startswith("Boiler")]

    def test_a_stranger_with_a_code_waits_and_learns_nothing(self) -> None:
        office = self.office()
        office.receive(in_answer(office, mails_of(329)[0]), SERVICE)
        assert entries(office, office.case) == 1
        assert (office.waiting(), len(office.left)) == (["claims_code"], 1)

    def test_a_foreign_code_and_a_broken_one_are_a_stranger_s_cases(self) -> None:
        office = self.office()
        own = office.rows[0].code
        assert own is not None
        foreign = codes.issue(own.number, CODE_KEYS, OTHER, "PL").text
        broken = own.text[:-1] + ("2" if own.text[-1] != "2" else "3")
        office.receive(mails_of(329)[1].replace(b"{{OTHER}}", foreign.encode()), SERVICE)
        office.receive(mails_of(329)[2].replace(b"{{BAD}}", broken.encode()), SERVICE)
        assert [entries(office, case) for case in self.of_lou(office)] == [1, 1]
        for mail in office.left[1:]:
            [code] = codes.find(mail["Subject"], CODE_KEYS, TENANT).codes
            assert code.text != own.text
            assert mail["Subject"].endswith(f"[{code.text}]")
            assert "Boiler" not in str(mail)

    def test_the_code_of_a_merged_case_leads_to_the_one_that_remains(self) -> None:
        office = self.office()
        old = office.case
        office.world.rename_record(TENANT, old.ref, "CASE-7")
        office.world.work()
        office.receive(in_answer(office, mails_of(329)[3]), SERVICE)
        remains = office.case
        assert (remains.ref.id, entries(office, remains), len(office.left)) == ("CASE-7", 2, 1)


@pytest.mark.parametrize(
    "fields",
    [{"summary": "{subject}"}, {"summary": "", "details": "{text}"}, {"name": "{% if 0 %}x{% endif %}"}],
)
def test_330_mail_with_nothing_to_read_is_a_case_with_a_name(fields: dict[str, str]) -> None:
    office = an_office(intake={"fields": fields})
    for mail in mails_of(330):
        office.receive(mail, SERVICE)
    photo, signed, invitation, picture = office.cases()
    assert photo.name == photo.summary == "(no subject) from Kim Lee"
    assert photo.details.startswith("The mail has no text. Attached:")
    assert "The key of the cellar is lost. 330" in signed.details
    assert invitation.name == "Handover 330"
    assert invitation.details.startswith("Invitation: ")
    assert {"From: ", "Place: "} <= {line[: line.find(": ") + 2] for line in invitation.details.splitlines()}
    assert picture.details == "The mail is a picture without text. Open the mail to see it."
    assert len(office.left) == 4
    assert office.world.storage.exceptions.rows == {}
