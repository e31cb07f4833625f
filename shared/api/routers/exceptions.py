"""Exceptions and their replay, and the explanation of a single mail."""

from typing import Annotated

from fastapi import Depends, Path, Query

from shared.api.auth import UseCases, needs
from shared.api.models.commands import FailureModel, FailuresModel, ReplayModel
from shared.api.models.counts import CountModel
from shared.api.models.explanations import ExplanationModel
from shared.api.parameters import DEFAULT_LIMIT, Cursor, Limit, Since, Until, guarded_router
from shared.api.shapes import commands, filing
from shared.domain.connections.fields import Fields
from shared.domain.privacy.callers import ADMIN, Caller
from shared.ports.stores.exceptions import FailureFilter

router = guarded_router(tag="operations")
Admin = Annotated[Caller, Depends(needs(ADMIN))]
Word = "^[A-Za-z0-9._-]*$"
Code = Annotated[
    str, Query(max_length=128, pattern=Word, description="Only exceptions with this code; empty: all codes.")
]
Queue = Annotated[
    str, Query(max_length=64, pattern=Word, description="Only exceptions of this queue; empty: all queues.")
]
AtMailbox = Annotated[
    str, Query(max_length=320, description="Only exceptions of the mailbox with this address; empty: all.")
]
Waiting = Annotated[bool, Query(description="Only exceptions that nobody has replayed.")]


@router.get("/exceptions")
def list_exceptions(
    *,
    use_cases: UseCases,
    caller: Admin,
    code: Code = "",
    queue: Queue = "",
    mailbox: AtMailbox = "",
    waiting: Waiting = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> FailuresModel:
    """Return a page of commands and messages that Postledger could not process, newest first."""
    wanted = FailureFilter(code=code, queue=queue, unreplayed=waiting, since=since, until=until)
    page = use_cases.list_exceptions(
        caller.tenant_id, wanted, mailbox=_address(mailbox), limit=limit, cursor=cursor
    )
    exceptions = [commands.failure(failed) for failed in page.exceptions]
    return FailuresModel(exceptions=exceptions, cursor=page.cursor)


@router.get("/exceptions/count")
def count_exceptions(
    *,
    use_cases: UseCases,
    caller: Admin,
    code: Code = "",
    queue: Queue = "",
    mailbox: AtMailbox = "",
    waiting: Waiting = False,
    since: Since = None,
    until: Until = None,
) -> CountModel:
    """Return how many exceptions there are, for a badge; it counts up to 1,000."""
    wanted = FailureFilter(code=code, queue=queue, unreplayed=waiting, since=since, until=until)
    found = use_cases.list_exceptions.count(caller.tenant_id, wanted, mailbox=_address(mailbox))
    return CountModel(count=found.count, more=found.more)


def _address(mailbox: str) -> str:
    return Fields({"mailbox": mailbox.strip()}).address("mailbox")


@router.post("/exceptions/{id}/replay")
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


@router.get("/explain")
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
