"""What hangs on a message: files, embedded items and links, and the names Exchange gives them."""

import base64
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

Kind = Literal["file", "item", "reference"]
_INLINE_TYPES = frozenset({"image/jpeg", "image/jpg", "image/gif", "image/bmp", "image/png"})
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"|?*]')
_STORE_OVERHEAD = 214  # `size` is a store size, not the decoded length


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment. `data` is the file's bytes, or the MIME of an embedded message, or a link's URL."""

    kind: Kind
    name: str
    content_type: str | None
    data: bytes
    content_id: str | None = None
    content_location: str | None = None
    is_inline: bool = False

    @property
    def odata_type(self) -> str:
        return f"#microsoft.graph.{self.kind}Attachment"

    def as_json(self, attachment_id: str, modified: str, *, with_bytes: bool) -> dict[str, object]:
        """The attachment resource; `contentBytes` only of files and only when wanted."""
        fields: dict[str, object] = {
            "@odata.type": self.odata_type,
            "@odata.mediaContentType": self.content_type or "application/octet-stream",
            "id": attachment_id,
            "lastModifiedDateTime": modified,
            "name": self.name,
            "contentType": self.content_type if self.kind == "file" else None,
            "size": len(self.data) + _STORE_OVERHEAD,
            "isInline": self.is_inline,
        }
        if self.kind == "file":
            fields["contentId"] = self.content_id
            fields["contentLocation"] = None
            if with_bytes:
                fields["contentBytes"] = base64.b64encode(self.data).decode("ascii")
        return fields


def safe_name(name: str) -> str:
    """A file name without path and without what Windows forbids."""
    return _FORBIDDEN.sub("_", re.split(r"[\\/]", name)[-1]).strip()[:255]


def unnamed(content_type: str, number: int) -> str:
    """Exchange's name for a part that has none: ATT00001.txt."""
    extension = {"text/plain": "txt", "text/html": "htm"}.get(content_type, "bin")
    return f"ATT{number:05}.{extension}"


def referenced_images(markup: str) -> tuple[frozenset[str], frozenset[str]]:
    """(content ids, locations) that the `<img>` elements of a body point to."""
    sources = [
        unquote(found[1])
        for found in re.finditer(r"<img[^>]{0,4000}?src\s*=\s*[\"']?([^\"'\s>]+)", markup, re.I)
    ]
    ids = frozenset(source[4:] for source in sources if source.lower().startswith("cid:"))
    return ids, frozenset(sources)


def is_inline(attachment: Attachment, ids: frozenset[str], locations: frozenset[str]) -> bool:
    """Inside the body's structure an image is inline only when an `<img>` shows it (MS-OXCMAIL 2.2.3.4.1.4.1)."""
    if attachment.content_type not in _INLINE_TYPES:
        return False
    return attachment.content_id in ids or attachment.content_location in locations
