"""A mail as an attachment of another one: never in base64 (RFC 2046 section 5.2.1), and with its bytes as they came."""

import re
from email import message_from_bytes
from email.generator import BytesGenerator
from email.message import EmailMessage
from email.policy import EmailPolicy
from io import BytesIO
from typing import Final

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
# RFC 5322 section 2.1.1, without the line end.
_LONGEST_LINE: Final = 998


def part_of(content: bytes, policy: EmailPolicy) -> EmailMessage:
    """The part that holds a mail. Its headers are written as they came."""
    part = EmailMessage(policy=policy)
    part["Content-Type"] = "message/rfc822"
    part["Content-Transfer-Encoding"] = "7bit" if content.isascii() else "8bit"
    part.set_payload([message_from_bytes(content, EmailMessage, policy=policy)])
    return part


def reads_the_same(content: bytes, policy: EmailPolicy) -> bool:
    """Whether the part has the bytes that came, line ends apart: what is broken may not stay so when it is written."""
    lines = _LINE_END.split(content)
    if b"\0" in content or any(len(line) > _LONGEST_LINE for line in lines):
        return False
    out = BytesIO()
    try:
        BytesGenerator(out, mangle_from_=False, policy=policy).flatten(part_of(content, policy))
    except Exception:  # noqa: BLE001 - a stranger's mail may break the parser or the writer
        return False
    _, _, written = out.getvalue().partition(b"\r\n\r\n")
    return _LINE_END.split(written) == lines
