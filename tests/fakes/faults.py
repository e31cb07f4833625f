"""What a test lets go wrong: operations are counted, and end or fail where it asks for it.

One `Faults` shared by several fakes numbers their writes together, as a crash would meet them.
"""

import ast
from collections import UserDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

K = TypeVar("K", bound=Hashable)


class Killed(BaseException):
    """The worker was killed here. Not an Exception, so that nobody handles it."""


class Errors(UserDict[K, BaseException]):
    """What is raised, by the name of a call. A name that no call has is refused: it would never be raised."""

    def __init__(self, is_known: Callable[[K], bool]) -> None:
        self._is_known = is_known
        super().__init__()

    def __setitem__(self, name: K, error: BaseException) -> None:
        if not self._is_known(name):
            raise LookupError(f"no fake is ever asked for {name!r}")
        super().__setitem__(name, error)


@cache
def operations() -> frozenset[str]:
    """Every operation that a fake reports to its `Faults`, read from their code."""
    found: set[str] = set()
    for path in Path(__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            match call:
                case ast.Call(ast.Attribute(attr="read" | "write"), [ast.Constant(str(name))]):
                    found.add(name)
    return frozenset(found)


@dataclass
class Faults:
    """Counts operations, and raises where a test asks for it. Writes are numbered from 1, in order.

    `before` and `after` map the number of a write to what is raised before or after it takes place; `named`
    maps an operation such as "Timeline.put" to what is raised instead of it, every time.
    """

    before: dict[int, BaseException] = field(default_factory=dict)
    after: dict[int, BaseException] = field(default_factory=dict)
    named: Errors[str] = field(default_factory=lambda: Errors(operations().__contains__))
    writes: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    _lock: Any = field(default_factory=RLock, repr=False)

    def kill_before(self, number: int) -> None:
        """End the run before its n-th write."""
        self.before[number] = Killed(f"before write {number}")

    def kill_after(self, number: int) -> None:
        """End the run after its n-th write has taken place."""
        self.after[number] = Killed(f"after write {number}")

    def clear(self) -> None:
        """No more faults, and counting starts anew."""
        for kept in (self.before, self.after, self.named, self.writes, self.reads):
            kept.clear()

    @contextmanager
    def write(self, name: str) -> Iterator[None]:
        with self._lock:
            self.writes.append(name)
            number = len(self.writes)
            self._raise(self.named.get(name) or self.before.get(number))
            yield
            self._raise(self.after.get(number))

    def read(self, name: str) -> None:
        self.reads.append(name)
        self._raise(self.named.get(name))

    @staticmethod
    def _raise(error: BaseException | None) -> None:
        if error is not None:
            raise error
