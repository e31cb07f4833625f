"""A case is acknowledged once, to who asked, in the language that was written; what is held back is shown."""

from datetime import timedelta

import pytest

from shared.domain.connections.fields import Fields
from shared.domain.errors import Unknown, WrongState
from shared.domain.filing.filing import ACKNOWLEDGED
from shared.domain.mail import codes
from shared.domain.sending.states import State
from tests.builders import CODE_KEYS, TENANT, a_record
from tests.unit.services.intake.answering import WIDE, AnsweringOffice
from tests.unit.services.intake.desk import AGENT, BILLING, CHIEF, OWN, SERVICE, DeskOffice, a_mail

THIRD = f"third@{OWN}"


def test_a_case_is_acknowledged_in_its_thread_from_the_mailbox_with_a_code() -> None:
    office = AnsweringOffice()
    office.enquire(
        "Kim Lee <kim@x.example>", subject="Re: Boiler", cc="other@x.example", message_id="<a@x.example>"
    )
    [mail] = office.left
    assert (mail["From"], mail["To"], mail["Cc"]) == (SERVICE, "Kim Lee <kim@x.example>", None)
    assert (mail["In-Reply-To"], mail["References"]) == ("<a@x.example>", "<a@x.example>")
    assert mail["X-Auto-Response-Suppress"] == "All"
    [code] = codes.find(mail["Subject"], CODE_KEYS, TENANT).codes
    assert mail["Subject"] == f"We have it: Boiler [{code.text}]"
    assert office.world.storage.codes.get_many(TENANT, [code.number])[code.number] == (office.case.ref,)
    body = mail.get_body(("plain",))
    assert body is not None
    assert body.get_content().startswith(f"Dear Kim Lee, Boiler is {office.case.ref.id}.")
    [row] = office.rows
    assert (row.purpose, row.agent, row.by) == (ACKNOWLEDGED, AGENT, "postledger")


def test_it_is_sent_once_however_often_the_mail_is_written_and_not_for_answers() -> None:
    office = AnsweringOffice(limits=WIDE)
    item = office.enquire("kim@x.example", message_id="<a@x.example>")
    office.world.notify(item, mailbox=office._mailboxes[SERVICE])
    office.world.work()
    office.enquire(
        "kim@x.example", subject="Re: Hello", in_reply_to="<a@x.example>", message_id="<b@x.example>"
    )
    assert (len(office.rows), len(office.cases())) == (1, 1)


def test_nothing_is_sent_until_a_template_is_saved_nor_while_it_is_off() -> None:
    office = DeskOffice()
    office.enquire("kim@x.example")
    off = AnsweringOffice()
    standing = off.world.storage.acknowledgements.get(TENANT, off._mailboxes[SERVICE].mailbox_id)
    assert standing is not None
    off.world.storage.acknowledgements.save(
        TENANT, off._mailboxes[SERVICE].mailbox_id, standing.changed(Fields({"enabled": False}))
    )
    off.enquire("kim@x.example")
    assert (office.world.storage.outbox.rows, off.rows) == ({}, [])


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"x_auto_response_suppress": "All"}, "asks for no automatic answer"),
        ({"x_loop": "a"}, "asks for no automatic answer"),
    ],
)
def test_what_wants_no_answer_is_held_back_with_the_reason(headers: dict[str, str], says: str) -> None:
    office = AnsweringOffice()
    office.enquire("kim@x.example", **headers)
    assert (len(office.cases()), len(office.left)) == (1, 0)
    assert says in office.held()[0]


def test_a_colleague_s_forward_is_answered_to_nobody_by_itself() -> None:
    office = AnsweringOffice()
    office.enquire(
        AGENT, subject="FW: Boiler", text="See below.\n\nFrom: Kim Lee <kim@x.example>\nSent: Monday\n\nCold."
    )
    [row] = office.rows
    assert (row.state, [person.address for person in row.to]) == (State.CANCELLED, ["kim@x.example"])
    assert office.left == []


def test_history_that_had_waited_is_not_answered() -> None:
    office = AnsweringOffice()
    item = office.world.deliver(SERVICE, sender="kim@x.example", to=(SERVICE,))
    office.world.notify(item, mailbox=office._mailboxes[SERVICE], unbounded=True)
    office.world.work()
    assert "before the mailbox was connected" in office.held()[0]


def test_two_mailboxes_and_a_responder_face_each_other_for_200_rounds_and_get_one_answer_each() -> None:
    """The responder answers whatever reaches it, and writes to both in any case; each mailbox gets the other's mail."""
    office = AnsweringOffice()
    office.open_desk(BILLING)
    office.acknowledge(BILLING)
    for number in range(200):
        desk, other = (SERVICE, BILLING) if number % 2 else (BILLING, SERVICE)
        before = len(office.left)
        office.enquire(
            "away@partner.example",
            desk,
            in_box=desk,
            subject=f"I am away, ticket {number}",
            message_id=f"<t{number}@partner.example>",
        )
        for raw in office.world.storage.sender.outbound[before:]:
            office.receive(raw, other)
    assert [mail["From"] for mail in office.left] == [BILLING, SERVICE]
    assert all(case.name.startswith("I am away") for case in office.cases())
    # A minute lies between two rounds: of each hour's mails the first twenty are cases, the others wait.
    assert set(office.waiting()) == set(office.waiting(BILLING)) == {"too_many"}
    assert office.world.storage.exceptions.rows == {}


def test_the_sent_copy_stands_on_the_case_as_an_acknowledgement() -> None:
    office = AnsweringOffice()
    office.world.records(a_record("contact/C-1", addresses=("kim@x.example",)))
    office.enquire("kim@x.example", message_id="<a@x.example>")
    raw = office.world.storage.sender.outbound[0]
    office.receive(raw, SERVICE, "sentitems")
    assert [entry.kind for entry in office.timeline(str(office.case.ref))] == ["synced", "acknowledgement"]
    assert len(office.timeline()) == 2


def test_an_agent_of_the_mailbox_sends_what_was_held_back() -> None:
    office = AnsweringOffice()
    office.enquire("kim@x.example", x_loop="a")
    [row] = office.rows
    office.retry(row.id)
    assert len(office.left) == 1


def test_a_mail_that_is_forwarded_by_the_group_is_answered_to_who_wrote() -> None:
    office = AnsweringOffice()
    office.receive(a_mail("kim@x.example", SERVICE, reply_to=SERVICE), SERVICE)
    assert [str(mail["To"]) for mail in office.left] == ["kim@x.example"]


@pytest.mark.parametrize("sender", ["noreply@x.example", "no-reply@x.example", "MAILER-DAEMON@x.example"])
def test_senders_that_read_no_answers_get_none(sender: str) -> None:
    office = AnsweringOffice()
    office.enquire(sender, subject="Your invoice")
    assert office.left == []


@pytest.mark.parametrize(
    "headers",
    [
        {"precedence": "bulk"},
        {"list_id": "<news.vendor.example>"},
        {"auto_submitted": "auto-generated"},
        {"return_path": "<>"},
    ],
)
def test_lists_and_machines_get_none(headers: dict[str, str]) -> None:
    office = AnsweringOffice()
    office.enquire("kim@x.example", **headers)
    assert (office.left, office.rows) == ([], [])


def test_nobody_is_written_to_who_is_never_logged_or_erased_or_one_of_us() -> None:
    office = AnsweringOffice(limits=WIDE)
    office.world.configure(own_domains=(OWN,), never_log=("quiet@x.example",))
    office.enquire("kim@x.example", subject="One", reply_to="quiet@x.example")
    office.world.ask_erasure(TENANT, "gone@x.example", "admin")
    office.enquire("kim@x.example", subject="Two", reply_to="gone@x.example")
    office.enquire("gone@x.example", subject="Three")
    office.enquire("quiet@x.example", subject="Four")
    office.enquire(f"website@{OWN}", subject="Five", reply_to=SERVICE)
    people = {person.address for mail in office.rows for person in mail.to}
    assert people <= {"kim@x.example"}
    assert {case.name for case in office.cases()} & {"Three", "Four"} == set()


def test_the_organisation_s_limit_holds_for_all_senders_together() -> None:
    office = AnsweringOffice(limits={"organisation_an_hour": 3})
    for number in range(5):
        office.enquire(f"kim{number}@x.example", subject=f"Mail {number}")
    assert (len(office.cases()), len(office.left), len(office.held())) == (5, 3, 2)
    office.world.now += timedelta(hours=1)
    office.enquire("kim9@x.example", subject="Later")
    assert len(office.left) == 4


def test_what_was_held_back_is_sent_once_and_by_agents_of_the_mailbox_alone() -> None:
    office = AnsweringOffice(agents=(AGENT, CHIEF))
    office.connect(THIRD)
    office.enquire("kim@x.example", x_loop="a")
    [row] = office.rows
    with pytest.raises(Unknown):
        office.retry(row.id, THIRD)
    office.retry(row.id, CHIEF)
    with pytest.raises(WrongState):
        office.retry(row.id, AGENT)
    assert len(office.left) == 1
