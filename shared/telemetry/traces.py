"""What the log says of an error's trace: where it broke, and of one that escapes no more than a screen."""

import traceback
from pathlib import PurePath
from types import TracebackType
from typing import Final

# What of a trace is kept for the log: enough to find the place, and no more than a screen.
MOST_FRAMES: Final = 40
FIRST_FRAMES: Final = 15
MOST_CAUSES: Final = 5
_INSTALLED: Final = "site-packages"


def place_of(error: BaseException) -> str:
    """Where an error arose, such as `at_of, line 116 of entries.py`; '' for one that was not raised.

    It is the last line of our own that led to the first cause. The file's name is enough: its path would describe
    the host.
    """
    # A framework raises errors of its own about ours; their line says nothing.
    frames = traceback.extract_tb(_first_cause(error).__traceback__)
    own = [frame for frame in frames if _INSTALLED not in PurePath(frame.filename).parts]
    return "".join(
        f"{frame.name}, line {frame.lineno} of {PurePath(frame.filename).name}"
        for frame in (own or frames)[-1:]
    )


def _first_cause(error: BaseException) -> BaseException:
    for _ in range(MOST_CAUSES):
        error = error.__cause__ or error
    return error


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
