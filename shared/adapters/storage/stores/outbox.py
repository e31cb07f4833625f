"""The table Outbox: every mail that was asked for, and beside them each mailbox's list of those on their way.

A mail's place in the list is written with the mail, in one transaction, and goes with its end. At the head of the list
stands the mailbox's pace, so that both are read together, and what is handed over is counted with the row that says so.
A mail that is not large also stands in its place whole, so that reading the list reads the mails. Each change of a mail
writes both rows, so that the ETag of either one guards both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from shared.adapters.storage.codec import from_plain, to_plain
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.encoding import CONTENT, escaped, packed, part_names, unescaped, unpacked
from shared.adapters.storage.table import Operation, Row, Table, etag_of, in_partition, saving, where
from shared.domain import names
from shared.domain.campaigns.campaigns import CampaignMail
from shared.domain.errors import Conflict, NotFound
from shared.domain.filing.entries import ordered
from shared.domain.sending.outbox import CampaignPlace, OutboxMail
from shared.domain.sending.pacing import Pace
from shared.domain.sending.states import State
from shared.ports.stores.sending import DueMail, OutboxFilter

_CODE: Final = "code:"
_DUE: Final = "due:"
_BEHIND_DUE: Final = "due;"
_KEY: Final = "key:"
_OF_CAMPAIGN: Final = "of:"
# Behind the ids of all mails, which begin with a time, and before the other rows.
_BEHIND_MAILS: Final = _CODE
# Before every time, so that it heads its mailbox's list. It is due at any time and names no mail.
_PACE: Final = "-pace"
_COLUMNS: Final = ("RowKey", *part_names())
_LISTED: Final = ("PartitionKey", "id", "begun", "untold", *_COLUMNS)
# A place holds its mail up to this size, compressed: a hundred places are read at once.
_SMALL: Final = 12 * 1024
# Before an ETag that is the place's, not the mail's.
_OF_PLACE: Final = "place "
# Azure has no empty times in filters; its first one stands for "due at once".
_AT_ONCE: Final = datetime(1601, 1, 1, tzinfo=UTC)


class AzureOutbox:
    """Implements `ports.Outbox`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._mails = Table(connection, names.OUTBOX)

    def add(self, mail: OutboxMail) -> OutboxMail:
        """One request; three more where the key is taken."""
        creates = [
            Operation("create", _row(mail)),
            Operation("create", _under_code(mail)),
            Operation("upsert", _place_of(mail)),
        ]
        if mail.key_hash:
            creates.append(Operation("create", _pointer(mail)))
        creates += _of_campaign(mail)
        try:
            return replace(mail, etag=self._mails.transact(creates)[0])
        except Conflict:
            # A create whose answer was lost meets itself.
            standing = self.of_key(mail.tenant_id, mail.key_hash)
            if standing is None:
                raise
            return standing

    def get(self, tenant_id: str, mail_id: str) -> OutboxMail | None:
        """One request."""
        row = self._mails.get(escaped(tenant_id), escaped(mail_id), _COLUMNS)
        return _mail(row) if row else None

    def of_key(self, tenant_id: str, key_hash: str) -> OutboxMail | None:
        """Two requests; one for an unknown key."""
        pointer = self._mails.get(escaped(tenant_id), _KEY + escaped(key_hash), ("row",))
        return self.get(tenant_id, unescaped(str(pointer["row"]))) if pointer else None

    def of_code(self, tenant_id: str, number: int, *, limit: int) -> list[OutboxMail]:
        """One range query, and a request for each mail, side by side."""
        prefix = _prefix(number)
        condition = in_partition(escaped(tenant_id), first=prefix, last=prefix + "~")
        rows = islice(self._mails.rows(condition, select=("RowKey",), page=limit), limit)
        ids = [unescaped(str(row["RowKey"]).removeprefix(prefix)) for row in rows]
        found = self._connection.side_by_side(lambda mail_id: self.get(tenant_id, mail_id), ids)
        return [mail for mail in found if mail is not None]

    def save(self, mail: OutboxMail) -> OutboxMail:
        """One request; one more for what changes after its end."""
        try:
            return self._save(mail)[0]
        except NotFound:
            # It is in no list any more, as it had ended before.
            etags = self._mails.transact([Operation("merge", _row(mail), mail.etag), *_of_campaign(mail)])
            return replace(mail, etag=etags[0])

    def told(self, mails: Sequence[OutboxMail]) -> list[OutboxMail]:
        """A request for fifty of them; one more for each of those among which one was changed meanwhile."""
        etags = self._mails.write_together({mail.id: _told(mail) for mail in mails})
        return [replace(mail, untold=False, etag=etags[mail.id][0]) for mail in mails if mail.id in etags]

    def begin(self, mails: Sequence[OutboxMail]) -> list[OutboxMail]:
        """One request; one more for each of those among which one was changed meanwhile."""
        etags = self._mails.write_together({mail.id: _beginning(mail) for mail in mails})
        return [_after_beginning(mail, etags[mail.id]) for mail in mails if mail.id in etags]

    def start(self, mail: OutboxMail, pace: Pace) -> tuple[OutboxMail, Pace]:
        """One request."""
        saved, etags = self._save(mail, saving(_pace_row(mail, pace), pace.etag))
        return saved, replace(pace, etag=etags[-1])

    def _save(self, mail: OutboxMail, *others: Operation) -> tuple[OutboxMail, list[str]]:
        own, of_place = _etags(mail)
        is_over = mail.has_ended and not mail.untold
        # Where the mail was read from its place, that must not be made anew.
        kept = "merge" if of_place else "upsert"
        place = Operation("delete" if is_over else kept, _place_of(mail), of_place)
        operations = [Operation("merge", _row(mail), own), place, *_of_campaign(mail), *others]
        try:
            etags = self._mails.transact(operations)
        except NotFound as error:
            if not of_place:
                raise
            # Its place has gone, or goes as the mail itself has.
            self._clear_place(place.row, of_place)
            raise Conflict("the mail has ended meanwhile, or was deleted") from error
        return replace(mail, etag=etags[0]), etags

    def _clear_place(self, row: Mapping[str, Any], etag: str) -> None:
        """Unless it has been written since: a mail that goes on needs it."""
        with suppress(Conflict):
            self._mails.delete(str(row["PartitionKey"]), str(row["RowKey"]), etag)

    def of_campaign(self, tenant_id: str, campaign_id: str) -> Iterator[CampaignMail]:
        """A request for each thousand mails."""
        prefix = f"{_OF_CAMPAIGN}{escaped(campaign_id)}:"
        condition = in_partition(escaped(tenant_id), first=prefix, last=prefix + "~")
        for row in self._mails.rows(condition, select=("RowKey", "row", "state", "code")):
            number = int(str(row["RowKey"]).removeprefix(prefix))
            yield CampaignMail(number, unescaped(str(row["row"])), State(str(row["state"])), str(row["code"]))

    def page(
        self, tenant_id: str, wanted: OutboxFilter, *, limit: int, after: str
    ) -> tuple[list[OutboxMail], str]:
        """One range query; the filter is on Azure's side."""
        condition = in_partition(escaped(tenant_id), beyond=after, last=_BEHIND_MAILS) + _filter(wanted)
        found: list[OutboxMail] = []
        last = ""
        for row in self._mails.rows(condition, select=_COLUMNS, page=limit + 1):
            if len(found) == limit:
                return found, last
            found.append(_mail(row))
            last = str(row["RowKey"])
        return found, ""

    def due(self, tenant_id: str, mailbox_id: str, now: datetime, *, limit: int) -> DueMail:
        """One range query, and a request for each large mail, side by side."""
        found = self._mails.rows(_due(tenant_id, mailbox_id, now), select=_LISTED, page=limit + 1)
        rows = list(islice(found, limit + 1))
        pace = next(
            (from_plain(Pace, unpacked(row), etag=etag_of(row)) for row in rows if not row["id"]), Pace()
        )
        named = [row for row in rows if row["id"]][:limit]
        mails = self._connection.side_by_side(lambda row: self._standing(tenant_id, row), named)
        return DueMail(tuple(mail for mail in mails if mail is not None and mail.is_due(now)), pace)

    def has_due(self, tenant_id: str, mailbox_id: str, now: datetime) -> bool:
        """One range query."""
        return self._has(f"{_due(tenant_id, mailbox_id, now)} and id gt ''")

    def mailboxes_due(self, tenant_ids: Iterable[str], now: datetime) -> Iterator[tuple[str, str]]:
        """A request for each organisation, side by side, and for each mailbox that has any."""
        asked = list(tenant_ids)
        found = self._connection.side_by_side(lambda tenant_id: list(self._mailboxes(tenant_id, now)), asked)
        for tenant_id, mailbox_ids in zip(asked, found, strict=True):
            yield from ((tenant_id, mailbox_id) for mailbox_id in mailbox_ids)

    def _mailboxes(self, tenant_id: str, now: datetime) -> Iterator[str]:
        """From each one that is found, the search goes on behind its list."""
        first, until = _DUE, f"due le {_moment(now)} and id gt ''"
        while True:
            condition = f"{in_partition(escaped(tenant_id), first=first, last=_BEHIND_DUE)} and {until}"
            row = next(self._mails.rows(condition, select=("RowKey",), page=1), None)
            if row is None:
                return
            mailbox = str(row["RowKey"]).removeprefix(_DUE).split("|", 1)[0]
            yield unescaped(mailbox)
            first = f"{_DUE}{mailbox}}}"

    def _has(self, condition: str) -> bool:
        return next(self._mails.rows(condition, select=("RowKey",), page=1), None) is not None

    def _standing(self, tenant_id: str, row: Row) -> OutboxMail | None:
        """The mail of a place in the list; a place whose mail is not there any more, or has ended, goes."""
        mail, untold = _listed(row) or self.get(tenant_id, str(row["id"])), bool(row.get("untold"))
        if mail is None or (mail.has_ended and not untold):
            self._clear_place(row, etag_of(row))
            return None
        return replace(mail, begun=mail.begun or bool(row.get("begun")), untold=untold)


def _row(mail: OutboxMail) -> dict[str, Any]:
    return {**_with_state(mail), "agent": mail.agent, **_content(mail)}


def _with_state(mail: OutboxMail) -> dict[str, Any]:
    return {"PartitionKey": escaped(mail.tenant_id), "RowKey": escaped(mail.id), "state": mail.state.value}


def _content(mail: OutboxMail) -> dict[str, bytes]:
    # A column of its place in the list says it: what was told needs no new row.
    return packed(to_plain(replace(mail, untold=False)))


def _etags(mail: OutboxMail) -> tuple[str, str]:
    """Of its own row and of its place: the one from which it was read, and '' for the other."""
    of_place = mail.etag.startswith(_OF_PLACE)
    return ("", mail.etag.removeprefix(_OF_PLACE)) if of_place else (mail.etag, "")


def _told(mail: OutboxMail) -> list[Operation]:
    """Under the ETag of one row: a mail that goes on meanwhile keeps its place."""
    own, of_place = _etags(mail)
    place = _place_of(replace(mail, untold=False))
    return [
        Operation("merge", _with_state(mail), own),
        Operation("delete" if mail.has_ended else "merge", place, of_place),
    ]


def _beginning(mail: OutboxMail) -> list[Operation]:
    own, of_place = _etags(mail)
    note = Operation("merge", {**_key_of_place(mail), "begun": True}, of_place)
    # The row of a large mail is written as it stands, for its ETag.
    return [note] if of_place else [Operation("merge", _with_state(mail), own), note]


def _after_beginning(mail: OutboxMail, etags: list[str]) -> OutboxMail:
    """As it was read, under the new ETag of what it was read from."""
    return replace(mail, etag=_OF_PLACE + etags[0] if _etags(mail)[1] else etags[0])


def _pointer(mail: OutboxMail) -> dict[str, Any]:
    key = _KEY + escaped(mail.key_hash)
    return {"PartitionKey": escaped(mail.tenant_id), "RowKey": key, "row": escaped(mail.id)}


def _of_campaign(mail: OutboxMail) -> list[Operation]:
    """Its place in its campaign, written with it, so that the figures of that are never others than the mails'."""
    return [Operation("upsert", _in_campaign(mail, mail.campaign))] if mail.campaign else []


def _in_campaign(mail: OutboxMail, place: CampaignPlace) -> dict[str, Any]:
    return {
        "PartitionKey": escaped(mail.tenant_id),
        "RowKey": f"{_OF_CAMPAIGN}{escaped(place.id)}:{place.number:06d}",
        "row": escaped(mail.id),
        "state": mail.state.value,
        "code": mail.error.code if mail.error else "",
    }


def _prefix(number: int) -> str:
    return f"{_CODE}{number:08x}:"


def _under_code(mail: OutboxMail) -> dict[str, Any]:
    """Newest first, as the mails themselves: an answer goes to who wrote last."""
    key = _prefix(mail.code.number) + escaped(mail.id)
    return {"PartitionKey": escaped(mail.tenant_id), "RowKey": key}


def _place_of(mail: OutboxMail) -> dict[str, Any]:
    due = max(filter(None, (mail.send_at, mail.not_before)), default=_AT_ONCE)
    return {
        **_key_of_place(mail),
        "id": mail.id,
        "due": _AT_ONCE if mail.untold else due.astimezone(UTC),
        "begun": mail.begun,
        "untold": mail.untold,
        **_if_small(_content(mail)),
    }


def _if_small(content: dict[str, bytes]) -> dict[str, bytes]:
    """A mail in its place; an empty value for a large one, since a merge would leave what stood there."""
    [first, *others] = content.values()
    return content if not others and len(first) <= _SMALL else packed(None)


def _listed(row: Row) -> OutboxMail | None:
    """The mail that stands in its place; None where that only names it."""
    # Of a row that lacks a column Azure tells the column as null.
    plain = unpacked(row) if row.get(CONTENT) else None
    return from_plain(OutboxMail, plain, etag=_OF_PLACE + etag_of(row)) if plain else None


def _key_of_place(mail: OutboxMail) -> dict[str, Any]:
    key = f"{_list(mail.mailbox_id)}{ordered(mail.created_at)}-{escaped(mail.id)}"
    return {"PartitionKey": escaped(mail.tenant_id), "RowKey": key}


def _pace_row(mail: OutboxMail, pace: Pace) -> dict[str, Any]:
    return {
        "PartitionKey": escaped(mail.tenant_id),
        "RowKey": _list(mail.mailbox_id) + _PACE,
        "id": "",
        "due": _AT_ONCE,
        **packed(to_plain(pace)),
    }


def _list(mailbox_id: str) -> str:
    return f"{_DUE}{escaped(mailbox_id)}|"


def _due(tenant_id: str, mailbox_id: str, now: datetime) -> str:
    first = _list(mailbox_id)
    return f"{in_partition(escaped(tenant_id), first=first, last=first + '~')} and due le {_moment(now)}"


def _mail(row: Row) -> OutboxMail:
    return from_plain(OutboxMail, unpacked(row), etag=etag_of(row))


def _filter(wanted: OutboxFilter) -> str:
    columns = {"state": wanted.state.value if wanted.state else "", "agent": wanted.agent}
    return "".join(f" and {where(**{name: value})}" for name, value in columns.items() if value)


def _moment(moment: datetime) -> str:
    return f"datetime'{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}'"
