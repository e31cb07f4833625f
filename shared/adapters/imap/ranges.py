"""Which numbers of a folder are asked for: those behind a position, and those of a window of receipt time.

No answer is one line of every number that a folder has: a folder of 180,000 mails breaks such a line.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from imapclient import IMAPClient

from shared.adapters.imap.errors import BUSY_CODES, Refused
from shared.adapters.imap.sessions import Session
from shared.domain.capture.windows import Window, second_of
from shared.domain.errors import CursorExpired, Unavailable

# So many numbers fit on a line of less than a million octets.
MOST_ON_A_LINE: Final = 50_000
MOST_DATES: Final = 5_000
# SINCE and BEFORE name days in a zone that nobody tells: no zone is further off.
_ZONES: Final = timedelta(days=2)
_FIRST_SPAN: Final = timedelta(days=1)
_SPAN_GROWTH: Final = 4
_MOST_WINDOWS: Final = 20


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder as it was when it was looked at: how it numbers, the next number, and how many mails it holds."""

    name: str
    validity: int
    next_uid: int
    exists: int


def opened(session: Session, name: str, *, is_read_only: bool = True) -> Opened:
    """Look at a folder, read-only (EXAMINE): some servers mark mail as read for a look.

    Raises NotFound, and Unavailable where the server says that it fails for now.
    """
    try:
        answer = session.ask(lambda client: client.select_folder(name, readonly=is_read_only))
    except Refused as error:
        if error.code not in BUSY_CODES:
            raise
        raise Unavailable("The mail server cannot open the folder at the moment.") from error
    validity = int(answer.get(b"UIDVALIDITY") or 0)
    if not validity:
        raise Unavailable("The mail server does not say how it numbers the folder.")
    next_uid = answer.get(b"UIDNEXT")
    exists = int(answer.get(b"EXISTS") or 0)
    told = int(next_uid or 0)
    # Each mail has a number of its own below UIDNEXT: one that is not above their count is wrong, or was not told.
    if told <= exists:
        told = _highest(session, exists) + 1
    if exists and told == 1:
        raise Unavailable("The mail server does not say which numbers the folder has.")
    return Opened(name, validity, told, exists)


def highest(session: Session, folder: Opened) -> int:
    """The highest number there is, 0 where there is none. UIDNEXT counts only where nothing is found."""
    return _highest(session, folder.exists) or (folder.next_uid - 1 if folder.exists else 0)


def is_searched_whole(folder: Opened, last: int) -> bool:
    """Whether one line takes all numbers behind a position; else those that are found may not be all there are."""
    return folder.exists <= MOST_ON_A_LINE or folder.next_uid - last <= MOST_ON_A_LINE


def passed(folder: Opened, last: int) -> int:
    """How far a folder is read of which `last` is the highest number that was found.

    What lies below UIDNEXT and is not there may be a server's mistake, and is asked for again; of a folder that holds
    very many mails only so much of it as one line takes.
    """
    return max(last, folder.next_uid - MOST_ON_A_LINE) if folder.exists > MOST_ON_A_LINE else last


def _highest(session: Session, exists: int) -> int:
    return max(_searched(session, ["UID", "*"]), default=0) if exists else 0


def checked(folder: Opened, validity: int) -> Opened:
    """The folder, unless it numbers anew. Raises CursorExpired."""
    if folder.validity != validity:
        raise CursorExpired("The mail server has numbered the folder anew.")
    return folder


def behind(session: Session, folder: Opened, last: int) -> list[int]:
    """Numbers behind a position, in order: some at least, if there are any."""
    if folder.next_uid <= last + 1:
        return []
    if is_searched_whole(folder, last):
        return _behind(session, f"{last + 1}:*", last)
    for start in range(last + 1, folder.next_uid, MOST_ON_A_LINE)[:_MOST_WINDOWS]:
        if found := _behind(session, f"{start}:{start + MOST_ON_A_LINE - 1}", last):
            return found
    # Numbers lie far apart; each comes on a line of its own.
    rows = session.ask(lambda client: client.rows(f"{last + 1}:*", ["UID"]), folder.exists * 100)
    return sorted(uid for uid in rows if uid > last)


def behind_since(session: Session, folder: Opened, last: int, since: datetime) -> list[int]:
    """The same of mail that may have been received since a moment: INTERNALDATE decides."""
    day = (since - _ZONES).date()
    if folder.exists <= MOST_ON_A_LINE:
        found = _searched(session, ["UID", f"{last + 1}:*", "SINCE", day])
        return sorted(uid for uid in found if uid > last)
    for start in range(last + 1, folder.next_uid, MOST_ON_A_LINE):
        found = _searched(session, ["UID", f"{start}:{start + MOST_ON_A_LINE - 1}", "SINCE", day])
        if found:
            return sorted(found)
    return []


def dated(
    session: Session, window: Window, enough: int | None, *, unread: bool = False
) -> list[tuple[datetime, int]]:
    """(receipt time, number) of the window's mails, oldest first; at least `enough` from its old end, None: all.

    `unread`: of those that nobody has read. Days are added until there are enough, so that a long window costs no
    more than a page of it.
    """
    span = _FIRST_SPAN
    while True:
        end = window.end if enough is None else min(window.end, window.start + span)
        found = sorted(_dated(session, Window(window.start, end), unread=unread))
        if end >= window.end or (enough is not None and len(found) > enough):
            return found
        span *= _SPAN_GROWTH


def _dated(session: Session, window: Window, *, unread: bool) -> Iterator[tuple[datetime, int]]:
    first, last = (window.start - _ZONES).date(), (window.end + _ZONES).date()
    criteria = ["SINCE", first, "BEFORE", last, *(["UNSEEN"] if unread else [])]
    for uid, received in received_at(session, _searched(session, criteria)).items():
        if window.start <= second_of(received) < window.end:
            yield received, uid


def received_at(session: Session, uids: Sequence[int]) -> Mapping[int, datetime]:
    """The receipt times of those that are there."""
    found: dict[int, datetime] = {}
    for start in range(0, len(uids), MOST_DATES):
        some = list(uids[start : start + MOST_DATES])
        found |= _dates(session, spans(some))
    return {uid: found[uid] for uid in uids if uid in found}


def _dates(session: Session, span: str) -> dict[int, datetime]:
    rows = session.ask(lambda client: client.rows(span, ["INTERNALDATE"]))
    dates = {uid: in_utc(row.get(b"INTERNALDATE")) for uid, row in rows.items()}
    return {uid: date for uid, date in dates.items() if date is not None}


def in_utc(told: object) -> datetime | None:
    """A moment that a server has told; None for what is none, be it in a zone that there cannot be."""
    if not isinstance(told, datetime):
        return None
    try:
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def spans(uids: Sequence[int]) -> str:
    """Numbers as ranges: `4:9,11`."""
    parts: list[list[int]] = []
    for uid in sorted(uids):
        if parts and uid == parts[-1][1] + 1:
            parts[-1][1] = uid
        else:
            parts.append([uid, uid])
    return ",".join(f"{low}:{high}" if high > low else str(low) for low, high in parts)


def _behind(session: Session, span: str, last: int) -> list[int]:
    return sorted(uid for uid in _searched(session, ["UID", span]) if uid > last)


def _searched(session: Session, criteria: list[object]) -> list[int]:
    return list(session.ask(lambda client: IMAPClient.search(client, criteria)))
