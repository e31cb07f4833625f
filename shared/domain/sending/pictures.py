"""Pictures that are written into the HTML of a mail as `data:` addresses: Gmail and Outlook do not show these.

Each becomes an inline part that the HTML names by its Content-ID; nothing else of the HTML is changed.
"""

import binascii
import hashlib
import re
from base64 import b64decode
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from shared.domain.sending.letters import File

MOST_PICTURES: Final = 200
# Possessive, since a picture may be megabytes long.
_QUOTED: Final = re.compile(
    r"""(?P<before><img\b[^<>]{0,4000}?\ssrc\s{0,9}=\s{0,9})(?P<quote>["'])\s{0,9}data:(?P<kind>image/[a-z0-9.+-]{1,40})
    ;base64,(?P<data>[a-z0-9+/=%\s]*+)(?P=quote)""",
    re.IGNORECASE | re.VERBOSE,
)
_BARE: Final = re.compile(
    r"""(?P<before><img\b[^<>]{0,4000}?\ssrc\s{0,9}=\s{0,9})(?P<quote>)data:(?P<kind>image/[a-z0-9.+-]{1,40})
    ;base64,(?P<data>[a-z0-9+/=%]*+)(?=[\s>])""",
    re.IGNORECASE | re.VERBOSE,
)
_ENDINGS: Final = {"jpeg": "jpg", "svg+xml": "svg"}


@dataclass(frozen=True, slots=True)
class Pictured:
    """The HTML with its pictures by Content-ID, and the pictures in the order of their first use."""

    html: str
    files: tuple[File, ...] = ()


def without_data(html: str, domain: str) -> Pictured:
    """The HTML with each `data:` picture as a file, once. `domain` is that of the Content-IDs.

    What is no base64 stays as it is, and so do pictures beyond the 200th.
    """
    if "data:" not in html.lower():
        return Pictured(html)
    found: dict[str, File] = {}

    def replaced(match: re.Match[str]) -> str:
        picture = _picture(match["kind"].lower(), match["data"], domain)
        if picture is None or (len(found) == MOST_PICTURES and picture.content_id not in found):
            return match[0]
        file = found.setdefault(picture.content_id, picture)
        quote = match["quote"] or '"'
        return f"{match['before']}{quote}cid:{file.content_id}{quote}"

    changed = _BARE.sub(replaced, _QUOTED.sub(replaced, html))
    return Pictured(changed, tuple(found.values()))


def _picture(kind: str, data: str, domain: str) -> File | None:
    try:
        content = b64decode("".join(unquote(data).split()))
    except (binascii.Error, ValueError):
        return None
    if not content:
        return None
    # The same picture has the same id: it is sent once, and composing twice gives the same mail.
    digest = hashlib.sha256(content).hexdigest()[:24]
    subtype = kind.partition("/")[2]
    return File(f"picture-{digest[:6]}.{_ENDINGS.get(subtype, subtype)}", kind, content, f"{digest}@{domain}")
