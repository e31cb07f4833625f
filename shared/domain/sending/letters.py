"""What a mail is to say and what goes with it, before it is composed; and how large it will be."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.domain.mail.addresses import Person, undisguised

MAIL: Final = "message/rfc822"
LONGEST_FILE_NAME: Final = 200
_LONGEST_ENDING: Final = 20
# In base64 a line has 78 characters, its end included, for 57 bytes.
_BYTES_A_LINE: Final = 57
_CHARACTERS_A_LINE: Final = 78
_HEADERS_OF_A_PART: Final = 2_000
_HEADERS: Final = 8_000
_A_RECIPIENT: Final = 1_200


@dataclass(frozen=True, slots=True)
class File:
    """A file of the mail. With a `content_id` it is a picture that the HTML shows, else an attachment."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail is to say. Ids are without angle brackets; `html` or `text` may be '', not both.

    `subject` is the one that leaves, code included. `extra` are further headers of plain text: our tag, a list of
    URLs.
    """

    sender: Person
    to: tuple[Person, ...]
    subject: str
    message_id: str
    date: datetime
    html: str = ""
    text: str = ""
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def pictures(self) -> tuple[File, ...]:
        return tuple(file for file in self.files if file.content_id)

    @property
    def attachments(self) -> tuple[File, ...]:
        return tuple(file for file in self.files if not file.content_id)

    @property
    def in_order(self) -> tuple[File, ...]:
        """The files in the order in which they leave."""
        return (*self.pictures, *self.attachments)


def estimated_size(bodies: Iterable[str], file_sizes: Iterable[int], recipients: int = 1) -> int:
    """How many bytes a mail has at most when it is composed."""
    bytes_of_bodies = [len(body.encode("utf-8", "replace")) + body.count("\n") for body in bodies]
    parts = [*bytes_of_bodies, *file_sizes]
    in_parts = sum(_in_base64(size) + _HEADERS_OF_A_PART for size in parts)
    return _HEADERS + recipients * _A_RECIPIENT + in_parts


def leaving_name(file: File) -> str:
    """The name under which a file leaves; that of a mail ends in .eml."""
    name = safe_file_name(file.name)
    is_mail = file.content_type.lower() == MAIL
    return f"{name}.eml" if is_mail and not name.lower().endswith(".eml") else name


def safe_file_name(name: str) -> str:
    """A file's name on one line, of at most 200 characters, its ending kept; `file` where nothing is left."""
    bare = " ".join(undisguised(name).replace("/", "_").replace("\\", "_").split())
    if len(bare) <= LONGEST_FILE_NAME:
        return bare or "file"
    stem, dot, ending = bare.rpartition(".")
    if not dot or len(ending) > 20:
        return bare[:LONGEST_FILE_NAME].rstrip()
    return f"{stem[: LONGEST_FILE_NAME - len(ending) - 1].rstrip()}.{ending}"


def _in_base64(size: int) -> int:
    return -(-size // _BYTES_A_LINE) * _CHARACTERS_A_LINE
