"""What wrote a mail, a person or which kind of machine, and whether a machine may answer it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail.automatic import HEADERS, Automatic, Nature, nature_of

PERSON = "bo@fabrikam.example"
DAEMON = "MAILER-DAEMON@mx.fabrikam.example"
REPORT = 'multipart/report; report-type=delivery-status;\n\tboundary="b"'
Headers = list[tuple[str, str]]


def verdict(headers: Headers, sender: str = PERSON, subject: str = "Lease") -> Automatic:
    return nature_of(headers, sender, subject).automatic


def test_an_ordinary_mail_is_by_a_person_and_may_be_answered() -> None:
    headers = [
        ("Content-Type", "multipart/alternative; boundary=x"),
        ("Return-Path", "<bo@fabrikam.example>"),
        ("Auto-Submitted", "no"),
        ("X-Auto-Response-Suppress", "DR, RN, NRN"),
        ("X-AutoReply", "no"),
    ]
    assert nature_of(headers, PERSON, "Re: Lease") == Nature(
        Automatic.NONE, is_list=False, never_answer=False
    )


@pytest.mark.parametrize(
    ("headers", "sender", "subject"),
    [
        ([("Content-Type", REPORT)], PERSON, ""),
        ([("CONTENT-TYPE", "Multipart/Report; boundary=x; Report-Type=Delivery-Status")], PERSON, ""),
        ([("Content-Type", "message/delivery-status")], PERSON, ""),
        ([("X-Failed-Recipients", "li@fabrikam.example")], PERSON, ""),
        ([("X-MS-Exchange-Message-Is-Ndr", "")], PERSON, "Lease"),
        ([], DAEMON, "Lease"),
        ([("Auto-Submitted", "auto-replied")], DAEMON, "Lease"),
        ([], "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@contoso.example", "Lease"),
        ([], "postmaster@fabrikam.example", "Undeliverable: Lease"),
        ([], "postmaster@fabrikam.example", "Unzustellbar: Mietvertrag"),
        ([("Return-Path", "<>")], "system@fabrikam.example", "Returned mail: see transcript for details"),
        ([], "", "Undelivered Mail Returned to Sender"),
    ],
)
def test_bounces(headers: Headers, sender: str, subject: str) -> None:
    nature = nature_of(headers, sender, subject)
    assert (nature.automatic, nature.never_answer) == (Automatic.BOUNCE, True)


@pytest.mark.parametrize(
    ("headers", "sender", "subject"),
    [
        ([("Content-Type", "multipart/report; report-type=feedback-report")], PERSON, "FW: Lease"),
        ([("Feedback-Type", "abuse")], PERSON, "Lease"),
        ([("X-HmXmrOriginalRecipient", "x")], "staff@hotmail.com", "complaint about message from 192.0.2.1"),
    ],
)
def test_complaints(headers: Headers, sender: str, subject: str) -> None:
    assert verdict(headers, sender, subject) is Automatic.FEEDBACK


@pytest.mark.parametrize(
    "header",
    [
        ("Auto-Submitted", "auto-replied"),
        ("auto-submitted", "Auto-Replied (vacation)"),
        ("Auto-Submitted", 'auto-replied; owner-email="x@fabrikam.example"'),
        ("X-Autoreply", "yes"),
        ("X-Autorespond", "Away"),
        ("X-Auto-Reply-From", "bo@fabrikam.example"),
        ("X-Mail-Autoreply", "1"),
        ("Precedence", "auto_reply"),
        ("X-Precedence", "auto_reply"),
        ("X-FC-MachineGenerated", "true"),
        ("X-POST-MessageClass", "9; Autoresponder"),
        ("X-Apple-Action", "VACATION/1"),
        ("X-MS-Exchange-Inbox-Rules-Loop", "bo@fabrikam.example"),
        ("X-MS-Exchange-Generated-Message-Source", "Mailbox Rules Agent"),
        ("Delivered-To", "Autoresponder"),
    ],
)
def test_automatic_answers(header: tuple[str, str]) -> None:
    nature = nature_of([header], PERSON, "Re: Lease")
    assert (nature.automatic, nature.never_answer) == (Automatic.AUTO_REPLY, True)


@pytest.mark.parametrize(
    "subject",
    ["Automatic reply: Lease", "Abwesenheitsnotiz: Mietvertrag", "自動応答: 契約", "Out of Office: Lease"],
)
def test_the_subject_speaks_where_no_header_does(subject: str) -> None:
    assert verdict([], PERSON, subject) is Automatic.AUTO_REPLY
    assert verdict([("Auto-Submitted", "auto-generated")], PERSON, subject) is Automatic.AUTO_REPLY
    assert verdict([("Auto-Submitted", "no")], PERSON, subject) is Automatic.NONE
    assert verdict([], PERSON, f"Re: {subject}") is Automatic.NONE


def test_auto_alone_may_be_a_car() -> None:
    assert verdict([], PERSON, "AUTO: insurance for the new one") is Automatic.NONE
    headers = [("Auto-Submitted", "auto-generated")]
    assert verdict(headers, PERSON, "AUTO: Bo is out of the office") is Automatic.AUTO_REPLY


def test_an_answer_to_a_bounce_is_no_bounce() -> None:
    headers = [("Return-Path", "<>"), ("Auto-Submitted", "auto-replied")]
    assert verdict(headers, PERSON, "Automatic reply: Undeliverable: Lease") is Automatic.AUTO_REPLY


@pytest.mark.parametrize(
    "header",
    [
        ("Auto-Submitted", "auto-generated"),
        ("Auto-Submitted", "auto-notified"),
        ("Return-Path", "<>"),
        ("Return-Path", " < > "),
        ("Content-Type", "multipart/report; report-type=disposition-notification"),
    ],
)
def test_other_mail_by_machines(header: tuple[str, str]) -> None:
    nature = nature_of([header], PERSON, "Your parcel")
    assert (nature.automatic, nature.never_answer) == (Automatic.AUTOMATIC, True)


@pytest.mark.parametrize(
    "header",
    [
        ("List-Id", "<letters.lists.example>"),
        ("List-Unsubscribe", "<mailto:x@lists.example>"),
        ("LIST-POST", "<mailto:x@lists.example>"),
        ("Precedence", "bulk"),
        ("Precedence", "List"),
        ("X-Precedence", "junk"),
        ("Mailing-List", "list x@lists.example"),
    ],
)
def test_list_and_bulk_mail_is_by_people_but_not_to_be_answered(header: tuple[str, str]) -> None:
    nature = nature_of([header], PERSON, "Re: Lease")
    assert nature == Nature(Automatic.NONE, is_list=True, never_answer=True)


@pytest.mark.parametrize("value", ["All", "OOF", "DR, AutoReply", "autoreply"])
def test_who_asks_for_no_answer_gets_none_and_may_be_a_person(value: str) -> None:
    nature = nature_of([("X-Auto-Response-Suppress", value)], PERSON, "Lease")
    assert nature == Nature(Automatic.NONE, is_list=False, never_answer=True)


@pytest.mark.parametrize(
    "sender",
    [
        "no-reply@fabrikam.example",
        "noreply@fabrikam.example",
        "NoReply+17@fabrikam.example",
        "do_not_reply@fabrikam.example",
        "orders-noreply@fabrikam.example",
        "ne-pas-repondre@fabrikam.example",
        "postmaster@fabrikam.example",
        "bounce+x=y@fabrikam.example",
        "",
    ],
)
def test_senders_that_nobody_reads_are_not_answered(sender: str) -> None:
    nature = nature_of([], sender, "Your parcel")
    assert nature == Nature(Automatic.NONE, is_list=False, never_answer=True)


@pytest.mark.parametrize(
    "sender", ["norbert@fabrikam.example", "replay@fabrikam.example", "mail@fabrikam.example"]
)
def test_people_with_such_names_are_answered(sender: str) -> None:
    assert nature_of([], sender, "Lease") == Nature()


def test_a_loop_marker_forbids_an_answer() -> None:
    assert nature_of([("X-Loop", "x")], PERSON, "Lease").never_answer


_NAMES = st.sampled_from(sorted(HEADERS)) | st.text(max_size=30)
_VALUES = st.sampled_from(["no", "<>", REPORT, "auto-replied"]) | st.text(max_size=60)


@given(st.lists(st.tuples(_NAMES, _VALUES), max_size=20), st.text(max_size=40), st.text(max_size=80))
def test_no_mail_makes_it_fail_and_automatic_mail_is_never_answered(
    headers: Headers, sender: str, subject: str
) -> None:
    nature = nature_of(headers, sender, subject)
    assert nature.never_answer or (nature.automatic is Automatic.NONE and not nature.is_list)
    assert nature == nature_of([(name.upper(), value) for name, value in headers], sender, subject) or any(
        name.upper().casefold() != name.casefold() for name, _ in headers
    )


def test_huge_headers_take_no_time() -> None:
    headers = [("Content-Type", "multipart/report; " * 100_000), ("Return-Path", " " * 1_000_000)] * 600
    assert verdict(headers, "no" * 100_000, "Re: " * 100_000) is Automatic.NONE


@pytest.mark.parametrize("name", ["X-OTRS-Loop", "X-RT-Loop-Prevention", "X-Znuny-Loop"])
def test_the_mark_of_another_ticket_system_wants_no_answer(name: str) -> None:
    assert nature_of([(name, "True")], "desk@client.example", "Ticket").never_answer


@pytest.mark.parametrize("local", ["nicht-antworten", "no-responder", "non-rispondere", "keine-antwort"])
def test_senders_who_want_no_answer_say_so_in_several_languages(local: str) -> None:
    assert nature_of([], f"{local}@client.example", "Order").never_answer
    assert not nature_of([], "norbert.antwort@client.example", "Order").never_answer
