"""Switches for what sources disagree about, or what Exchange does only sometimes."""

from dataclasses import dataclass

from dev.simulator.items import StoredMessage


@dataclass(frozen=True, slots=True)
class Habits:
    """Which headers are shown, what becomes of a draft's id, how lists stutter."""

    inbound_headers: bool = True
    internal_headers: bool = False
    sent_headers: bool = False
    draft_keeps_immutable_id: bool = True
    plain_body_as_text: bool = False
    empty_delta_pages: bool = True
    repeated_delta_items: bool = True
    send_delay_ms: int = 20

    def shows_headers(self, message: StoredMessage) -> bool:
        if message.origin == "inbound":
            return self.inbound_headers
        return self.internal_headers if message.origin == "internal" else self.sent_headers
