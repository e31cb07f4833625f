"""The store of acknowledgements: what intake mailboxes answer, and how often who was answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.intake.acknowledgements import Acknowledgement, Counter


class Acknowledgements(Protocol):
    """Settings by mailbox, every version of them; and counters by name."""

    def get(self, tenant_id: str, mailbox_id: str, version: int = 0) -> Acknowledgement | None:
        """A version of a mailbox's settings; 0 = the one that holds now."""

    def save(self, tenant_id: str, mailbox_id: str, wanted: Acknowledgement) -> Acknowledgement:
        """Keep a version, and let it hold, under the ETag of the one before. Raises Conflict."""

    def count(self, tenant_id: str, counters: Sequence[Counter], key: str, at: datetime) -> Counter | None:
        """Count something, by its key, under each counter; the first counter that is full, and then nothing counts.

        What has been counted before is not counted again. Two at once may pass a counter that has room for one.
        """
