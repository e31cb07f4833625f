"""A campaign as somebody asks for it, and what its list of recipients would come to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from shared.domain.campaigns.campaigns import Recipient
from shared.domain.campaigns.consent import Reason, first_of_each, left_out
from shared.domain.campaigns.unsubscribing import PLACEHOLDER
from shared.domain.errors import InvalidInput
from shared.domain.mail.addresses import Person
from shared.domain.mail.templates import FilledMail, MailTemplate, TemplateValue
from shared.domain.records.records import Record, RecordRef
from shared.domain.sending.own_html import unsafe_in

MOST_NAMED: Final = 20
EXAMPLES: Final = 10
# Whatever the template says, some are filled: a value may break a filter that others do not.
_FILLED: Final = 10

Values = Mapping[str, TemplateValue]


@dataclass(frozen=True, slots=True)
class PersonWanted:
    """A contact by id, the values that its mail is filled with, and the records on which that stands too."""

    contact: str
    values: dict[str, TemplateValue] = field(default_factory=dict)
    records: tuple[RecordRef, ...] = ()


@dataclass(frozen=True, slots=True)
class RecipientQuery:
    """Contacts by what is said of them: records of a kind with these words, of a client, of a type, open.

    Of another kind than `contact` it takes the contacts of each record, and the mail stands on that record as well.
    """

    kind: str
    text: str = ""
    client: str = ""
    type: str = ""

    def takes(self, record: Record) -> bool:
        is_of_client = self.client in ("", record.client) or record.ref == RecordRef("client", self.client)
        return record.status == "open" and is_of_client and self.type in ("", record.type)


@dataclass(frozen=True, slots=True)
class CampaignWanted:
    """What the request says. Recipients are `people` or a `query`; `defaults` stand where somebody has no value."""

    name: str
    template: MailTemplate
    people: tuple[PersonWanted, ...] = ()
    query: RecipientQuery | None = None
    defaults: dict[str, TemplateValue] = field(default_factory=dict)
    records: tuple[RecordRef, ...] = ()
    sender: str = ""
    agent: str = ""
    purpose: str = ""

    def check(self) -> None:
        """Raises InvalidInput for a template that nobody could get."""
        if bool(self.people) == (self.query is not None):
            raise InvalidInput(
                "Name the recipients by 'contacts', 'recipients' or 'query', and by one of them."
            )
        if not self.template.subject.strip():
            raise InvalidInput("'subject' is empty.")
        if not self.template.html.strip() and not self.template.text.strip():
            raise InvalidInput("The mail says nothing: give 'html' or 'text'.")
        _ = self.template.names
        unsafe = unsafe_in(self.template.html)
        if unsafe:
            raise InvalidInput(f"'html' holds what no mail program shows: {', '.join(unsafe)}. Take it out.")


@dataclass(frozen=True, slots=True)
class Missing:
    """A recipient whose mail cannot be filled, and the names of the values that it lacks."""

    recipient: Recipient
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everybody who was named, in order, with what is against it."""

    recipients: tuple[Recipient, ...]
    missing: tuple[Missing, ...] = ()

    @property
    def getting(self) -> list[Recipient]:
        return [recipient for recipient in self.recipients if recipient.left_out is None]

    @property
    def reasons(self) -> Mapping[str, int]:
        found = (recipient.left_out.reason for recipient in self.recipients if recipient.left_out)
        return dict(sorted(Counter(found).items()))

    def check(self) -> None:
        """Raises InvalidInput that names the contacts whose values are missing."""
        if not self.missing:
            return
        named: dict[str, list[str]] = {}
        for missing in self.missing:
            for name in missing.names:
                named.setdefault(name, []).append(missing.recipient.contact)
        said = "; ".join(f"'{name}' of {_listed(contacts)}" for name, contacts in sorted(named.items()))
        raise InvalidInput(
            f"Values are missing or blank: {said}. Nothing was sent. Give the values, or a default: in 'defaults', or "
            "as {{ name | default('customer') }}."
        )

    def examples(self) -> list[Recipient]:
        """Ten real recipients, the incomplete ones first."""
        incomplete = [missing.recipient for missing in self.missing]
        numbers = {recipient.number for recipient in incomplete}
        others = (recipient for recipient in self.getting if recipient.number not in numbers)
        return [*incomplete, *others][:EXAMPLES]


def recipient_of(number: int, contact: Record | None, person: PersonWanted, defaults: Values) -> Recipient:
    """The row of a contact; a contact that is not there, or has no address, is left out."""
    if contact is None:
        gone = left_out(Reason.DELETED, "There is no such contact.")
        return Recipient(number, person.contact, "", "", records=person.records, left_out=gone)
    address = next(iter(contact.addresses), "")
    known: Values = {"name": contact.name, "address": address}
    values = {**_saying(defaults), **_saying(known), **_saying(person.values)}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return Recipient(number, contact.ref.id, contact.name, address, plain, person.records)


def without_repeats(recipients: Sequence[Recipient]) -> list[Recipient]:
    """Everybody, where an address that stands before is left out. A contact without one repeats nobody."""
    firsts = first_of_each(recipient.address for recipient in recipients)
    found = []
    for recipient, is_first in zip(recipients, firsts, strict=True):
        is_repeat = not is_first and recipient.left_out is None
        found.append(replace(recipient, left_out=left_out(Reason.TWICE)) if is_repeat else recipient)
    return found


def missing_in(template: MailTemplate, recipients: Iterable[Recipient]) -> list[Missing]:
    """Who lacks a value that the template reads. Raises InvalidInput for a value that a filter cannot take."""
    names = template.names - {PLACEHOLDER}
    found = []
    for number, recipient in enumerate(recipients):
        # Without a value that is missing nothing can be: most mails need not be filled to know it.
        if number < _FILLED or names - recipient.values.keys():
            filled = filled_for(template, recipient, PLACEHOLDER)
            if filled.missing:
                found.append(Missing(recipient, filled.missing))
    return found


def filled_for(template: MailTemplate, recipient: Recipient, url: str) -> FilledMail:
    values = {
        name: tuple(value) if isinstance(value, list) else value for name, value in recipient.values.items()
    }
    return template.filled(values, {PLACEHOLDER: url})


def person_of(recipient: Recipient) -> Person:
    return Person(recipient.name, recipient.address)


def _saying(values: Values) -> dict[str, TemplateValue]:
    """A blank value is none: it does not stand in the way of a default."""
    return {
        name: value for name, value in values.items() if (value.strip() if isinstance(value, str) else value)
    }


def _listed(contacts: list[str]) -> str:
    more = f" and {len(contacts) - MOST_NAMED} more" if len(contacts) > MOST_NAMED else ""
    return ", ".join(contacts[:MOST_NAMED]) + more
