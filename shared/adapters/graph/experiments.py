"""What Graph does in a tenant where sources disagree, tried on one mailbox: each habit by a request or three.

Reads ids, extended properties, attachments' metadata and the user's addresses; no text of a mail.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from shared.adapters.graph import changes, parsing, properties, selections
from shared.adapters.graph.errors import NotTaken
from shared.adapters.graph.options import Option, Options, Parts
from shared.adapters.graph.remembered import HABITS
from shared.adapters.graph.session import GraphSession, Json, path, query
from shared.domain.connections.habits import Habit
from shared.domain.errors import PermanentError, TransientError

Findings = Mapping[Habit, bool | None]
Found = TypeVar("Found")

_WHOLE: Final = (Option.ATTACHMENTS, Option.CONTENT_IDS, Option.PROPERTIES)
_OF_CHANGES: Final = frozenset({Option.DELTA_PROPERTIES})
_NEWEST: Final = 50
# Mails that a list shows with a text of just the length at which Exchange cuts, and that are compared.
_COMPARED: Final = 3
_PROPERTIES_OF_LISTS: Final = query(select="id", expand=selections.PROPERTIES, top=str(_NEWEST))
# Graph may begin a delta with pages that hold nothing.
_MOST_PAGES: Final = 5
_MAIN: Final = "SMTP:"


@dataclass(frozen=True, slots=True)
class Experiments:
    """`user` is how Graph is asked for the mailbox."""

    session: GraphSession
    tenant_id: str
    user: str

    def __call__(self) -> Findings:
        """The outcome of each; one that Graph does not answer, or that needs another mailbox, is None."""
        found: dict[Habit, bool | None] = dict(self._parts())
        alone = {
            Habit.LISTS_OF_PREFERRED_SIZE: self._keeps_preferred_size,
            Habit.LISTS_WITH_WHOLE_TEXTS: self._shows_whole_texts,
            Habit.ADDRESSES_IN_ANY_CASE: self._finds_in_any_case,
        }
        return found | {habit: _outcome(trial) for habit, trial in alone.items()}

    def _parts(self) -> Findings:
        """Those that are parts of requests; the process goes by them from now on."""
        item = _outcome(self._newest)
        found = {Option.DELTA_PROPERTIES: _outcome(self._shows_properties_of_changes)}
        found |= dict.fromkeys(_WHOLE)
        if item is not None:
            found |= _outcome(lambda: self._takes_whole(item)) or {}
        learnt = {part: is_taken for part, is_taken in found.items() if is_taken is not None}
        self.session.options(self.tenant_id).learn(learnt)
        return {HABITS[part]: is_taken for part, is_taken in found.items()}

    @property
    def _inbox(self) -> str:
        return path("users", self.user, "mailFolders", "inbox", "messages")

    def _newest(self) -> str | None:
        mails = self._get(self._inbox + query(select="id", top="1")).get("value")
        return str(mails[0]["id"]) if mails else None

    def _takes_whole(self, item: str) -> Mapping[Option, bool | None]:
        def ask(given: Parts) -> Json:
            return self._get(path("users", self.user, "messages", item) + selections.FRAME.options(given))

        trial = Options(is_trial=True)
        trial.attempt(selections.FRAME.parts, ask)
        return {part: trial.found(part) for part in _WHOLE}

    def _shows_properties_of_changes(self) -> bool | None:
        """An answer without the properties counts as a refusal where the mail itself has them."""
        trial = Options(proven=_OF_CHANGES, is_trial=True)
        page = trial.attempt(
            _OF_CHANGES, lambda given: self._get(changes.first(self._inbox, None, given).link)
        )
        if not trial.found(Option.DELTA_PROPERTIES):
            return False
        entries = self._entries(page)
        if any(map(properties.extended_properties, entries)):
            return True
        return False if any(map(self._has_properties, entries[:_COMPARED])) else None

    def _entries(self, page: Json) -> list[Json]:
        """The mails of the first page that holds any."""
        for _ in range(_MOST_PAGES):
            entries = [entry for entry in page.get("value") or () if not parsing.is_removed(entry)]
            link = page.get("@odata.nextLink")
            if entries or not link:
                return entries
            page = self._get(link)
        return []

    def _has_properties(self, entry: Json) -> bool:
        return bool(properties.extended_properties(self._alone(entry)))

    def _keeps_preferred_size(self) -> bool | None:
        """Without a size a list has pages of ten. A single mail says nothing, unless more are to come."""
        try:
            page = self.session.get(
                self.tenant_id, self._inbox + query(select="id"), prefer="odata.maxpagesize=1"
            )
        except NotTaken:
            return False
        if len(page.get("value") or ()) > 1:
            return False
        return True if page.get("@odata.nextLink") else None

    def _shows_whole_texts(self) -> bool | None:
        entries = self._get(self._inbox + _PROPERTIES_OF_LISTS).get("value") or ()
        lengths = [(max(_lengths(entry), default=0), entry) for entry in entries]
        if any(length > parsing.LISTED_PROPERTY for length, _ in lengths):
            return True
        suspects = [entry for length, entry in lengths if length == parsing.LISTED_PROPERTY]
        return False if any(map(self._is_longer, suspects[:_COMPARED])) else None

    def _is_longer(self, entry: Json) -> bool:
        """Whether the mail itself has a longer text than the list showed."""
        return max(_lengths(self._alone(entry)), default=0) > parsing.LISTED_PROPERTY

    def _finds_in_any_case(self) -> bool | None:
        """The main address is marked `SMTP:`; a directory without regard to case finds it as `smtp:` too."""
        where = path("users", self.user) + query(select="proxyAddresses")
        proxies = [str(proxy) for proxy in self._get(where).get("proxyAddresses") or ()]
        main = next((proxy.removeprefix(_MAIN) for proxy in proxies if proxy.startswith(_MAIN)), None)
        if main is None:
            return None
        if self._finds(_MAIN.lower() + main):
            return True
        return False if self._finds(_MAIN + main) else None

    def _finds(self, proxy: str) -> bool:
        quoted = proxy.replace("'", "''")
        where = query(filter=f"proxyAddresses/any(p:p eq '{quoted}')", select="id")
        return bool(self._get(path("users") + where).get("value"))

    def _alone(self, entry: Json) -> Json:
        """A mail's properties, read by its id, where they are never cut."""
        item = path("users", self.user, "messages", str(entry["id"]))
        return self._get(item + query(select="id", expand=selections.PROPERTIES))

    def _get(self, where: str) -> Json:
        return self.session.get(self.tenant_id, where)


def _lengths(entry: Json) -> Iterator[int]:
    return map(len, properties.extended_properties(entry).values())


def _outcome(trial: Callable[[], Found]) -> Found | None:
    try:
        return trial()
    except (PermanentError, TransientError):
        return None
