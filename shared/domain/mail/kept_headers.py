"""Which headers of a mail are kept in memory, whoever provides it: those that later rules look at."""

from collections.abc import Iterable
from typing import Final

from shared.domain.mail import authentication, automatic, conversations, senders, spam
from shared.domain.mail.message_ids import FIRST_ID_HEADERS
from shared.domain.sending.marks import TAG_HEADER

# Automatic mail, bounces, lists, loops, forwarding.
_NAMES: Final = (
    automatic.HEADERS
    | senders.HEADERS
    | FIRST_ID_HEADERS
    | spam.HEADERS
    | {authentication.HEADER, conversations.HEADER, "sensitivity", TAG_HEADER.lower()}
)
_PREFIXES: Final = ("list-",)
LONGEST_HEADER: Final = 2_000
# RFC 4021 section 2.1.55, as PidTagSensitivity has the values.
SENSITIVITIES: Final = {"personal": 1, "private": 2, "company-confidential": 3}
# An attached mail has the type and the ending of one.
MAIL_TYPE: Final = "message/rfc822"
MAIL_ENDING: Final = ".eml"


def is_kept(name: str) -> bool:
    """Whether a header is read later; its name is in lower case."""
    return name in _NAMES or name.startswith(_PREFIXES)


def kept(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value[:LONGEST_HEADER]) for name, value in headers if is_kept(name))


def stated_sensitivity(values: Iterable[str]) -> int:
    """The highest that a mail's Sensitivity headers state; 0 where none does."""
    return max((SENSITIVITIES.get(value.strip().casefold(), 0) for value in values), default=0)
