"""A record that is opened for a mail: what comes from the mail, and what a person says instead."""

from shared.domain.filing.opening import LONGEST_DETAILS, Wishes, record_for
from shared.domain.records.records import Record
from tests.builders import NOW, a_document, a_record, a_ref

OWNER = "agent@contoso.example"


def opened(wishes: Wishes | None = None, **document: object) -> Record:
    return record_for(
        a_document(**document),
        a_ref("opportunity/pl-1"),
        wishes or Wishes(),
        contacts=(a_record(addresses=("a@one.example", "b@two.example", "c@one.example")),),
        client="K-1",
        owner=OWNER,
        opened_at=NOW,
    )


def test_title_and_details_come_from_the_mail() -> None:
    text = "Could we see it?\n\n> Yes."
    record = opened(subject="AW: Re: Viewing", text=text, quoted=((18, len(text)),))
    assert (record.name, record.summary, record.details) == ("Viewing", "Viewing", text)
    assert (record.origin, record.status, record.owner) == ("postledger", "open", OWNER)
    assert record.opened_at == NOW
    assert (record.contacts, record.contact_domains) == (("C-1",), ("one.example", "two.example"))


def test_a_name_alone_is_the_summary_too_and_the_other_way_round() -> None:
    assert opened(Wishes(name="Mill Lane")).summary == "Mill Lane"
    assert opened(Wishes(summary="Mill Lane")).name == "Mill Lane"


def test_long_details_are_cut_at_a_word() -> None:
    details = opened(text="word " * 2_000).details
    assert LONGEST_DETAILS - 5 <= len(details) <= LONGEST_DETAILS
    assert details.endswith("word ...")


def test_details_that_are_one_long_word_are_cut_within_it() -> None:
    details = opened(text="x" * 10_000).details
    assert (len(details), details[-5:]) == (LONGEST_DETAILS, "x ...")
