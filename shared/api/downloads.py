"""How an attachment is handed out: as bytes to be saved, never as something a browser would run as ours.

What a sender named and typed is not believed: names are cleaned, types off a short list become octet-stream.
"""

import re
import unicodedata
from typing import Final
from urllib.parse import quote

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
    "text/calendar",
    "text/csv",
    "text/plain",
}
LONGEST_NAME: Final = 150
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._ ()-]")


def headers_of(name: str, content_type: str) -> dict[str, str]:
    """Response headers for an attachment of that name and type, both as the sender gave them."""
    kept = media_type(content_type)
    disposition = "inline" if kept in SHOWN_INLINE else "attachment"
    clean = file_name(name)
    plain = _NOT_PLAIN.sub("_", unicodedata.normalize("NFKD", clean).encode("ascii", "ignore").decode())
    fallback = plain if plain.strip("._ ") else "attachment"
    return {
        "Content-Type": kept,
        "Content-Disposition": (
            f"{disposition}; filename=\"{fallback}\"; filename*=UTF-8''{quote(clean, safe='')}"
        ),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private",
        "Vary": "Authorization",
    }


def media_type(content_type: str) -> str:
    """The type without parameters when it is on the list, else application/octet-stream."""
    bare = content_type.partition(";")[0].strip().lower()
    return bare if bare in KEPT_TYPES else "application/octet-stream"


def file_name(name: str) -> str:
    """The last part of a path, without control, direction and quoting characters; at most 150 long."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(one for one in last if unicodedata.category(one)[0] != "C" and one not in "\"'<>|:*?;")
    clean = " ".join(visible.split()).strip(". ") or "attachment"
    stem, dot, extension = clean.rpartition(".")
    if len(clean) <= LONGEST_NAME or not dot or len(extension) > 10:
        return clean[:LONGEST_NAME]
    return stem[: LONGEST_NAME - len(extension) - 1] + "." + extension
