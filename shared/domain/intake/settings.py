"""What an intake mailbox makes of its mail: which kind of record opens, by which address, with which values.

Shape and bounds are checked here; whether an address is the mailbox's own is asked when the mailbox is tested.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Final, Self

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput

CASE: Final = "case"
OPENED_KINDS: Final = (CASE, "opportunity", "project")
# What becomes of an answer to a closed record.
REOPEN: Final = "reopen"
NEW: Final = "new"
FILE: Final = "file"
CLOSED: Final = (REOPEN, NEW, FILE)
MOST_ROUTES: Final = 100
MOST_DATA: Final = 20
LONGEST_FIELD: Final = 20_000
# Of one sender; what comes above it within an hour waits in My Inbox.
CASES_AN_HOUR: Final = 20
MOST_CASES: Final = 10_000
_SETTINGS: Final = ("opens", "type", "routes", "fields", "data", "closed", "cases_an_hour")
_ROUTE: Final = ("to", "opens", "type", "owner", "client", "template")


@dataclass(frozen=True, slots=True)
class Route:
    """What mail to one address of the mailbox becomes: an alias, or a group that the mailbox is in.

    '' = as the mailbox says. `template` names the acknowledgements that answer it.
    """

    to: str
    opens: str = ""
    type: str = ""
    owner: str = ""
    client: str = ""
    template: str = ""

    @classmethod
    def from_given(cls, given: object) -> Self:
        """Raises InvalidInput with a sentence."""
        if not isinstance(given, Mapping):
            raise InvalidInput("'routes' must be a list of objects, each with 'to'.")
        route = Fields(given).only(_ROUTE)
        to = route.address("to")
        if not to:
            raise InvalidInput(
                "Each of 'routes' needs 'to': an alias of the mailbox, or a group that it is in."
            )
        client = route.text("client", "", 128)
        return cls(
            to,
            _kind(route, ""),
            route.text("type", "", 128),
            route.address("owner"),
            _record_id(client) if client else "",
            route.text("template", "", 64),
        )


@dataclass(frozen=True, slots=True)
class FieldTemplates:
    """Templates of an opened record's fields; '' = as it would be without one."""

    name: str = ""
    summary: str = ""
    details: str = ""
    type: str = ""
    owner: str = ""
    client: str = ""

    @classmethod
    def from_given(cls, given: Fields, stored: Self) -> Self:
        """Raises InvalidInput."""
        names = [field.name for field in fields(cls)]
        given.only(names)
        made = cls(**{name: given.text(name, getattr(stored, name), LONGEST_FIELD) for name in names})
        for name in names:
            _check_template(name, getattr(made, name))
        return made


@dataclass(frozen=True, slots=True)
class DataTemplate:
    """A named value that goes to the CRM with the record."""

    name: str
    template: str


@dataclass(frozen=True, slots=True)
class Intake:
    """Settings of an intake mailbox. `opens` '' is the kind that the mailbox is matched to, else a case.

    `cases_an_hour` is how many records one sender may open within an hour.
    """

    opens: str = ""
    type: str = ""
    routes: tuple[Route, ...] = ()
    fields: FieldTemplates = FieldTemplates()
    data: tuple[DataTemplate, ...] = ()
    closed: str = REOPEN
    cases_an_hour: int = CASES_AN_HOUR

    def route_to(self, address: str) -> Route | None:
        """The route of an address."""
        return next((route for route in self.routes if route.to == address), None)

    def changed(self, given: Fields) -> Self:
        """These settings with the given ones; a list replaces the stored one. Raises InvalidInput."""
        given.only(_SETTINGS)
        return type(self)(
            opens=_kind(given, self.opens),
            type=given.text("type", self.type, 128),
            routes=_routes(given, self.routes),
            fields=FieldTemplates.from_given(Fields(given.mapping("fields", {})), self.fields),
            data=_data(given, self.data),
            closed=given.choice("closed", self.closed, CLOSED),
            cases_an_hour=given.number("cases_an_hour", self.cases_an_hour, 1, MOST_CASES),
        )


def _kind(given: Fields, default: str) -> str:
    # '' is what a mailbox has that was never asked.
    return given.choice("opens", default, (*OPENED_KINDS, ""))


def _routes(given: Fields, stored: tuple[Route, ...]) -> tuple[Route, ...]:
    value = given.given.get("routes")
    if value is None:
        return stored
    if not isinstance(value, list | tuple) or len(value) > MOST_ROUTES:
        raise InvalidInput(f"'routes' must be a list of at most {MOST_ROUTES} objects.")
    routes = tuple(map(Route.from_given, value))
    doubled = _doubled(route.to for route in routes)
    if doubled:
        raise InvalidInput(f"'routes' name {doubled} more than once: which of them is meant?")
    return routes


def _doubled(addresses: Iterable[str]) -> str:
    return next((address for address, number in Counter(addresses).items() if number > 1), "")


def _data(given: Fields, stored: tuple[DataTemplate, ...]) -> tuple[DataTemplate, ...]:
    value = given.given.get("data")
    if value is None:
        return stored
    if not isinstance(value, Mapping) or len(value) > MOST_DATA:
        raise InvalidInput(f"'data' must be an object of at most {MOST_DATA} templates by name.")
    return tuple(_datum(name, template) for name, template in value.items())


def _datum(name: object, template: object) -> DataTemplate:
    if not isinstance(name, str) or not 0 < len(name) <= 64 or not name.isprintable():
        raise InvalidInput("A name in 'data' has 1 to 64 characters.")
    if not isinstance(template, str) or len(template) > LONGEST_FIELD:
        raise InvalidInput(f"'data.{name}' must be a template of at most {LONGEST_FIELD:,} characters.")
    _check_template(name, template)
    return DataTemplate(name, template)


def _check_template(name: str, template: str) -> None:
    # Imported here, as below: the webhooks read mailboxes, and nothing that reads mail.
    from shared.domain.intake.templates import OF_MAIL, checked

    checked(name, template, OF_MAIL)


def _record_id(client: str) -> str:
    from shared.domain.records.records import RecordRef

    return RecordRef("client", client).id
