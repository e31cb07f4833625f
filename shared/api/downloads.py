"""The headers of an attachment: a browser saves its bytes and never runs them as a page of ours.

A sender's names and types are not trusted: names are cleaned, and only types of a short list are kept.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

from shared.api.etags import VARY

# No SVG and no HTML: both can hold scripts, which would run on the API's own origin.
SHOWN_INLINE: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
KEPT_TYPES: Final = SHOWN_INLINE | {
    "application/pdf",
    "application/zip",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "message/rfc822",
    "text/calendar",
    "text/csv",
    "text/plain",
}
LONGEST_NAME: Final = 150
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._ ()-]")


def headers_of(name: str, content_type: str) -> dict[str, str]:
    """Response headers for an attachment whose name and type are the sender's."""
    kept = media_type(content_type)
    disposition = "inline" if kept in SHOWN_INLINE else "attachment"
    clean = file_name(name)
    # Old clients read `filename` only, which is ASCII; `filename*` (RFC 8187) carries the whole name.
    ascii_name = unicodedata.normalize("NFKD", clean).encode("ascii", "ignore").decode()
    plain = _NOT_PLAIN.sub("_", ascii_name)
    fallback = plain if plain.strip("._ ") else "attachment"
    return {
        "Content-Type": kept,
        "Content-Disposition": (
            f"{disposition}; filename=\"{fallback}\"; filename*=UTF-8''{quote(clean, safe='')}"
        ),
        # For the browser that shows the bytes all the same.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "Vary": VARY,
    }


def media_type(content_type: str) -> str:
    """The type without parameters if the list contains it, else application/octet-stream."""
    bare = content_type.partition(";")[0].strip().lower()
    return bare if bare in KEPT_TYPES else "application/octet-stream"


def file_name(name: str) -> str:
    """The last part of a path without control, direction and quoting characters, 150 characters at most."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(character for character in last if _is_shown(character))
    clean = " ".join(visible.split()).strip(". ") or "attachment"
    stem, dot, extension = clean.rpartition(".")
    if len(clean) <= LONGEST_NAME or not dot or len(extension) > 10:
        return clean[:LONGEST_NAME]
    return stem[: LONGEST_NAME - len(extension) - 1] + "." + extension


def _is_shown(character: str) -> bool:
    # Category C contains the direction marks, with which "gpj.exe" is shown as "exe.jpg".
    is_control = unicodedata.category(character).startswith("C")
    return not is_control and character not in "\"'<>|:*?;"
