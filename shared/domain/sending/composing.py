"""A mail as bytes (RFC 5322, MIME), and the look at these bytes before they leave.

The standard library's `email` builds and writes the parts; header lines are spelled by `headers`, so that no version
of it refolds them. The header is the envelope where a server reads recipients out of it: what the bytes say is
compared with what was asked for, and any difference refuses to send.
"""

import hashlib
import re
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from email.generator import BytesGenerator
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from io import BytesIO
from typing import Final

from shared.domain.errors import InvalidInput
from shared.domain.sending import headers
from shared.domain.sending.attached_mails import part_of, reads_the_same
from shared.domain.sending.composed import check
from shared.domain.sending.letters import MAIL, File, Letter, leaving_name

_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_ANY: Final = "application/octet-stream"


class _Source(str):
    """What stood behind the colon of a header in an attached mail, blanks included."""

    __slots__ = ()


class _AsSpelled(EmailPolicy):
    """The policy SMTP, with each header written as it was spelled: by `headers`, or by who wrote an attached mail."""

    def header_source_parse(self, sourcelines: Sequence[str]) -> tuple[str, str]:
        name, _, value = "".join(sourcelines).partition(":")
        return name, _Source(value.rstrip("\r\n"))

    def header_store_parse(self, name: str, value: str) -> tuple[str, str]:
        return name, value

    def fold(self, name: str, value: str) -> str:
        blank = "" if isinstance(value, _Source) else " "
        return f"{name}:{blank}{value}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode("ascii", "surrogateescape")


_POLICY: Final = _AsSpelled(linesep=SMTP.linesep)


def compose(letter: Letter) -> bytes:
    """The mail as it leaves, with CRLF. The same letter gives the same bytes.

    Raises InvalidInput, with a sentence, for what no mail can hold, and where the bytes read otherwise than asked.
    """
    boundaries = _Boundaries(letter.message_id)
    mail = _body(letter, boundaries)
    if letter.attachments:
        mail = boundaries.multipart("mixed", [mail, *map(_attachment, letter.attachments)])
    top = EmailMessage(policy=_POLICY)
    for name, value in _head(letter):
        top[name] = value
    for name, value in mail.items():
        top[name] = value
    top.set_payload(mail.get_payload())
    raw = _written(top)
    check(letter, raw)
    return raw


def canonical(text: str) -> str:
    """A body with the line ends of mail, CRLF (RFC 2046 section 4.1.1)."""
    return re.sub(r"\r\n|\r|\n", "\r\n", text)


@dataclass(slots=True)
class _Boundaries:
    """Multiparts of one mail. Boundaries follow from its Message-ID, so that composing twice gives the same bytes.

    None can occur in base64, and who wrote an attached mail does not know the Message-ID of this one.
    """

    message_id: str
    made: int = 0

    def multipart(self, subtype: str, parts: Sequence[EmailMessage], **parameters: str) -> EmailMessage:
        self.made += 1
        digest = hashlib.sha256(f"{self.message_id}/{self.made}".encode()).hexdigest()[:32]
        words = [f"multipart/{subtype};", *(f'{name}="{value}";' for name, value in parameters.items())]
        container = EmailMessage(policy=_POLICY)
        container["Content-Type"] = headers.line("Content-Type", [*words, f'boundary="=_{digest}"'])
        for part in parts:
            container.attach(part)
        return container


def _head(letter: Letter) -> list[tuple[str, str]]:
    message_ids = headers.ids([letter.message_id])
    if not message_ids:
        raise InvalidInput("The Message-ID of the mail is none.")
    words = {
        "From": headers.people([letter.sender]),
        "To": headers.people(letter.to),
        "Cc": headers.people(letter.cc),
        "Bcc": headers.people(letter.bcc),
        "Subject": headers.unstructured(headers.one_line(letter.subject)),
        "Date": [format_datetime(letter.date)],
        "Message-ID": message_ids,
        "In-Reply-To": headers.ids([letter.in_reply_to]),
        "References": headers.ids(letter.references),
        **{name: headers.plain(name, value) for name, value in letter.extra},
        "MIME-Version": ["1.0"],
    }
    return [(name, headers.line(name, spelled)) for name, spelled in words.items() if spelled]


def _body(letter: Letter, boundaries: _Boundaries) -> EmailMessage:
    if not letter.html:
        return _text("plain", letter.text)
    html = _text("html", letter.html)
    if letter.pictures:
        html = boundaries.multipart("related", [html, *map(_picture, letter.pictures)], type="text/html")
    return boundaries.multipart("alternative", [_text("plain", letter.text), html]) if letter.text else html


def _text(subtype: str, text: str) -> EmailMessage:
    return _leaf(f'text/{subtype}; charset="utf-8"', canonical(text).encode("utf-8", "replace"))


def _picture(file: File) -> EmailMessage:
    part = _file(file, "inline")
    part["Content-ID"] = headers.line("Content-ID", headers.ids([file.content_id]))
    return part


def _attachment(file: File) -> EmailMessage:
    if file.content_type.lower() != MAIL or not reads_the_same(file.content, _POLICY):
        return _file(file, "attachment")
    part = part_of(file.content, _POLICY)
    part["Content-Disposition"] = _disposition("attachment", leaving_name(file))
    return part


def _file(file: File, disposition: str) -> EmailMessage:
    """A file with its type, unless that promises parts: a mail that would not stay as it is is a mere file, too."""
    kind, name = file.content_type.lower(), leaving_name(file)
    if not _TYPE.fullmatch(kind) or kind.startswith(("multipart/", "message/")):
        kind = _ANY
    part = _leaf(headers.line("Content-Type", [f"{kind};", *headers.old_file_name(name)]), file.content)
    part["Content-Disposition"] = _disposition(disposition, name)
    return part


def _disposition(kind: str, name: str) -> str:
    return headers.line("Content-Disposition", [f"{kind};", *headers.file_name("filename", name)])


def _leaf(content_type: str, content: bytes) -> EmailMessage:
    part = EmailMessage(policy=_POLICY)
    part["Content-Type"] = content_type
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(encodebytes(content).decode("ascii"))
    return part


def _written(mail: EmailMessage) -> bytes:
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=_POLICY).flatten(mail)
    return out.getvalue()
