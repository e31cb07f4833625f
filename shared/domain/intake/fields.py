"""What a record says that is opened for a mail to an intake mailbox: by template, by the route, else by the mail.

A template that fails or leaves a field empty never loses the mail: the field is then as it would be without one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.domain.errors import InvalidInput
from shared.domain.intake.reading import readable_text
from shared.domain.intake.settings import Intake, Route
from shared.domain.intake.templates import filled
from shared.domain.mail import subjects
from shared.domain.mail.addresses import Person, normalise
from shared.domain.mail.messages import Document
from shared.domain.records.records import Datum, Record, RecordRef

LONGEST: Final[Mapping[str, int]] = {"name": 512, "summary": 1_024, "details": 8_192, "type": 128}
LONGEST_DATUM: Final = 4_000
CUT: Final = " ..."
NO_ROUTE: Final = Route("")


@dataclass(frozen=True, slots=True)
class Dressed:
    """A record with its fields, and what could not be done as the settings say, a sentence each."""

    record: Record
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a mail came to a desk: the mailbox's address, the address of it that the mail names, its route, and when."""

    mailbox: str
    sent_to: str
    route: Route
    received_at: datetime


def values_of(document: Document, writer: Person, arrival: Arrival) -> dict[str, str]:
    """What the placeholders of a mail's templates stand for. Times are UTC."""
    return {
        "subject": subjects.strip(document.subject) or document.subject.strip(),
        "text": readable_text(document),
        "from_name": writer.name or writer.address,
        "from_address": writer.address,
        "to": arrival.sent_to or arrival.mailbox,
        "received": f"{arrival.received_at:%Y-%m-%d %H:%M}",
    }


def dressed(record: Record, settings: Intake, arrival: Arrival, values: Mapping[str, str]) -> Dressed:
    """An opened record with the fields that its mailbox and its route want. `record` is as the mail says."""
    making = _Making(values, [])
    base = _named(record, settings, arrival, values)
    fields = settings.fields
    record = replace(
        base,
        name=making.text("name", fields.name) or base.name,
        summary=making.text("summary", fields.summary) or base.summary,
        details=making.text("details", fields.details) or base.details,
        type=making.text("type", fields.type) or base.type,
        owner=making.owner(fields.owner) or base.owner,
        client=making.client(fields.client) or base.client,
        data=tuple(
            Datum(datum.name, making.text(datum.name, datum.template, LONGEST_DATUM))
            for datum in settings.data
        ),
    )
    return Dressed(record, tuple(making.problems))


def _named(record: Record, settings: Intake, arrival: Arrival, values: Mapping[str, str]) -> Record:
    """The record as route and mailbox say, without templates."""
    route = arrival.route
    # What nobody can tell from another in a list is no name.
    name = record.name if values["subject"] else f"(no subject) from {values['from_name']}"[:512]
    return replace(
        record,
        name=name,
        summary=record.summary if values["subject"] else name,
        details=record.details or values["text"],
        type=route.type or settings.type or record.type,
        owner=route.owner or record.owner,
        client=route.client or record.client,
        mailbox=arrival.mailbox,
        sent_to=arrival.sent_to,
    )


@dataclass(frozen=True, slots=True)
class _Making:
    """Fills templates with the values of one mail, and notes what cannot be done."""

    values: Mapping[str, str]
    problems: list[str]

    def filled(self, name: str, template: str) -> str:
        """'' where there is no template, or it cannot be filled."""
        if not template:
            return ""
        try:
            return filled(template, self.values).strip()
        except InvalidInput as error:
            self.problems.append(f"The template of '{name}' was not used. {error}")
            return ""

    def text(self, name: str, template: str, longest: int = 0) -> str:
        """The filled template, cut where it is too long; what is cut says so."""
        text, longest = self.filled(name, template), longest or LONGEST[name]
        if len(text) <= longest:
            return text
        self.problems.append(f"'{name}' was cut after {longest:,} characters.")
        return text[: longest - len(CUT)] + CUT

    def owner(self, template: str) -> str:
        text = self.filled("owner", template)
        address = normalise(text) if text else None
        if text and address is None:
            self.problems.append("The template of 'owner' made no e-mail address; it was not used.")
        return address or ""

    def client(self, template: str) -> str:
        text = self.filled("client", template)
        try:
            return RecordRef("client", text).id if text else ""
        except InvalidInput:
            self.problems.append("The template of 'client' made no record id; it was not used.")
            return ""
