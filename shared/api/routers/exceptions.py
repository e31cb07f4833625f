"""Exceptions and their replay, and the explanation of a single mail."""

from typing import Annotated

from fastapi import Depends, Path, Query

from shared.api.auth import UseCases, needs
from shared.api.models.commands import FailureModel, FailuresModel, ReplayModel
from shared.api.models.filing import ExplanationModel
from shared.api.parameters import DEFAULT_LIMIT, Cursor, Limit, guarded_router, problems
from shared.api.shapes import commands, filing
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.stores.exceptions import FailureFilter

router = guarded_router(tag="operations")
Admin = Annotated[Caller, Depends(needs(ADMIN))]
Word = "^[A-Za-z0-9._-]*$"


@router.get("/exceptions")
def list_exceptions(
    *,
    use_cases: UseCases,
    caller: Admin,
    code: Annotated[
        str,
        Query(max_length=128, pattern=Word, description="Only exceptions with this code; empty: all codes."),
    ] = "",
    queue: Annotated[
        str,
        Query(max_length=64, pattern=Word, description="Only exceptions of this queue; empty: all queues."),
    ] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> FailuresModel:
    """Return a page of commands and messages that Postledger could not process, newest first."""
    wanted = FailureFilter(code=code, queue=queue)
    page = use_cases.list_exceptions(caller.tenant_id, wanted, limit=limit, cursor=cursor)
    exceptions = [commands.failure(failed) for failed in page.exceptions]
    return FailuresModel(exceptions=exceptions, cursor=page.cursor)


@router.post("/exceptions/{id}/replay", responses=problems(404))
def replay_exception(
    use_cases: UseCases,
    caller: Admin,
    id: Annotated[str, Path(max_length=64, description="The exception's `id`.", examples=["0f" * 16])],
) -> FailureModel:
    """Send the command to its queue again, once for any number of requests. A new failure is a new exception."""
    return commands.failure(use_cases.replay_exception(caller.tenant_id, id))


@router.post("/exceptions/replay")
def replay_exceptions(
    use_cases: UseCases,
    caller: Admin,
    code: Annotated[
        str,
        Query(
            min_length=1, max_length=128, pattern=Word, description="The code of the exceptions to replay."
        ),
    ],
) -> ReplayModel:
    """Replay all exceptions with a code that were not replayed yet, and return their number."""
    done = use_cases.replay_exceptions(caller.tenant_id, code)
    return ReplayModel(replayed=done.count, more=done.more)


@router.get("/explain", responses=problems(404))
def explain(
    use_cases: UseCases,
    caller: Admin,
    internet_message_id: Annotated[
        str,
        Query(min_length=1, max_length=1_000, description="The Message-ID, with or without angle brackets."),
    ],
) -> ExplanationModel:
    """Explain why a mail is, or is not, on a timeline. 404 means that Postledger never saw the mail."""
    return filing.explanation(use_cases.explain(caller, internet_message_id))
