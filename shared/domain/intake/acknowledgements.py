"""An intake mailbox's acknowledgements as its admin wants them: templates by language, and the bounds of a machine.

A machine at the other end may answer everything, without a header that says so: only counting ends that.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput
from shared.domain.intake.languages import LANGUAGES
from shared.domain.intake.templates import OF_MAIL, OF_RECORD, checked
from shared.domain.mail.identity import Hasher

NAMES: Final = (*OF_MAIL, *OF_RECORD)
MOST_TEMPLATES: Final = 50
LONGEST_SUBJECT: Final = 998
LONGEST_BODY: Final = 100_000
_SETTINGS: Final = ("enabled", "default_language", "templates", "limits")
_TEMPLATE: Final = ("name", "language", "subject", "html", "text")
_NAME: Final = re.compile(r"[\w .-]{0,64}")


@dataclass(frozen=True, slots=True)
class Template:
    """One language of an acknowledgement. `name` is what routes call it by; '' answers all other mail."""

    language: str
    subject: str
    html: str = ""
    text: str = ""
    name: str = ""

    @classmethod
    def from_given(cls, given: object) -> Self:
        """Raises InvalidInput."""
        if not isinstance(given, Mapping):
            raise InvalidInput("'templates' must be a list of objects.")
        template = Fields(given).only(_TEMPLATE)
        name = template.text("name", "", 64)
        if not _NAME.fullmatch(name):
            raise InvalidInput("The 'name' of a template has letters, digits, blanks, dots and hyphens.")
        made = cls(
            template.choice("language", "", LANGUAGES),
            template.text("subject", "", LONGEST_SUBJECT),
            template.text("html", "", LONGEST_BODY),
            template.text("text", "", LONGEST_BODY),
            name,
        )
        made.check()
        return made

    def check(self) -> None:
        """Raises InvalidInput for a template that could not be sent."""
        if not self.subject:
            raise InvalidInput(f"The template in '{self.language}' needs a 'subject'.")
        if not (self.html or self.text):
            raise InvalidInput(f"The template in '{self.language}' needs 'html' or 'text'.")
        for part in ("subject", "html", "text"):
            checked(part, getattr(self, part), NAMES)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many acknowledgements may leave at most: to a sender from this mailbox, to a sender from all, and in all.

    A machine that answers each minute is met by the first one within a day; a person's second enquiry is a case.
    """

    to_sender_a_day: int = 1
    to_sender_in_all_a_day: int = 3
    organisation_an_hour: int = 500

    @classmethod
    def from_given(cls, given: Fields, stored: Self) -> Self:
        """Raises InvalidInput."""
        names = [field.name for field in fields(cls)]
        given.only(names)
        return cls(**{name: given.number(name, getattr(stored, name), 1, 10_000) for name in names})


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The settings of a mailbox. Each version is kept: a mail that left says by which it was made."""

    enabled: bool = False
    default_language: str = "en"
    templates: tuple[Template, ...] = ()
    limits: Limits = Limits()
    version: int = 0
    saved_at: datetime | None = None
    saved_by: str = ""
    etag: str = ""

    def changed(self, given: Fields) -> Self:
        """The next version, with the given settings. Raises InvalidInput with a sentence."""
        given.only(_SETTINGS)
        templates = _templates(given, self.templates)
        languages = sorted({template.language for template in templates if not template.name})
        default = given.text("default_language", self.default_language)
        changed = replace(
            self,
            # Who saves a first template wants it sent.
            enabled=given.flag("enabled", self.enabled or not self.templates),
            default_language=default,
            templates=templates,
            limits=Limits.from_given(Fields(given.mapping("limits", {})), self.limits),
            version=self.version + 1,
        )
        if changed.enabled and default not in languages:
            raise InvalidInput(
                f"There is no template in 'default_language', {default!r}; there is {', '.join(languages) or 'none'}."
            )
        return changed

    def template_in(self, language: str, name: str = "") -> Template | None:
        """The template of this name in a language, else in the default one; else the one without a name."""
        for wanted in (name, ""):
            by_language = {item.language: item for item in self.templates if item.name == wanted}
            found = by_language.get(language) or by_language.get(self.default_language)
            if found is not None:
                return found
        return None

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(template.language for template in self.templates)


@dataclass(frozen=True, slots=True)
class Counter:
    """One of the bounds: what is counted, how many at most, within which time."""

    name: str
    most: int
    window: timedelta


def counted_as(hasher: Hasher, address: str) -> str:
    """The keyed hash under which an address is counted: the ledger's, by which an erased person's rows are found."""
    return hasher.addresses([address])[0]


def counters(limits: Limits, *, sender: str, pair: str) -> tuple[Counter, ...]:
    """What an acknowledgement counts for. `sender` and `pair` are keyed hashes."""
    return (
        Counter(f"pair:{pair}", limits.to_sender_a_day, timedelta(days=1)),
        Counter(f"sender:{sender}", limits.to_sender_in_all_a_day, timedelta(days=1)),
        Counter("organisation", limits.organisation_an_hour, timedelta(hours=1)),
    )


def _templates(given: Fields, stored: tuple[Template, ...]) -> tuple[Template, ...]:
    value: Any = given.given.get("templates")
    if value is None:
        return stored
    if not isinstance(value, list | tuple) or len(value) > MOST_TEMPLATES:
        raise InvalidInput(f"'templates' must be a list of at most {MOST_TEMPLATES} objects.")
    templates = tuple(map(Template.from_given, value))
    keys = [(template.name, template.language) for template in templates]
    doubled = next((language for name, language in keys if keys.count((name, language)) > 1), "")
    if doubled:
        raise InvalidInput(f"'templates' has more than one in '{doubled}'.")
    return templates
