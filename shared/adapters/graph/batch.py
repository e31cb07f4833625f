"""Many reads of one mailbox in one round trip ($batch), one after the other.

Outlook allows four requests in flight per mailbox, and Graph works on four items of a batch at a time: a
chain of `dependsOn` makes it one ("JSON batching", "Microsoft Graph throttling guidance"). A failed item breaks
its chain; those behind it (424) go into the next batch.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from requests.structures import CaseInsensitiveDict

from shared import telemetry
from shared.adapters.graph.errors import translate
from shared.adapters.graph.session import IMMUTABLE_IDS, GraphSession, Json
from shared.domain.errors import PermanentError, Throttled, TransientError, Unavailable

MAX_ITEMS: Final = 20
_FAILED_DEPENDENCY: Final = 424

Outcome = Json | PermanentError


def fetch(session: GraphSession, tenant_id: str, paths: Mapping[str, str]) -> dict[str, Outcome]:
    """GET every path; the outcomes under the same keys.

    Raises TransientError when one of them may work later, with the longest wait that was asked for.
    """
    outcomes: dict[str, Outcome] = {}
    waiting = list(paths)
    while waiting:
        keys = waiting[:MAX_ITEMS]
        found = (
            _batch(session, tenant_id, [(key, paths[key]) for key in keys])
            if len(keys) > 1
            else {keys[0]: _single(session, tenant_id, paths[keys[0]])}
        )
        if not found:
            raise Unavailable("Microsoft Graph answered none of a batch.")
        outcomes |= found
        waiting = [key for key in waiting if key not in outcomes]
    return {key: outcomes[key] for key in paths}


def _single(session: GraphSession, tenant_id: str, path: str) -> Outcome:
    try:
        return session.get(tenant_id, path)
    except PermanentError as error:
        return error


def _batch(session: GraphSession, tenant_id: str, items: Sequence[tuple[str, str]]) -> dict[str, Outcome]:
    """The outcomes of one batch, without the items that a failed one kept from running."""
    answer = session.post(
        tenant_id, "/$batch", {"requests": _requests(items)}, repeatable=True, about=items[0][1]
    )
    found: dict[str, Outcome] = {}
    failed: list[TransientError] = []
    carried_out = 0
    for one in answer.get("responses") or ():
        number, status = int(one["id"]), int(one["status"])
        if status == _FAILED_DEPENDENCY:
            continue
        carried_out += 1
        outcome = _outcome(status, one)
        if isinstance(outcome, TransientError):
            failed.append(outcome)
        else:
            found[items[number][0]] = outcome
    # Graph counts the items that it carried out; the batch itself is counted where it was sent.
    telemetry.count(telemetry.Counted.GRAPH_CALLS, carried_out - 1)
    if failed:
        telemetry.count(telemetry.Counted.GRAPH_THROTTLED, sum(isinstance(one, Throttled) for one in failed))
        worst = _worst(failed)
        session.waits.note(tenant_id, items[0][1], worst)
        raise worst
    return found


def _requests(items: Sequence[tuple[str, str]]) -> list[Json]:
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


def _outcome(status: int, answer: Json) -> Outcome | TransientError:
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
    longest = max((one.retry_after or 0.0 for one in errors), default=0.0)
    first = next((one for one in errors if isinstance(one, Throttled)), errors[0])
    first.retry_after = longest or None
    return first
