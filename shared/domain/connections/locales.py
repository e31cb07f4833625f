"""The language and the time zone of a mailbox, as its admin says: answers quote mail in them, as Outlook would."""

from datetime import tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput
from shared.domain.sending.quote_headers import is_spoken


def language_in(fields: Fields, default: str) -> str:
    """A language such as `de` or `de-AT`; '' for none. Raises InvalidInput for one that is not known."""
    language = fields.text("language", default, 35)
    if language and not is_spoken(language):
        raise InvalidInput(
            f"'language' is no language that is known here: {language!r}. Use one such as 'de'."
        )
    return language


def time_zone_in(fields: Fields, default: str) -> str:
    """A zone such as `Europe/Berlin`; '' for none. Raises InvalidInput for one that is not known."""
    zone = fields.text("time_zone", default, 64)
    if zone and zone_of(zone) is None:
        raise InvalidInput(f"'time_zone' is no time zone: {zone!r}. Use a name such as 'Europe/Berlin'.")
    return zone


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo | None:
    """The zone of this name (IANA); None where there is none."""
    try:
        return ZoneInfo(name) if name else None
    # A name may also be no path at all, or that of a directory.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
