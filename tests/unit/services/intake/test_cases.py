"""Mail to an intake mailbox becomes cases: exactly one for each enquiry, whoever writes, by whichever way."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import TENANT, a_record
from tests.unit.services.intake.desk import AGENT, BILLING, CHIEF, OWN, SERVICE, DeskOffice, a_mail, caller_of

ALIAS = f"repairs@{OWN}"
GROUP = f"service-group@{OWN}"
PRIVATE = {"sensitivity": "Private"}


def an_office(**settings: Any) -> DeskOffice:
    office = DeskOffice(**{"aliases": (ALIAS,), **settings})
    office.world.records(
        a_record("contact/C-1", addresses=("known@client.example",), client="CL-1"),
        a_record("client/CL-1", domains=("client.example",)),
    )
    return office


@pytest.mark.parametrize(
    ("sender", "to", "more"),
    [
        pytest.param("who@stranger.example", SERVICE, {}, id="a stranger"),
        pytest.param("known@client.example", SERVICE, {}, id="a known contact"),
        pytest.param("new@client.example", SERVICE, {}, id="somebody at a client's domain"),
        pytest.param(CHIEF, SERVICE, {}, id="a colleague"),
        pytest.param(AGENT, SERVICE, {}, id="an agent of the mailbox"),
        pytest.param("who@stranger.example", SERVICE, PRIVATE, id="marked private"),
        pytest.param("who@stranger.example", "other@elsewhere.example", {}, id="by Bcc"),
        pytest.param("who@stranger.example", ALIAS, {}, id="to an alias"),
        pytest.param("who@stranger.example", GROUP, {}, id="to a distribution group"),
        pytest.param(
            "who@stranger.example",
            GROUP,
            {"list_id": f"<service-group.{OWN}>", "precedence": "list"},
            id="by a list address of our own",
        ),
        pytest.param(AGENT, SERVICE, {"subject": "FW: Boiler"}, id="forwarded by a person"),
    ],
)
def test_each_mail_to_an_intake_mailbox_is_exactly_one_case(
    sender: str, to: str, more: dict[str, str]
) -> None:
    office = an_office()
    mail = a_mail(sender, to, **{"subject": "Boiler", **more}, message_id="<a@x.example>")
    office.receive(mail, SERVICE)
    office.receive(mail, SERVICE)
    assert len(office.cases()) == 1
    assert len(office.timeline(str(office.case.ref))) == 1


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"list_id": "<news.vendor.example>", "precedence": "bulk"}, "no_match"),
        ({"auto_submitted": "auto-generated"}, "no_match"),
    ],
)
def test_what_no_person_wrote_waits_with_the_agents(headers: dict[str, str], reason: str) -> None:
    office = an_office()
    office.enquire("news@vendor.example", **headers)
    assert (office.cases(), office.waiting()) == ([], [reason])


def test_a_case_says_where_from_and_what() -> None:
    office = an_office(intake={"type": "enquiry"})
    office.enquire("Known <known@client.example>", ALIAS, subject="Re: Boiler", text="It is cold.\n> Hello")
    case = office.case
    assert (case.name, case.summary, case.details) == ("Boiler", "Boiler", "It is cold.\n> Hello")
    assert (case.contacts, case.client, case.owner) == (("C-1",), "CL-1", AGENT)
    assert (case.mailbox, case.sent_to, case.type) == (SERVICE, ALIAS, "enquiry")
    assert case.opened_at is not None
    assert len(office.timeline()) == len(office.timeline("client/CL-1")) == 1


def test_the_first_route_in_to_then_cc_then_bcc_wins() -> None:
    routes = [
        {"to": ALIAS, "type": "repair", "owner": CHIEF, "client": "CL-9"},
        {"to": GROUP, "opens": "opportunity", "type": "sale"},
    ]
    office = an_office(intake={"type": "enquiry", "routes": routes})
    office.enquire("a@x.example", SERVICE, subject="Plain")
    office.enquire("b@x.example", ALIAS, subject="Repair", cc=GROUP)
    office.enquire("c@x.example", "d@elsewhere.example", subject="Sale", cc=GROUP)
    plain, repair = office.cases()
    [sale] = office.cases("opportunity")
    assert (plain.type, repair.type, sale.type) == ("enquiry", "repair", "sale")
    assert (repair.owner, repair.client, plain.owner) == (CHIEF, "CL-9", AGENT)
    assert (plain.sent_to, repair.sent_to, sale.sent_to) == (SERVICE, ALIAS, GROUP)


@pytest.mark.parametrize("first", [SERVICE, BILLING])
def test_one_mail_at_two_doors_is_one_case_by_the_first_in_to(first: str) -> None:
    office = an_office()
    office.open_desk(BILLING, {"type": "invoice"}, agent=CHIEF)
    mail = a_mail("kim@x.example", BILLING, "Wrong invoice", cc=SERVICE, message_id="<a@x.example>")
    for box in (first, BILLING if first == SERVICE else SERVICE):
        office.receive(mail, box)
    assert (office.case.type, office.case.mailbox, office.case.owner) == ("invoice", BILLING, CHIEF)
    assert len(office.timeline(str(office.case.ref))) == 1


def test_answers_stand_on_the_case_and_an_equal_subject_is_another_one() -> None:
    office = an_office()
    office.enquire(subject="Boiler", message_id="<a@x.example>")
    office.enquire("chief@client.example", subject="Re: Boiler", in_reply_to="<a@x.example>")
    office.enquire(subject="Boiler", message_id="<b@x.example>")
    first, second = office.cases()
    assert (office.subjects(first), office.subjects(second)) == (["Boiler", "Re: Boiler"], ["Boiler"])


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)])
def test_a_thread_that_never_saw_our_code_is_one_case_in_any_order(order: tuple[int, ...]) -> None:
    office = an_office()
    mails = [
        a_mail("kim@x.example", SERVICE, "Boiler", cc="boss@x.example", message_id="<a@x.example>"),
        a_mail(
            "boss@x.example",
            SERVICE,
            "Re: Boiler",
            cc="kim@x.example",
            in_reply_to="<a@x.example>",
            message_id="<b@x.example>",
        ),
        a_mail(
            "kim@x.example", SERVICE, "Re: Boiler", in_reply_to="<a@x.example>", message_id="<c@x.example>"
        ),
    ]
    for number in order:
        office.receive(mails[number], SERVICE)
    assert len(office.timeline(str(office.case.ref))) == 3


def test_answers_of_two_strangers_to_one_circular_are_two_cases() -> None:
    office = an_office()
    for sender in ("kim@x.example", "lou@y.example"):
        office.enquire(sender, subject="Re: Offers", in_reply_to="<circular@harbour.example>")
    assert len(office.cases()) == 2


class TestClosed:
    def answered(self, closed: str, **more: str) -> tuple[DeskOffice, Any]:
        office = an_office(intake={"closed": closed})
        office.enquire(subject="Boiler", message_id="<a@x.example>")
        case = office.case
        office.close(case)
        office.enquire(subject="Re: Boiler", in_reply_to="<a@x.example>", message_id="<b@x.example>", **more)
        return office, case

    def test_a_person_s_answer_opens_it_again_once(self) -> None:
        office, case = self.answered("reopen")
        assert (office.status(case), len(office.cases())) == ("open", 1)
        office.close(case)
        office.receive(
            a_mail(
                "Kim Lee <kim@client.example>",
                SERVICE,
                "Re: Boiler",
                in_reply_to="<a@x.example>",
                message_id="<b@x.example>",
            ),
            SERVICE,
        )
        assert office.status(case) == "closed"
        office.enquire(subject="Re: Boiler", in_reply_to="<a@x.example>", message_id="<c@x.example>")
        assert office.status(case) == "open"

    def test_a_machine_s_answer_neither_opens_it_again_nor_opens_another(self) -> None:
        for closed in ("reopen", "new"):
            office, case = self.answered(closed, auto_submitted="auto-replied")
            assert (office.status(case), len(office.cases())) == ("closed", 1)
            assert [entry.automatic for entry in office.timeline(str(case.ref))] == ["", "auto_reply"]

    def test_it_is_filed_where_that_is_wanted(self) -> None:
        office, case = self.answered("file")
        assert (office.status(case), len(office.cases())) == ("closed", 1)
        assert [entry.link.closed for entry in office.timeline(str(case.ref))] == [False, True]

    def test_a_new_one_goes_on_with_it_and_takes_all_further_answers(self) -> None:
        office, case = self.answered("new")
        [other] = [found for found in office.cases() if found.ref != case.ref]
        assert office.subjects(other) == ["Re: Boiler"]
        office.enquire("boss@x.example", subject="Re: Boiler", in_reply_to="<a@x.example>")
        office.enquire(subject="Re: Boiler", in_reply_to="<b@x.example>", message_id="<d@x.example>")
        assert len(office.cases()) == 2
        assert len(office.subjects(other)) == 3
        assert (office.status(case), office.status(other)) == ("closed", "open")
        office.close(other)
        office.enquire(subject="Re: Boiler", in_reply_to="<a@x.example>", message_id="<e@x.example>")
        assert len(office.cases()) == 3


def test_one_message_id_for_all_enquiries_of_a_form_does_not_lose_any() -> None:
    """Beyond so many of one Message-ID each is found by what it says."""
    office = an_office()
    form: dict[str, Any] = {"subject": "Contact form", "message_id": f"<form@www.{OWN}>"}
    for number in range(12):
        office.enquire(f"website@{OWN}", **form, reply_to=f"kim{number}@x.example", text=f"Enquiry {number}")
    office.enquire(f"website@{OWN}", **form, reply_to="kim3@x.example", text="Something else")
    assert len(office.cases()) == 13
    for number in (0, 5, 11):
        office.enquire(f"website@{OWN}", **form, reply_to=f"kim{number}@x.example", text=f"Enquiry {number}")
    assert len(office.cases()) == 13


def test_what_our_own_addresses_send_back_opens_nothing() -> None:
    office = an_office()
    office.enquire(
        f"'Service' via Group <{GROUP}>",
        GROUP,
        list_id=f"<service-group.{OWN}>",
        reply_to=SERVICE,
        x_original_sender=SERVICE,
    )
    office.enquire(SERVICE, GROUP)
    assert office.cases() == []


def test_every_agent_of_the_mailbox_sees_what_waits_and_nobody_else() -> None:
    office = an_office(unmatched="inbox", agents=(AGENT, CHIEF))
    office.connect(f"third@{OWN}")
    office.enquire("kim@x.example", subject="Boiler")
    office.receive(a_mail("kim@x.example", AGENT, "Between us"), AGENT)
    assert office.inbox_of(CHIEF) == ["Boiler"]
    assert "Boiler" in office.inbox_of(AGENT)
    assert office.inbox_of(f"third@{OWN}") == []


def test_a_merged_case_takes_no_second_one() -> None:
    office = an_office()
    office.enquire(subject="Boiler", message_id="<a@x.example>")
    case = office.case
    office.world.rename_record(TENANT, case.ref, "CASE-1")
    office.world.work()
    office.enquire(subject="Re: Boiler", in_reply_to="<a@x.example>", message_id="<b@x.example>")
    renamed = replace(case.ref, id="CASE-1")
    assert len(office.timeline(str(renamed))) == 2
    assert [found.ref for found in office.cases()] == [renamed]


def test_a_sender_opens_so_many_cases_within_the_hour_and_the_rest_waits() -> None:
    office = an_office(intake={"cases_an_hour": 3})
    for number in range(5):
        office.enquire("flood@x.example", subject=f"Mail {number}")
    office.enquire("other@x.example", subject="Mine")
    assert [case.name for case in office.cases()] == ["Mail 0", "Mail 1", "Mail 2", "Mine"]
    assert office.waiting() == ["too_many"] * 2
    office.world.now += timedelta(hours=1)
    office.enquire("flood@x.example", subject="Later")
    assert office.cases()[-1].name == "Later"


def test_who_is_never_logged_and_who_is_erased_open_nothing_and_it_is_said_why() -> None:
    office = an_office()
    office.world.configure(own_domains=(OWN,), never_log=("quiet@x.example",))
    office.world.ask_erasure(TENANT, "gone@x.example", "admin")
    outcomes = [office.outcome(office.enquire(f"{name}@x.example"), SERVICE) for name in ("quiet", "gone")]
    assert outcomes == [("skipped", "never_log"), ("skipped", "erased")]
    assert (office.cases(), office.waiting()) == ([], [])


def test_the_mail_is_shown_whole_with_its_files_to_every_agent() -> None:
    office = an_office()
    office.connect(f"third@{OWN}")
    mixed = (
        "--cut\r\nContent-Type: text/plain\r\n\r\nIt is cold.\r\n> Since when?\r\n--cut\r\n"
        "Content-Type: application/pdf; name=plan.pdf\r\nContent-Disposition: attachment; filename=plan.pdf\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjc=\r\n--cut--\r\n"
    )
    item = office.enquire(
        "known@client.example", subject="Boiler", text=mixed, content_type='multipart/mixed; boundary="cut"'
    )
    [entry] = office.timeline(str(office.case.ref))
    assert entry.attachments == ("plan.pdf",)
    assert office.case.details == "It is cold.\n> Since when?"
    shown = office.world.read_message(caller_of(f"third@{OWN}"), office.stored(item, SERVICE).key)
    assert [attachment.name for attachment in shown.document.attachments] == ["plan.pdf"]
    assert "It is cold." in shown.document.text
    assert shown.document.text.rstrip().endswith("Since when?")


def test_one_mail_directly_and_by_the_group_is_one_case() -> None:
    office = an_office()
    mail = {"subject": "Boiler", "message_id": "<a@x.example>"}
    office.enquire("Kim <kim@x.example>", cc=GROUP, **mail)
    office.enquire(
        f"'Kim' via Group <{GROUP}>",
        cc=GROUP,
        list_id=f"<service-group.{OWN}>",
        reply_to="Kim <kim@x.example>",
        x_original_sender="kim@x.example",
        **mail,
    )
    assert len(office.timeline(str(office.case.ref))) == 1


def test_two_mails_of_one_thread_in_one_turn_are_one_case() -> None:
    office = an_office()
    desk = office._mailboxes[SERVICE]
    first = {"sender": "kim@x.example", "to": (SERVICE,), "message_id": "a@x.example"}
    answer = {"sender": "boss@x.example", "to": (SERVICE,), "message_id": "b@x.example"}
    items = [
        office.world.deliver(SERVICE, subject="Boiler", **first),
        office.world.deliver(SERVICE, subject="Re: Boiler", in_reply_to=("a@x.example",), **answer),
    ]
    office.world.notify(*reversed(items), mailbox=desk)
    office.world.work()
    assert len(office.timeline(str(office.case.ref))) == 2


def test_mails_without_a_message_id_are_enquiries_of_their_own() -> None:
    office = an_office()
    for name in ("Kim", "Lou"):
        office.enquire(f"{name}@x.example", subject="Contact", text=f"I am {name}.", message_id="<>")
    assert sorted(case.details for case in office.cases()) == ["I am Kim.", "I am Lou."]


def test_an_agent_s_answer_from_the_mailbox_that_comes_back_by_the_group_opens_nothing() -> None:
    office = an_office()
    office.enquire(subject="Boiler", message_id="<a@x.example>")
    answer = a_mail(
        SERVICE,
        "kim@client.example",
        "Re: Boiler",
        cc=GROUP,
        in_reply_to="<a@x.example>",
        message_id=f"<answer@{OWN}>",
    )
    office.receive(answer, SERVICE, "sentitems")
    office.receive(answer, SERVICE)
    assert len(office.timeline(str(office.case.ref))) == 2
    assert office.waiting() == []


def test_answers_to_what_an_agent_wrote_from_the_mailbox_are_one_case() -> None:
    office = an_office()
    office.receive(
        a_mail(SERVICE, "kim@x.example", "Your lease", message_id=f"<lease@{OWN}>"), SERVICE, "sentitems"
    )
    for number in (1, 2):
        office.enquire(
            "kim@x.example",
            subject="Re: Your lease",
            in_reply_to=f"<lease@{OWN}>",
            message_id=f"<{number}@x.example>",
        )
    assert office.case.name == "Your lease"
    assert len(office.timeline(str(office.case.ref))) >= 2


def test_a_mailbox_that_is_read_over_a_service_account_opens_cases_as_well() -> None:
    office = an_office(connection="graph-delegated", mark_read=True)
    office.enquire(subject="Boiler")
    assert office.case.name == "Boiler"
    assert [address for address, _ in office.world.storage.marker.marked] == [SERVICE]


def test_a_mail_that_is_too_large_is_a_case_that_says_so() -> None:
    office = an_office(intake={"fields": {"details": "{text}"}})
    item = office.world.deliver(
        SERVICE, sender="kim@x.example", to=(SERVICE,), text="Call before noon.", html=""
    )
    box = office.world.mail._boxes[SERVICE]
    box.messages[item] = replace(box.messages[item], whole_size=60_000_000)
    office.world.notify(item, mailbox=office._mailboxes[SERVICE])
    office.world.work()
    assert office.case.details == (
        "Call before noon.\n\nThe mail has 60 MB, more than is taken: its text stands here, its attachments do not. "
        f"The whole mail lies in {SERVICE}."
    )


def test_each_field_has_a_template_and_its_values_go_to_the_crm() -> None:
    fields = {
        "name": "{from_name}",
        "summary": "{subject} ({to})",
        "details": "{from_address} wrote on {received}",
        "type": "{{ subject|lower }}",
        "owner": CHIEF,
        "client": "CL-{{ from_name|upper }}",
    }
    office = an_office(intake={"fields": fields, "data": {"text": "{text}", "where": "{to}"}})
    office.enquire("Kim <kim@x.example>", ALIAS, subject="Boiler", text="It is cold.")
    case = office.case
    received = office.world.now - timedelta(seconds=20)
    assert (case.name, case.summary) == ("Kim", f"Boiler ({ALIAS})")
    assert case.details == f"kim@x.example wrote on {received:%Y-%m-%d %H:%M}"
    assert (case.type, case.owner, case.client) == ("boiler", CHIEF, "CL-KIM")
    assert {datum.name: datum.value for datum in case.data} == {"text": "It is cold.", "where": ALIAS}


def test_a_colleague_s_mail_waits_where_the_mailbox_opens_nothing() -> None:
    office = an_office(unmatched="inbox")
    office.enquire(CHIEF, subject="Boiler")
    assert (office.waiting(), office.inbox_of(AGENT)) == (["no_match"], ["Boiler"])


def test_what_the_mailbox_sends_to_colleagues_is_kept_only_where_it_answers_a_filed_mail() -> None:
    office = an_office()
    office.enquire(CHIEF, subject="Boiler", message_id=f"<a@{OWN}>")
    answer = a_mail(SERVICE, CHIEF, "Re: Boiler", in_reply_to=f"<a@{OWN}>", message_id=f"<b@{OWN}>")
    other = a_mail(SERVICE, CHIEF, "Lunch", message_id=f"<c@{OWN}>")
    kept, skipped = (office.receive(raw, SERVICE, "sentitems") for raw in (answer, other))
    assert office.outcome(kept, SERVICE)[0] == "filed"
    assert office.outcome(skipped, SERVICE) == ("skipped", "staff_only")
    assert office.subjects(office.case) == ["Boiler", "Re: Boiler"]


def test_details_are_the_whole_text_by_rule_and_by_hand_up_to_what_a_record_holds() -> None:
    long = " ".join(f"word{number}" for number in range(3_000))
    by_rule, by_hand = an_office(), an_office(unmatched="inbox")
    for office in (by_rule, by_hand):
        office.enquire(
            "kim@x.example", subject="Boiler", text=f"It is cold.\n\nOn Monday, Ann wrote:\n> Hello\n{long}"
        )
    [item] = by_hand.desk_items()
    by_hand.open_by_hand(item.message_key)
    for office in (by_rule, by_hand):
        details = office.case.details
        assert details.startswith("It is cold.\n\nOn Monday, Ann wrote:\n> Hello\nword0 word1")
        assert len(details) > 8_000
        assert details.endswith(" ...")
        assert len(details) <= 8_192
