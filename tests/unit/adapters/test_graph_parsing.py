"""Graph JSON as it comes, read into the domain's mail."""

from datetime import UTC, datetime

import pytest

from shared.adapters.graph import dates, parsing, properties
from shared.domain.errors import Rejected, Unreadable
from shared.domain.mail.addresses import Person
from tests.graph_transport import fixture


def test_a_received_mail_is_read_with_all_its_people_and_its_thread() -> None:
    head = parsing.head(fixture("received"))
    assert head.item.item_id == "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AWd7ySpPMvUKl5-G-m0L9KwAAdXpqXgAA"
    assert head.folder_id == "AAMkADhiNjYtaW5ib3gAAAAAAAEMAAA="
    assert head.message_id == "CAF8x1ywq2=+T@mail.fabrikam.example"
    assert head.subject == "AW: Besichtigung am Donnerstag"
    assert head.sent_at == datetime(2026, 3, 2, 8, 59, 4, tzinfo=UTC)
    assert head.received_at == datetime(2026, 3, 2, 8, 59, 25, tzinfo=UTC)
    assert head.on_behalf_of == Person("Büro Fabrikam", "office@fabrikam.example")
    assert head.reply_to == (Person("Antworten", "antworten@fabrikam.example"),)
    assert head.in_reply_to == ("viewing-2@contoso.example",)
    assert head.references == ("viewing-1@contoso.example", "viewing-2@contoso.example")
    assert head.conversation_index == "AQHW5C+U7qGSnzigx0abpkGxIfvawQ=="
    assert head.has_attachments
    assert not head.is_draft


def test_an_address_in_the_display_name_is_only_a_name() -> None:
    head = parsing.head(fixture("received"))
    assert head.sender == Person("ceo@northwind.example", "kaeufer@fabrikam.example")
    assert "ceo@northwind.example" not in head.participants


def test_a_name_that_repeats_the_address_is_no_name_and_nobody_is_left_out_quietly() -> None:
    head = parsing.head(fixture("received"))
    assert head.to == (Person("", "agent@contoso.example"),)
    assert head.cc == (Person("Undisclosed recipients:", ""),)


def test_only_headers_that_later_rules_need_are_kept() -> None:
    names = [name for name, _ in parsing.head(fixture("received")).headers]
    assert names == ["authentication-results", "list-unsubscribe", "sensitivity"]


def test_a_kept_header_is_cut_to_a_length_that_memory_can_bear() -> None:
    message = fixture("text_body") | {"internetMessageHeaders": [{"name": "List-Id", "value": "x" * 9_000}]}
    assert len(parsing.head(message).headers[0][1]) == 2_000


def test_sensitivity_is_read_from_the_header_of_received_mail() -> None:
    assert parsing.head(fixture("received")).sensitivity == 2


def test_a_sent_mail_without_headers_is_read_from_its_extended_properties() -> None:
    head = parsing.head(fixture("sent_without_headers"))
    assert head.in_reply_to == ("CAF8x1ywq2=+T@mail.fabrikam.example",)
    assert head.references == (
        "viewing-1@contoso.example",
        "viewing-2@contoso.example",
        "CAF8x1ywq2=+T@mail.fabrikam.example",
    )
    assert head.sensitivity == 3
    assert head.bcc == (Person("Archive", "archive@contoso.example"),)
    assert head.on_behalf_of is None


def test_of_a_long_chain_the_nearest_references_are_kept() -> None:
    chain = " ".join(f"<{number}@contoso.example>" for number in range(50))
    message = fixture("text_body") | {"internetMessageHeaders": [{"name": "References", "value": chain}]}
    references = parsing.head(message).references
    assert references[0] == "30@contoso.example"
    assert references[-1] == "49@contoso.example"
    assert len(references) == 20


def test_an_x500_sender_is_somebody_without_an_address() -> None:
    head = parsing.head(fixture("internal_x500"))
    assert head.sender == Person("Robin Colleague", "")
    assert head.participants == {"agent@contoso.example"}


def test_null_fields_are_empty_and_a_year_one_sent_date_is_the_receipt() -> None:
    head = parsing.head(fixture("internal_x500"))
    assert head.subject == ""
    assert head.cc == ()
    assert head.sent_at == head.received_at == datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=UTC)


def test_an_item_without_any_date_is_refused() -> None:
    with pytest.raises(Rejected, match="date"):
        parsing.head({"id": "x", "sentDateTime": "soon"})


def test_a_text_body_stays_text() -> None:
    message = parsing.whole(fixture("text_body"))
    assert (message.html, message.text) == ("", "Just 1 < 2.\r\n")


def test_an_html_body_stays_html() -> None:
    message = parsing.whole(fixture("received"))
    assert message.html.endswith("<body><p>Ja, gerne.</p></body></html>")
    assert message.text == ""


def test_attachments_are_told_apart_by_kind_and_numbered_by_place() -> None:
    attachments = parsing.whole(fixture("received")).attachments
    assert [(one.id, one.kind, one.inline, one.name) for one in attachments] == [
        ("0", "file", False, "Grundriss.pdf"),
        ("1", "file", True, "image001.png"),
        ("2", "item", False, "Viewing on Thursday.eml"),
        ("3", "reference", False, "Vertrag.docx"),
    ]
    assert attachments[0].source_id == "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AWd7yAAABEgAQAH3v"
    assert attachments[0].size == 20_480
    assert attachments[1].content_id == "image001.png@01DA6C7F.5A2E3B10"
    assert attachments[2].content_type == "message/rfc822"


def test_a_meeting_request_is_a_mail_with_an_empty_body() -> None:
    message = parsing.whole(fixture("meeting_request"))
    assert message.head.sender.address == "kaeufer@fabrikam.example"
    assert message.head.subject == "Viewing"
    assert (message.html, message.attachments) == ("", ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T08:59:25Z", datetime(2026, 3, 2, 8, 59, 25, tzinfo=UTC)),
        ("2026-03-02T09:59:25+01:00", datetime(2026, 3, 2, 8, 59, 25, tzinfo=UTC)),
        ("2026-03-02T08:59:25", datetime(2026, 3, 2, 8, 59, 25, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_dates_come_out_in_utc_or_not_at_all(text: str | None, expected: datetime | None) -> None:
    assert dates.moment(text) == expected


def test_extended_properties_are_found_whichever_way_graph_spells_their_id() -> None:
    entry = {"singleValueExtendedProperties": [{"id": "string 0x00003613", "value": "IPF.Note"}]}
    assert properties.extended_property(entry, "String 0x3613") == "IPF.Note"
    assert properties.extended_property(entry, "String 0x1042") == ""


def evil(**fields: object) -> dict[str, object]:
    return fixture("received") | fields


@pytest.mark.parametrize("value", ["²", "9" * 5_000, "٣"])
def test_a_sensitivity_that_only_looks_like_a_number_is_none(value: str) -> None:
    stated = [{"id": properties.SENSITIVITY, "value": value}]
    message = fixture("sent_without_headers") | {"singleValueExtendedProperties": stated}
    assert parsing.head(message).sensitivity == 0


@pytest.mark.parametrize(
    "date", ["9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00+23:00"]
)
def test_a_date_at_the_end_of_the_calendar_is_no_date(date: str) -> None:
    assert dates.moment(date) is None
    head = parsing.head(evil(sentDateTime=date))
    assert head.sent_at == head.received_at


def test_half_a_character_of_a_cut_emoji_is_replaced_for_no_storage_takes_it() -> None:
    assert parsing.head(evil(subject="Besichtigung \ud83d")).subject == "Besichtigung \ufffd"


@pytest.mark.parametrize(
    "field", ["from", "toRecipients", "internetMessageHeaders", "singleValueExtendedProperties"]
)
def test_a_message_that_breaks_the_reader_is_unreadable_and_keeps_its_time(field: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parsing.head(evil(**{field: 7}))
    assert caught.value.received_at == datetime(2026, 3, 2, 8, 59, 25, tzinfo=UTC)


def test_an_entry_of_a_page_that_cannot_be_read_shows_no_head() -> None:
    assert parsing.shown_head(evil(toRecipients=7)) is None
    assert parsing.shown_head(evil()) == parsing.head(evil())


def test_a_body_that_breaks_the_reader_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        parsing.whole(evil(body=7))
