"""Graph's dates: read from its JSON, and written into its filters and bodies."""

from datetime import UTC, datetime
from typing import Final

# Exchange writes year 1 where it has no date, and a sender's clock may say 9999: no hour can be added to that.
_YEARS: Final = range(1970, 9999)


def moment(text: object) -> datetime | None:
    """A Graph date in UTC, or None."""
    if not isinstance(text, str):
        return None
    try:
        parsed = datetime.fromisoformat(text)
        aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        at = aware.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in _YEARS else None


def stamp(at: datetime) -> str:
    """A date as Graph's filters and bodies take it; receivedDateTime has whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
