"""What a person reads in place of a text where a mail has none: a picture, an invitation, a sealed mail, a file."""

import re
from typing import Final

from shared.domain.foreign_text import or_else
from shared.domain.mail.messages import Document

LONGEST_TEXT: Final = 8_192
_CUT: Final = " ..."
_PICTURE: Final = re.compile(r"<img\b", re.IGNORECASE)
_CALENDAR: Final = "BEGIN:VCALENDAR"
# A calendar's lines go on behind a line end and a blank (RFC 5545 section 3.1).
_FOLD: Final = re.compile(r"\r?\n[ \t]")
_LINE: Final = re.compile(
    r"^(SUMMARY|DTSTART|DTEND|LOCATION|DESCRIPTION)((?:;[^:\n]{0,200})?):(.{0,2000})$", re.MULTILINE
)
_TIME: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?")
_CALLED: Final = {
    "SUMMARY": "Invitation",
    "DTSTART": "From",
    "DTEND": "Until",
    "LOCATION": "Place",
    "DESCRIPTION": "Note",
}


def readable_text(document: Document) -> str:
    """The whole text, as much of it as a record holds, cut at a word; or a sentence that says what the mail is."""
    text = document.text.strip()
    if _CALENDAR in text[:200]:
        text = invitation(text) or text
    if not text:
        return _in_place_of_text(document)
    if len(text) <= LONGEST_TEXT:
        return text
    kept = text[: LONGEST_TEXT - len(_CUT)]
    return (kept.rsplit(maxsplit=1) or [kept])[0] + _CUT


def with_note_of_size(details: str, document: Document, mailbox: str) -> str:
    """The details of a case whose mail was too large to be taken whole, with a sentence that says so."""
    if not document.whole_size:
        return details
    note = (
        f"The mail has {document.whole_size / 1_000_000:,.0f} MB, more than is taken: its text stands here, its "
        f"attachments do not. The whole mail lies in {mailbox}."
    )
    room = LONGEST_TEXT - len(note) - 2
    kept = details if len(details) <= room else details[: room - len(_CUT)] + _CUT
    return f"{kept}\n\n{note}"


def _in_place_of_text(document: Document) -> str:
    names = ", ".join(document.file_names)
    if document.is_sealed:
        return "The mail is sealed: only the mail program of its recipient can open it."
    if _PICTURE.search(document.html):
        return "The mail is a picture without text. Open the mail to see it."
    return f"The mail has no text. Attached: {names}." if names else "The mail has no text."


@or_else("")
def invitation(text: str) -> str:
    """Title, times and place of the first event of a calendar."""
    event = _FOLD.sub("", text[:200_000]).replace("\r\n", "\n").partition("BEGIN:VEVENT")[2]
    said: dict[str, str] = {}
    for name, parameters, value in _LINE.findall(event):
        said.setdefault(name, _time(value, parameters) if name.startswith("DT") else _unescaped(value))
    return "\n".join(f"{called}: {said[name]}" for name, called in _CALLED.items() if said.get(name))


def _time(value: str, parameters: str) -> str:
    found = _TIME.match(value)
    if found is None:
        return value
    year, month, day, hour, minute, utc = found.groups()
    zone = " UTC" if utc else parameters.partition("TZID=")[2].partition(";")[0]
    at = f" {hour}:{minute}{' ' if zone and not utc else ''}{zone}" if hour else ""
    return f"{year}-{month}-{day}{at}"


def _unescaped(value: str) -> str:
    for written, meant in (("\\n", "\n"), ("\\N", "\n"), ("\\,", ","), ("\\;", ";"), ("\\\\", "\\")):
        value = value.replace(written, meant)
    return value.strip()
