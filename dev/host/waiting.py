"""Waiting for an event with a limit, which both kinds of listener do between two looks."""

import asyncio
import contextlib


async def happened(event: asyncio.Event, within: float) -> bool:
    """Whether `event` is set, waiting at most `within` seconds for it."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), within)
    return event.is_set()
