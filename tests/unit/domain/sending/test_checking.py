"""What is refused before a mail is queued, each with a sentence."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.mail.addresses import Person
from shared.domain.records.records import RecordRef
from shared.domain.sending.checking import (
    Asked,
    Known,
    Limits,
    Reason,
    people_from,
    refusals,
    without_repeats,
)
from shared.domain.sending.outbox import OutboxFile
from shared.domain.sending.replying import Own
from tests.builders import people

WITH_DRAFTS = Limits(500, composed=2_240_000, message=35_000_000, file=150_000_000, adds_files=True)
SEND_ONLY = replace(WITH_DRAFTS, adds_files=False)
JANE, ANN = "jane@client.example", "ann@harbour.example"
OWN = Own.of((ANN,), ("harbour.example",))
KNOWN = Known(OWN)


def asked(**changes: Any) -> Asked:
    given: dict[str, Any] = {
        "to": people(JANE),
        "html": "<p>Hello</p>",
        "bodies": ("<p>Hello</p>", "Hello"),
        "records": (RecordRef("contact", "C-1"),),
        **changes,
    }
    return Asked(**given)


def a_file(size: int, name: str = "plan.pdf", content_id: str = "") -> OutboxFile:
    return OutboxFile(name, "application/pdf", size, upload_id="u-1", content_id=content_id)


def codes(mail: Asked, known: Known = KNOWN, limits: Limits = WITH_DRAFTS) -> list[str]:
    found = refusals(mail, known, limits)
    assert all(reason.sentence.endswith(".") for reason in found)
    return [reason.code for reason in found]


def test_a_mail_as_people_send_it_is_not_refused() -> None:
    assert refusals(asked(), KNOWN, WITH_DRAFTS) == ()
    assert refusals(asked(cc=people(ANN), files=(a_file(30_000),)), KNOWN, SEND_ONLY) == ()
    assert refusals(asked(html="", text="Hello", bodies=("Hello",)), KNOWN, WITH_DRAFTS) == ()


def test_there_is_somebody_to_get_it() -> None:
    assert codes(asked(to=())) == ["no_recipient"]
    assert codes(asked(to=(), bcc=people(JANE))) == []


def test_a_mail_has_500_recipients_at_most() -> None:
    many = people(*(f"p{number}@client.example" for number in range(250)))
    assert codes(asked(to=many, cc=many)) == []
    assert codes(asked(to=many, cc=many, bcc=people(JANE))) == ["too_many_recipients"]


@pytest.mark.parametrize(
    "known",
    [
        Known(OWN, never_log=("client.example",)),
        Known(OWN, never_log=(JANE,)),
        Known(OWN, erased=frozenset((JANE,))),
    ],
)
def test_nobody_is_written_to_who_is_barred(known: Known) -> None:
    [reason] = refusals(asked(cc=people("carl@other.example")), known, WITH_DRAFTS)
    assert reason.code == "recipient_barred"
    assert reason.sentence.startswith(f"{JANE} may not be written to")
    assert codes(asked(to=people("carl@other.example"), bcc=people(JANE)), known) == ["recipient_barred"]


def test_a_mail_among_colleagues_is_none_of_ours() -> None:
    assert codes(asked(to=people(ANN), cc=people("bea@harbour.example"))) == ["only_own_people"]


def test_a_mail_stands_on_a_timeline() -> None:
    missing = (RecordRef("property", "P-9"),)
    [reason] = refusals(asked(), Known(OWN, missing_records=missing), WITH_DRAFTS)
    assert reason == Reason("no_record", "There is no record property/P-9. Load it first, or leave it out.")
    assert codes(asked(records=())) == ["on_no_timeline"]
    assert codes(asked(records=()), Known(OWN, recipients=frozenset((JANE,)))) == []


def test_a_mail_says_something_and_nothing_unsafe() -> None:
    assert codes(asked(html=" ", text="\n")) == ["empty"]
    [reason] = refusals(asked(html="<p onclick=1>a</p><script>x</script>"), KNOWN, WITH_DRAFTS)
    assert reason.code == "unsafe_html"
    assert "the attribute onclick, <script>" in reason.sentence
    assert codes(asked(), Known(OWN, missing_files=("u-7",))) == ["no_file"]


@pytest.mark.parametrize(
    ("files", "limits", "found"),
    [
        ((a_file(2_400_000),), WITH_DRAFTS, []),
        ((a_file(2_400_000),), SEND_ONLY, ["too_large"]),
        ((a_file(1_590_000),), SEND_ONLY, []),
        ((a_file(900_000), a_file(900_000)), SEND_ONLY, ["too_large"]),
        ((a_file(25_000_000),), WITH_DRAFTS, []),
        ((a_file(26_000_000),), WITH_DRAFTS, ["too_large"]),
        ((a_file(4_000_000, "p.png", "p@harbour.example"),), WITH_DRAFTS, ["picture_too_large"]),
        ((a_file(4_000_000, "p.png", "p@harbour.example"),), SEND_ONLY, ["picture_too_large"]),
        ((a_file(3_100_000),), replace(WITH_DRAFTS, file=3_000_000), ["file_too_large"]),
        ((a_file(0, "empty.txt"),), SEND_ONLY, []),
    ],
)
def test_sizes_are_known_before_a_mail_is_queued(
    files: tuple[OutboxFile, ...], limits: Limits, found: list[str]
) -> None:
    assert codes(asked(files=files), limits=limits) == found


def test_the_sentence_names_the_largest_file_in_bytes_of_the_file() -> None:
    [reason] = refusals(asked(files=(a_file(2_400_000),)), KNOWN, SEND_ONLY)
    assert "about 1.6 MB" in reason.sentence
    [reason] = refusals(asked(files=(a_file(3_100_000),)), KNOWN, replace(WITH_DRAFTS, file=3_000_000))
    assert "plan.pdf: from this mailbox a file may have 3 MB" in reason.sentence


def test_every_reason_is_told_at_once() -> None:
    known = Known(OWN, never_log=(JANE,), missing_files=("u-7",))
    assert codes(asked(html="", records=()), known) == [
        "recipient_barred",
        "on_no_timeline",
        "empty",
        "no_file",
    ]


def test_addresses_are_read_and_refused_one_by_one() -> None:
    persons, reasons = people_from(
        "to",
        [
            ("Jane", "Jane@Client.example"),
            ("", "info@bücher208.example"),
            ("Jörg", "jörg@client208.example"),
            ("", "nobody"),
        ],
    )
    assert persons == (Person("Jane", JANE), Person("", "info@xn--bcher208-65a.example"))
    assert [reason.code for reason in reasons] == ["address_beyond_ascii", "no_address"]
    assert "jörg@client208.example" in reasons[0].sentence
    assert reasons[1].sentence == "'to' holds 'nobody', which is no e-mail address."


def test_everybody_gets_a_mail_once() -> None:
    to, cc, bcc = without_repeats(
        people("a@x.example", "b.c@gmail.com"),
        people("a@x.example", "d@x.example"),
        people("bc+1@googlemail.com"),
    )
    assert [person.address for person in to] == ["a@x.example", "b.c@gmail.com"]
    assert [person.address for person in cc] == ["d@x.example"]
    assert bcc == ()


def test_where_the_size_is_the_servers_no_right_is_named_that_would_help() -> None:
    submission = Limits(100, composed=25_000_000, message=25_000_000, file=18_000_000, adds_files=False)
    [reason] = refusals(asked(files=(a_file(20_000_000),)), KNOWN, submission)
    assert reason.code == "too_large"
    assert "18.3 MB" in reason.sentence
    assert "right" not in reason.sentence
