"""Mail marked as read over IMAP: the one place that opens a folder to change it, for intake mailboxes alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.adapters.imap.messages import uid_of
from shared.adapters.imap.ranges import opened, spans
from shared.adapters.imap.sessions import Session, Sessions
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import AccessDenied, NotFound, Outcome, PermanentError, TransientError
from shared.domain.mail.items import ItemRef

_SEEN: Final = b"\\Seen"
# Some servers answer OK and keep nothing.
NOT_KEPT: Final = "SeenNotKept"


@dataclass(frozen=True, slots=True)
class ImapMarker:
    """Implements `ports.MailMarker`: three commands for each folder."""

    sessions: Sessions

    def mark_read(self, mailbox: Mailbox, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[None]]:
        """Folder by folder. Once one fails for now, no more are tried."""
        by_folder: defaultdict[str, list[ItemRef]] = defaultdict(list)
        for item in items:
            by_folder[item.folder].append(item)
        outcomes: dict[ItemRef, Outcome[None]] = {}
        for folder, some in by_folder.items():
            try:
                # A refused sign-in is one for all folders, and is tried once.
                with self.sessions.of(mailbox) as session:
                    outcomes |= _tried(session, folder, some)
            except TransientError:
                if not outcomes:
                    raise
                break
        return outcomes


def _tried(session: Session, name: str, items: Sequence[ItemRef]) -> Mapping[ItemRef, Outcome[None]]:
    try:
        return _marked(session, name, items)
    except PermanentError as error:
        return dict.fromkeys(items, error)


def _marked(session: Session, name: str, items: Sequence[ItemRef]) -> dict[ItemRef, Outcome[None]]:
    folder = opened(session, name, is_read_only=False)
    uids = {item: uid_of(folder, item) for item in items}
    found = sorted(uid for uid in uids.values() if uid is not None)
    refused: PermanentError | None = None
    try:
        session.ask(lambda client: client.add_flags(found, [_SEEN], silent=True)) if found else None
    except PermanentError as error:
        refused = error
    kept = _flags(session, found)
    return {item: _outcome(kept, uid, refused) for item, uid in uids.items()}


def _flags(session: Session, uids: Sequence[int]) -> Mapping[int, Sequence[bytes]]:
    if not uids:
        return {}
    rows = session.ask(lambda client: client.rows(spans(uids), ["FLAGS"]))
    return {uid: _words(row.get(b"FLAGS") or ()) for uid, row in rows.items()}


def _words(flags: Sequence[object]) -> list[bytes]:
    """In small letters; a number among them is none that is looked for."""
    return [flag.lower() for flag in flags if isinstance(flag, bytes)]


def _outcome(
    kept: Mapping[int, Sequence[bytes]], uid: int | None, refused: PermanentError | None
) -> Outcome[None]:
    if uid is None or uid not in kept:
        return NotFound("There is no such mail.")
    if _SEEN.lower() in kept[uid]:
        return None
    return refused or AccessDenied("The mail server does not keep that a mail was read.", NOT_KEPT)
