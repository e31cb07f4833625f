"""Many reads of one mailbox in one round trip ($batch), one after the other.

Outlook allows four requests in flight per mailbox, and Graph works on four items of a batch at a time: a
chain of `dependsOn` makes it one ("JSON batching", "Microsoft Graph throttling guidance"). A failed item breaks
its chain; those behind it (424) go into the next batch, or stay for later where the failure is a passing one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from requests.structures import CaseInsensitiveDict

from shared import telemetry
from shared.adapters.graph.errors import translate
from shared.adapters.graph.session import IMMUTABLE_IDS, GraphSession, Json
from shared.domain.errors import Outcome, PermanentError, Throttled, TransientError, Unavailable, Unreadable

MAX_ITEMS: Final = 20
_FAILED_DEPENDENCY: Final = 424

Answer = Outcome[Json]
Key = TypeVar("Key")


def fetch(
    session: GraphSession,
    tenant_id: str,
    paths: Mapping[Key, str],
    ends: Callable[[Answer], bool] = lambda _: False,
) -> dict[Key, Answer]:
    """GET every path; the outcomes under the same keys.

    Once one fails for now, no more is asked for, and its error is the outcome of all that are left, with the
    longest wait that was asked for. Raises it when nothing was had at all. An outcome that `ends` it is the last
    batch's: what was not tried by then has no outcome.
    """
    outcomes: dict[Key, Answer] = {}
    waiting = list(paths)
    try:
        while waiting:
            keys = waiting[:MAX_ITEMS]
            found, failed = _some(session, tenant_id, [(key, paths[key]) for key in keys], ends)
            outcomes |= found
            if any(ends(outcome) for outcome in found.values()):
                break
            waiting = [key for key in waiting if key not in outcomes]
            if failed is not None:
                raise failed
    except TransientError as error:
        if not outcomes:
            raise
        outcomes |= dict.fromkeys(waiting, error)
    return {key: outcomes[key] for key in paths if key in outcomes}


def _some(
    session: GraphSession, tenant_id: str, items: Sequence[tuple[Key, str]], ends: Callable[[Answer], bool]
) -> tuple[dict[Key, Answer], TransientError | None]:
    """The outcomes of at least one item, or why there is none."""
    if len(items) > 1:
        return _batch(session, tenant_id, items, ends)
    [(key, path)] = items
    try:
        return {key: session.get(tenant_id, path)}, None
    except PermanentError as error:
        return {key: error}, None
    except TransientError as error:
        if not ends(error):
            raise
        return {key: error}, None


def _batch(
    session: GraphSession, tenant_id: str, items: Sequence[tuple[Key, str]], ends: Callable[[Answer], bool]
) -> tuple[dict[Key, Answer], TransientError | None]:
    """The outcomes of one batch, without the items that a failed one kept from running; why some failed for now."""
    try:
        answer = session.post(
            tenant_id, "/$batch", {"requests": _requests(items)}, repeatable=True, about=items[0][1]
        )
    except Unreadable:
        # Together they are too large to be held.
        return _some(session, tenant_id, items[: len(items) // 2], ends)
    found: dict[Key, Answer] = {}
    failed: list[TransientError] = []
    carried_out = 0
    for response in answer.get("responses") or ():
        number, status = int(response["id"]), int(response["status"])
        # It was not tried: an item before it failed.
        if status == _FAILED_DEPENDENCY:
            continue
        carried_out += 1
        outcome = _outcome(status, response)
        if isinstance(outcome, TransientError) and not ends(outcome):
            failed.append(outcome)
        else:
            found[items[number][0]] = outcome
    # Graph counts the items that it carried out; the batch itself is counted where it was sent.
    telemetry.count(telemetry.Counted.GRAPH_CALLS, carried_out - 1)
    if failed:
        throttled = sum(isinstance(error, Throttled) for error in failed)
        telemetry.count(telemetry.Counted.GRAPH_THROTTLED, throttled)
        worst = _worst(failed)
        session.waits.note(tenant_id, items[0][1], worst)
        return found, worst
    if not found:
        return found, Unavailable("Microsoft Graph answered none of a batch.")
    return found, None


def _requests(items: Sequence[tuple[object, str]]) -> list[Json]:
    return [
        {
            "id": str(number),
            "method": "GET",
            "url": path,
            "headers": {"Prefer": IMMUTABLE_IDS},
            **({"dependsOn": [str(number - 1)]} if number else {}),
        }
        for number, (_, path) in enumerate(items)
    ]


def _outcome(status: int, answer: Json) -> Answer:
    body = answer.get("body")
    if status == 401:  # the batch itself was let in: the token has run out meanwhile
        return Unavailable("Microsoft Graph refused the token within a batch.")
    if not 200 <= status < 300:
        error = translate(status, CaseInsensitiveDict(answer.get("headers") or {}), body)
        if isinstance(error, TransientError | PermanentError):
            return error
        raise error
    if not isinstance(body, dict):
        return Unavailable("Microsoft Graph answered something that is no JSON object.")
    return body


def _worst(errors: Sequence[TransientError]) -> TransientError:
    longest = max((error.retry_after or 0.0 for error in errors), default=0.0)
    first = next((error for error in errors if isinstance(error, Throttled)), errors[0])
    first.retry_after = longest or None
    return first
