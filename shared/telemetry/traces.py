"""Shortens the trace of an error that escapes: the host logs it whole, every time."""

from types import TracebackType
from typing import Final

# What of a trace is kept for the log: enough to find the place, and no more than a screen.
MOST_FRAMES: Final = 40
FIRST_FRAMES: Final = 15
MOST_CAUSES: Final = 5


def cut_trace(error: BaseException) -> None:
    """Shorten the trace of an error that escapes, and those of its causes: the host logs each whole, every time.

    A deep recursion would fill megabytes an hour. The first frames say who called, the last ones where it broke.
    """
    for cause in _causes(error):
        cause.__traceback__ = _cut(cause.__traceback__)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it came of, the nearest first; the chain ends behind the last of them."""
    chain = [error]
    while following := chain[-1].__cause__ or chain[-1].__context__:
        if len(chain) > MOST_CAUSES:
            chain[-1].__cause__ = chain[-1].__context__ = None
            break
        chain.append(following)
    return chain


def _cut(trace: TracebackType | None) -> TracebackType | None:
    frames: list[TracebackType] = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    kept = frames
    if len(frames) > MOST_FRAMES:
        kept = frames[:FIRST_FRAMES] + frames[FIRST_FRAMES - MOST_FRAMES :]
    cut: TracebackType | None = None
    for frame in reversed(kept):
        cut = TracebackType(cut, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return cut
