"""Mails of a thread that a worker has at hand, laid over those that are stored."""

from collections.abc import Callable, Mapping

from shared.domain.matching.candidates import ThreadHit
from shared.ports.stores.filing import Threads


def found_at_hand(
    at_hand: Callable[[str, str], ThreadHit | None], stored: Threads, tenant_id: str, ids: Mapping[str, str]
) -> Mapping[str, tuple[ThreadHit, ...]]:
    """What `ports.Threads.find` answers: what is at hand for a key and its evidence, all others as they are stored."""
    known = {key: at_hand(key, evidence) for key, evidence in ids.items()}
    own = {key: (hit,) for key, hit in known.items() if hit is not None}
    others = {key: evidence for key, evidence in ids.items() if key not in own}
    found = stored.find(tenant_id, others) if others else {}
    return {**found, **own}
