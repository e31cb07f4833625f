"""Delta of the messages of one folder, with the habits that clients stumble over.

Pages may be empty, items may come twice, updates are partial, and an item that left a folder and came back between two
calls is reported removed and never again (with immutable ids). The state of a walk travels in its token.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from dev.simulator.errors import GraphError, bad_request
from dev.simulator.filters import Filter, parse_filter
from dev.simulator.items import Folder, LogEntry, StoredMessage
from dev.simulator.mailbox import Mailbox
from dev.simulator.query import DEFAULT_PAGE, parse_order
from dev.simulator.rendering import Renderer
from dev.simulator.view import View

FILTERED_MAXIMUM = 5000  # with $filter, delta returns at most 5,000 messages (message-delta)
_KEY = b"simulated sync state"


@dataclass(frozen=True, slots=True)
class SyncState:
    """Where a walk stands: `after` is the order of the last item served; once `walked`, the log from `mark` on is told.

    `told` is the sequence up to which a round of several pages has been told. `cap`: the first round ends after so
    many items, though there are more; 0: it does not.
    """

    folder: str
    mark: int
    select: str | None = None
    expand: str | None = None
    filter: str | None = None
    size: int = 10
    changes: str | None = None
    walked: bool = False
    after: tuple[float, int] | None = None
    served: int = 0
    told: int = 0
    paused: bool = False
    cap: int = 0

    def token(self) -> str:
        body = json.dumps(asdict(self), separators=(",", ":")).encode()
        return (
            base64.urlsafe_b64encode(hmac.digest(_KEY, body, "sha256")[:12] + body)
            .decode("ascii")
            .rstrip("=")
        )

    @classmethod
    def parse(cls, token: str) -> "SyncState":
        """Raises GraphError 410 for a token that is not known (any more)."""
        try:
            data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError as error:
            raise gone() from error
        seal, body = data[:12], data[12:]
        if not hmac.compare_digest(seal, hmac.digest(_KEY, body, "sha256")[:12]):
            raise gone()
        fields = json.loads(body)
        if "folder" not in fields:
            raise gone()
        after = fields.pop("after")
        return cls(**fields, after=(after[0], after[1]) if after else None)


def gone() -> GraphError:
    """The sync state is lost: start again."""
    return GraphError(
        410,
        "SyncStateNotFound",
        "The sync state generation is not found; generation=149;[highest=157][157][155][156].",
        headers={"Location": "?$deltatoken="},
    )


@dataclass(frozen=True, slots=True)
class Page:
    """One page, the state after it, and whether the round is over (then the state goes into a deltaLink)."""

    items: list[dict[str, object]]
    state: SyncState
    done: bool
    messages: list[StoredMessage]


def start(mailbox: Mailbox, folder: Folder, query: dict[str, str], *, cap: int) -> SyncState:
    """The state of a first call. Raises GraphError 400 for options that message delta does not take."""
    if text := query.get("$filter"):
        conditions = parse_filter(text)
        if conditions.properties != ("receiveddatetime",) or not re.search(r"\s(ge|gt)\s", text, re.I):
            raise bad_request(
                "Change tracking supports only $filter=receivedDateTime ge|gt {value}.",
                "ErrorInvalidUrlQueryFilter",
            )
    if (order := query.get("$orderby")) and parse_order(order) != [("receiveddatetime", True)]:
        raise bad_request("Change tracking supports only $orderby=receivedDateTime desc.")
    if "$search" in query:
        raise bad_request("Change tracking does not support $search.")
    return SyncState(
        folder.id,
        mailbox.sequence,
        query.get("$select"),
        query.get("$expand"),
        query.get("$filter"),
        DEFAULT_PAGE,
        query.get("changetype"),
        cap=cap,
    )


@dataclass(frozen=True, slots=True)
class Walk:
    """Serves the pages of one folder to one reader."""

    mailbox: Mailbox
    folder: Folder
    view: View
    renderer: Renderer
    seed: int

    def page(self, state: SyncState) -> Page:
        """The next page of this state."""
        if self.renderer.habits.empty_delta_pages and not state.paused and self._chance(state, "empty", 5):
            return Page([], replace(state, paused=True), False, [])
        state = replace(state, paused=False)
        return self._changes(state) if state.walked else self._walk(state)

    def _chance(self, state: SyncState, what: str, one_in: int) -> bool:
        text = f"{self.seed}|{what}|{state.mark}|{state.after}|{state.served}|{state.walked}"
        return hashlib.blake2b(text.encode(), digest_size=2).digest()[0] % one_in == 0

    def _filter(self, state: SyncState) -> Filter:
        return parse_filter(state.filter or "")

    def _walk(self, state: SyncState) -> Page:
        messages = self.mailbox.ordered(self.folder)
        start_at = _position(messages, state.after)
        if state.changes and "created" not in state.changes:
            messages = []
        if (
            start_at
            and state.size > 1
            and self.renderer.habits.repeated_delta_items
            and self._chance(state, "repeat", 4)
        ):
            start_at -= 1
        if state.filter:
            rule = self._filter(state).rule
            allowed = max(0, FILTERED_MAXIMUM - state.served)
            eligible = [message for message in messages[start_at:] if rule(message)][:allowed]
        else:
            eligible = messages[start_at : start_at + state.size + 1]
        if state.cap:
            eligible = eligible[: max(0, state.cap - state.served)]
        shown = eligible[: state.size]
        items = [self.renderer.message(self.mailbox, message, self.view) for message in shown]
        if len(eligible) > len(shown):
            last = shown[-1]
            after = (last.received.timestamp(), last.key)
            return Page(items, replace(state, after=after, served=state.served + len(shown)), False, shown)
        return self._end(state, items, shown, state.mark)

    def _end(
        self, state: SyncState, items: list[dict[str, object]], shown: list[StoredMessage], mark: int
    ) -> Page:
        """The last page: a deltaLink."""
        return Page(items, replace(state, walked=True, after=None, served=0, told=0, mark=mark), True, shown)

    def _changes(self, state: SyncState) -> Page:
        log = self.folder.log
        low, high = 0, len(log)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if log[middle].sequence <= state.mark else (low, middle)
        groups = self._grouped(log[low:], self._filter(state))
        wanted = [group for group in groups if not state.changes or _name_of(group) in state.changes]
        wanted = [group for group in wanted if group[-1].sequence > state.told]
        shown = wanted[: state.size]
        items = [self._item(group) for group in shown]
        messages = [group[-1].message for group in shown if _name_of(group) != "deleted"]
        if len(shown) < len(wanted):
            return Page(
                items,
                replace(state, told=shown[-1][-1].sequence, served=state.served + len(shown)),
                False,
                messages,
            )
        return self._end(state, items, messages, self.mailbox.sequence)

    def _grouped(self, entries: Iterable[LogEntry], conditions: Filter) -> list[list[LogEntry]]:
        """What happened to each item, items in the order of their last event (so a page can end after any of them)."""
        groups: dict[object, list[LogEntry]] = {}
        for entry in entries:
            if entry.kind == "removed" or conditions.rule(entry.message):
                key = entry.message.key if self.view.preferences.immutable_ids else entry.mutable_id
                groups.setdefault(key, []).append(entry)
        return sorted(groups.values(), key=lambda group: group[-1].sequence)

    def _item(self, group: list[LogEntry]) -> dict[str, object]:
        last, name = group[-1], _name_of(group)
        item_id = last.message.immutable_id if self.view.preferences.immutable_ids else last.mutable_id
        if name == "deleted":
            reason = next(entry.reason for entry in reversed(group) if entry.kind == "removed")
            return {"@odata.type": "#microsoft.graph.message", "id": item_id, "@removed": {"reason": reason}}
        if name == "created":
            return self.renderer.message(self.mailbox, last.message, self.view)
        changed = frozenset().union(*(entry.properties for entry in group))
        return self.renderer.partial(last.message, item_id, changed, self.view)


def _name_of(group: list[LogEntry]) -> str:
    """What the reader is told. Known before and removed once in between: removed, even if it has come back."""
    if group[0].kind == "added":
        return "deleted" if group[-1].kind == "removed" else "created"
    return "deleted" if any(entry.kind == "removed" for entry in group) else "updated"


def _position(messages: list[StoredMessage], after: tuple[float, int] | None) -> int:
    """The index of the first item older than `after`, in a list that is newest first."""
    if after is None:
        return 0
    moment = (datetime.fromtimestamp(after[0], UTC), after[1])
    low, high = 0, len(messages)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if messages[middle].order >= moment else (low, middle)
    return low


def resized(state: SyncState, size: int | None) -> SyncState:
    """`odata.maxpagesize` on a later call changes the size from there on."""
    return replace(state, size=size) if size else state
