"""In which order the mails of a group are filed."""

from collections.abc import Iterable, Mapping

from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import MessageHead


def in_order(heads: Iterable[MessageHead]) -> list[MessageHead]:
    """Oldest first, but none ahead of a mail among them that it answers: the clocks of two servers differ."""
    oldest_first = sorted(heads, key=lambda head: (head.received_at, head.item))
    # Of several with one Message-ID the oldest counts.
    by_id = {head.message_id: head for head in reversed(oldest_first) if head.message_id}
    placed: dict[ItemRef, MessageHead] = {}
    for head in oldest_first:
        _place(head, by_id, placed, frozenset())
    return list(placed.values())


def _place(
    head: MessageHead,
    by_id: Mapping[str, MessageHead],
    placed: dict[ItemRef, MessageHead],
    below: frozenset[ItemRef],
) -> None:
    """Those that a mail answers, then the mail. `below` wait for it: broken mail may answer itself in a circle."""
    below |= {head.item}
    for answered in head.answers:
        parent = by_id.get(answered)
        if parent is not None and parent.item not in placed and parent.item not in below:
            _place(parent, by_id, placed, below)
    placed[head.item] = head
