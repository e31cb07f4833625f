"""Conversation indexes (MS-OXOMSG 2.2.1.3): which mails Exchange takes for one conversation.

The conversation id is not looked at: without an index it is a hash of the subject, the same for unrelated mails,
and it differs from mailbox to mailbox.
"""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.domain.foreign_text import guarded
from shared.domain.mail import subjects
from shared.domain.mail.automatic import Automatic, nature_of
from shared.domain.mail.messages import Direction, MessageHead

HEADER: Final = "thread-index"
_START: Final = 22
_GUID: Final = slice(6, 22)
_RESERVED: Final = 1
# An automatic reply may arrive before the mail that it answers is among the sent items.
_AHEAD: Final = timedelta(minutes=1)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


@guarded
def guid_of(index: str) -> str:
    """The conversation's GUID as hexadecimal digits; '' for what is no usable index."""
    data = _bytes(index)
    return data[_GUID].hex() if len(data) >= _START and data[0] == _RESERVED else ""


def travels(head: MessageHead, direction: Direction) -> bool:
    """Whether answers from elsewhere may carry a mail's index on.

    It is on mail of ours, and on mail that brought one. To other mail Exchange gives an index of its own, from the
    ids in its headers: those are looked up anyway.
    """
    return direction is Direction.OUT or any(name == HEADER for name, _ in head.headers)


@guarded
def goes_on(head: MessageHead) -> bool:
    """Whether a mail answers another one of its conversation; a forward begins a new thread."""
    kind = subjects.kind(head.subject)
    if kind == "forward":
        return False
    return kind == "reply" or bool(head.answers) or len(_bytes(head.conversation_index)) > _START


@guarded
def latest(head: MessageHead) -> datetime:
    """Until when a mail was received that this one may go on with: not its own answers. Counts whole seconds."""
    nature = nature_of(head.headers, head.sender.address, head.subject)
    is_reply = nature.automatic is Automatic.AUTO_REPLY
    # A clock may say anything, the last minute of the calendar too.
    ahead = min(_AHEAD, _LATEST - head.received_at)
    until = head.received_at + ahead if is_reply else head.received_at
    # Within a second, stored mails stand in the order in which they answer each other.
    return until.replace(microsecond=999_999)


def _bytes(index: str) -> bytes:
    try:
        return base64.b64decode(index, validate=True)
    except (binascii.Error, ValueError):
        return b""
