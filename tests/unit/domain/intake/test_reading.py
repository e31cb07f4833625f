"""What stands in a record's details where a mail has no text, and what tells an invitation."""

import pytest

from shared.domain.intake.reading import LONGEST_TEXT, readable_text
from shared.domain.mail.messages import Attachment
from tests.builders import a_document

INVITATION = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
DTSTART;TZID=Europe/Berlin:20261204T090000
DTEND:20261204T093000Z
SUMMARY:Handover\\, first
  floor
LOCATION:12 Quay Road
END:VEVENT
END:VCALENDAR
"""


def test_an_invitation_tells_its_title_times_and_place() -> None:
    assert readable_text(a_document(text=INVITATION)) == (
        "Invitation: Handover, first floor\nFrom: 2026-12-04 09:00 Europe/Berlin\n"
        "Until: 2026-12-04 09:30 UTC\nPlace: 12 Quay Road"
    )


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"html": "<img src='x'>"}, "is a picture"),
        ({"attachments": (Attachment("1", "a", "IMG_1.jpg", "image/jpeg", 10),)}, "IMG_1.jpg"),
        ({"attachments": (Attachment("1", "a", "m.p7m", "application/pkcs7-mime", 10),)}, "is sealed"),
        ({}, "has no text"),
    ],
)
def test_a_mail_without_a_text_says_what_it_is(fields: dict[str, object], says: str) -> None:
    assert says in readable_text(a_document(**{"text": " ", "html": "", "attachments": (), **fields}))


def test_a_long_text_is_cut_at_a_word() -> None:
    shown = readable_text(a_document(text="word " * 5_000))
    assert len(shown) <= LONGEST_TEXT
    assert shown.endswith("word ...")
