"""Asks a running proxy: what tests and benches want to know of storage that storage itself does not say."""

from collections.abc import Iterable

import requests

from dev.processes import PATIENCE
from shared.domain.commands.envelope import Command


def delayed(stats_url: str | None, kinds: Iterable[type[Command]]) -> int:
    """How many commands of these kinds wait hidden since they were put; 0 where there is no proxy to ask."""
    if stats_url is None:
        return 0
    # The proxy of an earlier commit, which a bench runs beside this one, counts no such thing.
    hidden = requests.get(stats_url, timeout=PATIENCE).json().get("delayed", {})
    return sum(int(hidden.get(kind.__name__, 0)) for kind in kinds)
