"""Templates of an intake mailbox: the project's one language, in which a placeholder may also be written `{name}`."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from shared.domain.errors import InvalidInput
from shared.domain.mail.templates import MailTemplate

# Placeholders of a record's fields; an acknowledgement has those of the record besides.
OF_MAIL: Final = ("subject", "text", "from_name", "from_address", "to", "received")
OF_RECORD: Final = ("case_id", "case_name")
# A name alone in single braces; rules of style sheets have more than that between theirs.
_SINGLE: Final = re.compile(r"(?<![{%#])\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}(?!\})")


def checked(what: str, template: str, names: Collection[str]) -> None:
    """Raises InvalidInput, with a sentence, for what the language does not know, and for an unknown placeholder."""
    try:
        unknown = MailTemplate(subject="", text=written_out(template)).names - frozenset(names)
    except InvalidInput as error:
        raise InvalidInput(f"The template of '{what}': {error}") from error
    if unknown:
        raise InvalidInput(
            f"The template of '{what}' names {', '.join(sorted(unknown))}. "
            f"Its placeholders are {', '.join(f'{{{name}}}' for name in names)}."
        )


def filled(template: str, values: Mapping[str, str]) -> str:
    """The text of a template with these values; a value that is missing or blank leaves nothing.

    Raises InvalidInput for what takes too many steps or becomes too long.
    """
    return MailTemplate(subject="", text=written_out(template)).filled(values).text


def written_out(template: str) -> str:
    """The template with each `{name}` as `{{ name }}`."""
    return _SINGLE.sub(r"{{ \1 }}", template)
