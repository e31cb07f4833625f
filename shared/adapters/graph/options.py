"""The optional parts of Graph requests, and which of them are left out, since Graph refused them in a tenant.

What Graph takes is documented loosely and differs between its back ends. A request goes on without a part that it
can do without, so that no such part ever keeps a mailbox from being read.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from shared import telemetry
from shared.adapters.graph.errors import Broken, NotTaken

# A refusal may have been the fault of one item or of one back end: the part is tried again after an hour.
FORGIVEN_AFTER: Final = 3_600.0
# What other processes of the tenant learn meanwhile is looked up this often.
RECALLED_FOR: Final = 600.0
# So many 400s in a row make an exception a rule, where Graph has taken the part before.
REFUSALS: Final = 3


class Option(StrEnum):
    """A part that a request can do without. What is lost with it is read in another way, where there is one.

    Of several parts the first one here is suspected first.
    """

    DELTA_PROPERTIES = "delta_properties"
    """Extended properties in a delta, which most back ends refuse; else mail without headers is read by its id."""
    DELTA_HEADERS = "delta_headers"
    """`internetMessageHeaders` in the `$select` of a delta; else each mail is read by its id."""
    PAGE_SIZE = "page_size"
    """`Prefer: odata.maxpagesize` of a delta; else pages are as long as Graph likes."""
    LIST_PROPERTIES = "list_properties"
    """Extended properties in a list; else mail that shows no headers is read by its id."""
    ORDER = "order"
    """`$orderby` of a list; else all ids of the window are read, and put in order here."""
    CONTENT_IDS = "content_ids"
    """The cast to `fileAttachment` in expanded attachments; else they are listed where a body points to one."""
    ATTACHMENTS = "attachments"
    """Attachments, with a `$select` of their own, along with their message; else they are listed apart."""
    LISTED_CONTENT_IDS = "listed_content_ids"
    """The same cast in a list of attachments; else inline images have no content ids."""
    PROPERTIES = "properties"
    """Extended properties of one message; else mail without headers has no parents, and counts as private."""
    FOLDER_CLASSES = "folder_classes"
    """The container class of folders; else each folder passes for one of mail."""
    HEADER_TAGS = "header_tags"
    """The tag of a draft in a header of its MIME alone; else it is written as a property in a further request."""


Parts = frozenset[Option]
Answer = TypeVar("Answer")
# Used only where a test of this very tenant, or a mail that it sent, has shown that they hold.
UNUSUAL: Final = frozenset({Option.DELTA_PROPERTIES, Option.HEADER_TAGS})


@dataclass(frozen=True, slots=True)
class Recalled:
    """Whether a part was taken or refused, as it was found out so many seconds ago."""

    is_taken: bool
    age: float


class Memory(Protocol):
    """What is known of one tenant beyond this process."""

    def recall(self) -> Mapping[Option, Recalled]: ...

    def note(self, parts: Iterable[Option], *, is_taken: bool) -> None: ...


class NoMemory:
    """For a process that is alone, and for what is no process's work."""

    def recall(self) -> Mapping[Option, Recalled]:
        return {}

    def note(self, parts: Iterable[Option], *, is_taken: bool) -> None:
        """Nobody else asks."""


class Options:
    """What Graph took and refused in one tenant; may be used by many threads.

    `proven`: parts that are known to be taken. `is_trial`: a refusal is an answer here, and nothing to warn of.
    """

    def __init__(
        self,
        tenant_id: str = "",
        clock: Callable[[], float] = time.monotonic,
        memory: Memory | None = None,
        proven: Parts = frozenset(),
        is_trial: bool = False,
    ) -> None:
        self._tenant_id = tenant_id
        self._clock = clock
        self._memory = memory or NoMemory()
        self._recalled_until = float("-inf")
        self._refused_until: dict[Option, float] = {}
        self._taken: set[Option] = set()
        self._proven = set(proven)
        self._is_trial = is_trial
        # Known to others as refused, for longer than a refusal is held against a part.
        self._doubted: set[Option] = set()
        # 400s since the part was last taken.
        self._refusals: Counter[Option] = Counter()

    def usable(self, parts: Parts) -> Parts:
        """Those that a request may have now. Raises TransientError where it is not known and storage is busy."""
        self._recall()
        now = self._clock()
        asked = (part for part in parts if part not in UNUSUAL or part in self._proven)
        return frozenset(part for part in asked if self._refused_until.get(part, 0.0) <= now)

    def found(self, part: Option) -> bool | None:
        """Whether Graph took the part in this process, refused it, or was not asked."""
        if self._refused_until.get(part, 0.0) > self._clock():
            return False
        return True if part in self._taken else None

    def learn(self, findings: Mapping[Option, bool]) -> None:
        """What a test on purpose found out: it counts more than what was met at work."""
        for part, is_taken in findings.items():
            if is_taken:
                self._proven.add(part)
                self._refused_until.pop(part, None)
            else:
                self._refused_until[part] = self._clock() + FORGIVEN_AFTER

    def observe(self, part: Option, *, holds: bool) -> None:
        """What an item has shown of a part that is unusual; the others are told where it is new."""
        if holds == bool(self.usable(frozenset({part}))):
            return
        change = self._proven.add if holds else self._proven.discard
        change(part)
        self._refused_until.pop(part, None)
        self._memory.note([part], is_taken=holds)

    def knows(self, part: Option) -> bool:
        """Whether Graph has taken it, or refuses it."""
        return part in self._taken or not self.usable(frozenset({part}))

    def attempt(self, parts: Parts, ask: Callable[[Parts], Answer]) -> Answer:
        """What `ask` gives for a request with these parts, as far as Graph takes them. Raises what `ask` raises."""
        given = self.usable(parts)
        try:
            found = ask(given)
        except (NotTaken, Broken) as error:
            if not self.suspects(given, error):
                raise
            return self.settle(given, ask, error)
        self.take(given)
        return found

    def take(self, given: Parts) -> None:
        """A request with these parts was answered."""
        self._taken |= given
        for part in given:
            self._refusals.pop(part, None)
        recovered = given & self._doubted
        if recovered:
            self._doubted -= recovered
            self._memory.note(recovered, is_taken=True)

    def suspects(self, given: Parts, outcome: object) -> bool:
        """Whether an outcome may be the fault of a part.

        A part that was taken before is not to blame for a 500: the item or the weather is.
        """
        if isinstance(outcome, Broken):
            return not given <= self._taken
        return isinstance(outcome, NotTaken) and bool(given)

    def settle(self, given: Parts, ask: Callable[[Parts], Answer], error: NotTaken | Broken) -> Answer:
        """The answer to a request that was refused with these parts; the refused parts are left out for an hour.

        A part that Graph has taken before is left out of this one request, and of others only after several such
        refusals in a row: one item may be odd. Raises the same error where the request fails without any part too.
        """
        bare = _tried(ask, frozenset())
        if bare is None:
            raise error
        if isinstance(error, Broken):
            again = _tried(ask, given)
            if again is not None:  # a passing failure
                self.take(given)
                return again
        for part in filter(given.__contains__, Option):
            found = _tried(ask, given - {part}) if len(given) > 1 else bare
            if found is not None:
                self._refuse(frozenset({part}), error)
                self.take(given - {part})
                return found
        self._refuse(given, error)
        return bare

    def _refuse(self, parts: Parts, error: NotTaken | Broken) -> None:
        refused = [part for part in sorted(parts) if self._is_rule(part)]
        if not refused:
            return
        self._refused_until |= dict.fromkeys(refused, self._clock() + FORGIVEN_AFTER)
        if self._is_trial:
            return
        self._memory.note(refused, is_taken=False)
        telemetry.alert(
            telemetry.GRAPH_OPTION_REFUSED,
            tenant=self._tenant_id,
            options=refused,
            error=type(error).__name__,
        )

    def _recall(self) -> None:
        now = self._clock()
        if now < self._recalled_until:
            return
        for part, recalled in self._memory.recall().items():
            self._remember(part, recalled, now)
        self._recalled_until = now + RECALLED_FOR

    def _remember(self, part: Option, recalled: Recalled, now: float) -> None:
        """What others found out. That they saw it taken does not clear it of a 500 here."""
        if recalled.is_taken:
            self._proven.add(part)
            return
        self._proven.discard(part)
        left = FORGIVEN_AFTER - recalled.age
        if left > 0:
            self._refused_until[part] = max(self._refused_until.get(part, 0.0), now + left)
        else:
            self._doubted.add(part)

    def _is_rule(self, part: Option) -> bool:
        """Whether this refusal of a part says that Graph refuses it always."""
        self._refusals[part] += 1
        return part not in self._taken or self._refusals[part] >= REFUSALS


def _tried(ask: Callable[[Parts], Answer], parts: Parts) -> Answer | None:
    """The answer, or None where Graph does not give one."""
    try:
        return ask(parts)
    except (NotTaken, Broken):
        return None
