"""The envelope of a composed mail: its header names everybody, and blind recipients stand in the envelope alone.

The header has been compared with what was asked for (`domain/sending/composed`); it is read here the same way.
"""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Final

from shared.domain.mail.addresses import mailbox_key
from shared.domain.mail.message_ids import message_id as without_brackets

_HEADER_ENDS: Final = re.compile(rb"\r\n\r\n")
_BCC: Final = re.compile(rb"(?im)^bcc:.*\r\n(?:[ \t].*\r\n)*")
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_DOTTED: Final = re.compile(rb"(?m)^\.")
_ROLES: Final = ("to", "cc", "bcc")


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whom a mail comes from and goes to, each once, and its octets as they are handed over.

    `message_id` is without its brackets.
    """

    sender: str
    recipients: tuple[str, ...]
    message_id: str
    content: bytes

    @property
    def is_ascii(self) -> bool:
        """Whether its addresses and its header need no SMTPUTF8 (RFC 6531)."""
        header = _HEADER_ENDS.split(self.content, maxsplit=1)[0]
        return header.isascii() and all(address.isascii() for address in (self.sender, *self.recipients))

    @property
    def is_seven_bit(self) -> bool:
        return self.content.isascii()


def envelope_of(mime: bytes) -> Envelope:
    """Without its Bcc; every line ends with CRLF, so that no server sees an end where there is none."""
    content = _LINE_END.sub(b"\r\n", mime)
    found = _HEADER_ENDS.search(content)
    end = found.start() + 2 if found else len(content)
    header, rest = content[:end], content[end:]
    mail = message_from_bytes(header, EmailMessage, policy=default)
    named: dict[str, str] = {}
    for role in _ROLES:
        for address in _addresses(mail, role):
            named.setdefault(mailbox_key(address.casefold()), address)
    sender = next(iter(_addresses(mail, "from")), "")
    message_id = without_brackets(str(mail["message-id"] or ""))
    return Envelope(sender, tuple(named.values()), message_id, _BCC.sub(b"", header) + rest)


def dotted(content: bytes) -> bytes:
    """As it goes over the line, with its end: RFC 5321 section 4.5.2."""
    ended = content if content.endswith(b"\r\n") else content + b"\r\n"
    return _DOTTED.sub(b"..", ended) + b".\r\n"


def _addresses(mail: EmailMessage, name: str) -> list[str]:
    header = mail[name]
    return [str(address.addr_spec) for address in header.addresses] if header is not None else []
