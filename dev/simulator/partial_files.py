"""Large files of drafts, as far as they have come."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from dev.simulator.attachments import Attachment
from dev.simulator.drafts import add_attachment
from dev.simulator.items import StoredMessage
from dev.simulator.mailbox import Mailbox


@dataclass(slots=True)
class Upload:
    """A file as far as it has come."""

    mailbox: Mailbox
    message: StoredMessage
    name: str
    size: int
    content_type: str
    data: bytearray = field(default_factory=bytearray)

    def finish(self) -> None:
        """What comes this way is never inline, and has no content id."""
        file = Attachment("file", self.name, self.content_type, bytes(self.data), is_inline=False)
        add_attachment(self.mailbox, self.message, file, datetime.now(UTC))
