"""Notices as the agent reads them: listed, opened, dismissed. The list is the caller's own, whoever calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final

from shared.domain.errors import Unknown
from shared.domain.events.events import Change, What
from shared.domain.filing.entries import decode_cursor, encode_cursor
from shared.domain.notices.notices import Notice
from shared.domain.privacy.callers import ADMIN, AGENT, SERVICE, Caller
from shared.domain.records.records import Record, RecordRef
from shared.ports.stores.notices import Notices, Told
from shared.ports.stores.records import Records
from shared.services.events.announcing import AnnounceChanges
from shared.services.filing.reading import MessageView, ReadMessage
from shared.services.matching.current_records import current_records

_UNKNOWN: Final = "There is no such notice of yours. GET notices lists them."


@dataclass(frozen=True, slots=True)
class NoticePage:
    """Notices newest first. `count` is that of all; `records` are those that stand for the notices' records now."""

    count: int
    notices: tuple[Notice, ...]
    records: Mapping[RecordRef, Record]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class ReadNotices:
    """The caller's own notices. Programs have none.

    Costs a read for the count and a query for the page, however many there are, and a read for each of its records.
    """

    notices: Notices
    records: Records

    def __call__(self, caller: Caller, *, limit: int, cursor: str) -> NoticePage:
        """Raises InvalidInput for a foreign cursor."""
        agent = reader(caller)
        after = decode_cursor(cursor) if cursor else ""
        if not agent:
            return NoticePage(0, (), {}, None)
        count = self.notices.count(caller.tenant_id, agent)
        found, last = self.notices.page(caller.tenant_id, agent, limit=limit, after=after)
        refs = dict.fromkeys(chain.from_iterable(notice.records for notice in found))
        records = current_records(self.records, caller.tenant_id, refs)
        return NoticePage(count, tuple(found), records, encode_cursor(last) if last else None)

    def count(self, caller: Caller) -> int:
        """How many the caller has. One read."""
        agent = reader(caller)
        return self.notices.count(caller.tenant_id, agent) if agent else 0


@dataclass(frozen=True, slots=True)
class DismissNotices:
    """Take notices from the caller's list; timelines, messages and My Inbox stay as they are.

    Readers of the feed are told behind it, also where a repeat finds nothing to take: the first may have been killed.
    """

    notices: Notices
    announce: AnnounceChanges

    def __call__(self, caller: Caller, notice_id: str) -> None:
        """Dismissed before: it is only told again. Raises Unknown for a notice that is not the caller's own."""
        told = find(self.notices, caller, notice_id)
        self.notices.dismiss(caller.tenant_id, reader(caller), told.notice_id)
        self._tell(caller, [told.message_key])

    def until(self, caller: Caller, notice_id: str) -> None:
        """Those that were written no later than this one. Raises Unknown as well."""
        told = find(self.notices, caller, notice_id)
        agent, keys = reader(caller), [told.message_key]
        while dismissed := self.notices.dismiss_until(caller.tenant_id, agent, notice_id):
            self._tell(caller, [notice.message_key for notice in dismissed])
            keys = []
        self._tell(caller, keys)

    def _tell(self, caller: Caller, keys: list[str]) -> None:
        agent = reader(caller)
        self.announce(caller.tenant_id, [Change(What.NOTICE_REMOVED, key, key, agent=agent) for key in keys])


@dataclass(frozen=True, slots=True)
class OpenNotice:
    """Read the mail of a notice, which takes it from the list. Opened again, the mail is read once more."""

    notices: Notices
    dismiss: DismissNotices
    read_message: ReadMessage

    def __call__(self, caller: Caller, notice_id: str) -> MessageView:
        """Raises Unknown, also for a mail that is gone."""
        told = find(self.notices, caller, notice_id)
        view = self.read_message(caller, told.message_key)
        self.dismiss(caller, notice_id)
        return view


def reader(caller: Caller) -> str:
    """The name under which a caller's notices stand; '' for a program."""
    caller.needs(AGENT, ADMIN, SERVICE)
    return caller.oid if caller.is_person else ""


def find(notices: Notices, caller: Caller, notice_id: str) -> Told:
    """A notice of the caller's own. Raises Unknown."""
    agent = reader(caller)
    told = notices.told(caller.tenant_id, agent, notice_id) if agent else None
    if told is None:
        raise Unknown(_UNKNOWN)
    return told
