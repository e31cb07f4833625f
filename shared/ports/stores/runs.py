"""The store of the agenda's runs."""

from typing import Protocol

from shared.domain.commands.agenda import Run


class Runs(Protocol):
    def all(self) -> list[Run]:
        """The last run of every item, whoever wrote it."""

    def claim(self, run: Run) -> Run | None:
        """Begin a run in place of the one that was read (`etag`; '' = there was none).

        The run with its new ETag, or None where another worker was faster.
        """

    def end(self, run: Run) -> None:
        """Note how a claimed run ended; nothing, if another worker has taken it over or its row is gone."""
