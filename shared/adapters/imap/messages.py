"""Heads and whole mails by number, out of a folder that is looked at: PEEK, and nothing that is not asked for.

What fails together is asked for singly: a set is as weak as its worst mail. Whole mails come one at a time, so that
no more than one is held.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from shared.adapters.imap.errors import PASSING_CODES, Refused
from shared.adapters.imap.ranges import Opened, in_utc, spans
from shared.adapters.imap.sessions import Session
from shared.domain.errors import (
    NotFound,
    Outcome,
    PermanentError,
    TransientError,
    Unavailable,
    Unreadable,
)
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.domain.mime.reading import Copy, arrived_at, head_of, whole_of

Read = TypeVar("Read")
Row = Mapping[bytes, Any]

LONGEST_HEADER: Final = 256 * 1024
# The whole of a mail is read up to here; of a longer one the beginning, with its text, as servers put it first.
LARGEST: Final = 40 * 1024 * 1024
OF_A_LARGER: Final = 4 * 1024 * 1024
_KNOWN: Final = ("UID", "INTERNALDATE", "FLAGS", "RFC822.SIZE")
_HEADER: Final = "BODY.PEEK[HEADER]"
_WHOLE: Final = "BODY.PEEK[]"
_DRAFT: Final = b"\\draft"


def item_of(folder: Opened, uid: int) -> ItemRef:
    """A number means nothing without how the folder numbers: it is a part of the id."""
    return ItemRef(folder.name, f"{folder.validity}-{uid}")


def uid_of(folder: Opened, item: ItemRef) -> int | None:
    """The number of an item, None where the folder has numbered anew since."""
    validity, _, uid = item.item_id.partition("-")
    is_current = item.folder == folder.name and validity == str(folder.validity) and uid.isdecimal()
    return int(uid) if is_current else None


def heads(session: Session, folder: Opened, uids: Sequence[int]) -> dict[int, Outcome[MessageHead]]:
    """Heads by number. A break of the line ends the session: who asks asks again for what is missing."""
    rows = _rows(session, uids, (*_KNOWN, _HEADER), len(uids) * LONGEST_HEADER)
    return {uid: _read(row, partial(_head, folder, uid)) for uid, row in rows.items()}


def whole(session: Session, folder: Opened, uid: int) -> Outcome[FetchedMessage]:
    """One whole mail."""
    try:
        row = octets(session, uid)
    except (PermanentError, TransientError) as error:
        return error
    return _read(row, partial(_whole, folder, uid))


def octets(session: Session, uid: int, most: int | None = None) -> Row:
    """A mail's octets, or its first ones where it is very long. Raises NotFound."""
    size = int(_row(session, uid, ("UID", "RFC822.SIZE"), 0).get(b"RFC822.SIZE") or 0)
    limit = most if most is not None else (OF_A_LARGER if size > LARGEST else None)
    part = _WHOLE if limit is None or size <= limit else f"{_WHOLE}<0.{limit}>"
    # A size may be told wrong: a mail is taken as far as the largest one would be.
    return _row(session, uid, (*_KNOWN, part), limit or LARGEST + LONGEST_HEADER)


def content(row: Row) -> bytes:
    """The octets in a row. Raises Unavailable where it has none: that is no empty mail."""
    for name, value in row.items():
        if name.startswith(b"BODY[") and isinstance(value, bytes):
            return value
    raise Unavailable("The mail server sent a row without its mail.")


def _rows(
    session: Session, uids: Sequence[int], wanted: Sequence[str], size: int
) -> dict[int, Row | PermanentError | TransientError]:
    if not uids:
        return {}
    try:
        rows = session.ask(lambda client: client.rows(spans(uids), wanted), size)
    except Refused as error:
        return _singly(session, uids, wanted, size, error)
    lacking = [uid for uid in uids if uid not in rows]
    there = session.ask(lambda client: client.rows(spans(lacking), ["UID"])) if lacking else {}
    return {uid: rows[uid] if uid in rows else _lack(uid in there) for uid in uids}


def _singly(
    session: Session, uids: Sequence[int], wanted: Sequence[str], size: int, error: Refused
) -> dict[int, Row | PermanentError | TransientError]:
    if len(uids) > 1:
        found: dict[int, Row | PermanentError | TransientError] = {}
        for uid in uids:
            found |= _rows(session, [uid], wanted, size)
        return found
    passes = error.code in PASSING_CODES
    return {
        uids[0]: Unavailable(str(error))
        if passes
        else Unreadable("The mail server refuses to give this mail.")
    }


def _lack(is_there: bool) -> PermanentError | TransientError:
    """A number that is gone is one thing, a row that was not sent another."""
    return Unavailable("The mail server left a mail out.") if is_there else NotFound("There is no such mail.")


def _row(session: Session, uid: int, wanted: Sequence[str], size: int) -> Row:
    row = _rows(session, [uid], wanted, size)[uid]
    if isinstance(row, Exception):
        raise row
    return row


def _read(row: Row | PermanentError | TransientError, parse: Callable[[Row], Read]) -> Outcome[Read]:
    if isinstance(row, PermanentError | TransientError):
        return row
    try:
        return parse(row)
    except (PermanentError, TransientError) as error:
        return error


def _head(folder: Opened, uid: int, row: Row) -> MessageHead:
    return head_of(content(row), _copy(folder, uid, row))


def _whole(folder: Opened, uid: int, row: Row) -> FetchedMessage:
    """Of a mail of which the beginning was read, no attachment is whole."""
    octets = content(row)
    mail = whole_of(octets, _copy(folder, uid, row))
    size = int(row.get(b"RFC822.SIZE") or 0)
    return replace(mail, attachments=(), whole_size=size) if len(octets) < size > LARGEST else mail


def _copy(folder: Opened, uid: int, row: Row) -> Copy:
    flags = {flag.lower() for flag in row.get(b"FLAGS") or () if isinstance(flag, bytes)}
    received_at = in_utc(row.get(b"INTERNALDATE")) or arrived_at(content(row))
    if received_at is None:
        raise Unreadable("Neither the mail server nor the mail says when it came.")
    return Copy(item_of(folder, uid), folder.name, received_at, is_draft=_DRAFT in flags)
