"""Changes a row that others write too: every capability does so, so this stands beside their folders."""

from collections.abc import Callable
from typing import Final, TypeVar

from shared.domain.errors import Conflict

T = TypeVar("T")

ATTEMPTS: Final = 5


def persistently(change: Callable[[], T]) -> T:
    """Run `change`, which reads a row and writes it under its ETag; again when somebody else was faster.

    Raises Conflict when others keep changing the row.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return change()
        except Conflict:
            continue
    return change()
