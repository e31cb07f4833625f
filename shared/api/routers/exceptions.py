"""What went wrong and why: exceptions to be run again, and the explanation of a single mail."""

from typing import Annotated

from fastapi import Depends, Path, Query

from shared.api import shapes
from shared.api.auth import UseCases, needs
from shared.api.operation_models import ExceptionModel, ExceptionsModel, ExplanationModel, ReplayModel
from shared.api.parameters import DEFAULT_LIMIT, Cursor, Limit, guarded_router, problems
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
    code: Annotated[str, Query(max_length=128, pattern=Word, description="One code; empty = all.")] = "",
    queue: Annotated[str, Query(max_length=64, pattern=Word, description="One queue; empty = all.")] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> ExceptionsModel:
    """A page of commands and messages that could not be processed, newest first."""
    wanted = FailureFilter(code=code, queue=queue)
    page = use_cases.list_exceptions(caller.tenant_id, wanted, limit=limit, cursor=cursor)
    return ExceptionsModel(exceptions=[shapes.exception(one) for one in page.exceptions], cursor=page.cursor)


@router.post("/exceptions/{id}/replay", responses=problems(404))
def replay_exception(
    use_cases: UseCases,
    caller: Admin,
    id: Annotated[str, Path(max_length=64, examples=["0f" * 16])],  # noqa: A002 - the path's own word
) -> ExceptionModel:
    """Put the command back on its queue. Asked twice, it is done once; should it fail again, that is a new one."""
    return shapes.exception(use_cases.replay_exception(caller.tenant_id, id))


@router.post("/exceptions/replay")
def replay_exceptions(
    use_cases: UseCases,
    caller: Admin,
    code: Annotated[
        str, Query(min_length=1, max_length=128, pattern=Word, description="The code of those to put back.")
    ],
) -> ReplayModel:
    """Put back all commands that failed with a code and have not been put back yet; says how many."""
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
    """Why is this mail (not) here? 404 only when nothing at all is known of it."""
    return shapes.explanation(use_cases.explain(caller, internet_message_id))
