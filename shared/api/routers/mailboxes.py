"""Mailboxes: an admin connects, changes, lists and deletes them; an agent reads and tests the agent's own."""

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Depends, Header, Path, Query, Response

from shared.api.auth import UseCases, needs
from shared.api.etags import matches
from shared.api.models.capture import BackfillFields, BackfillModel, PreviewModel
from shared.api.models.connections import AddressFields, TestFields, TestModel, TestsModel
from shared.api.models.mailboxes import HandoversModel, MailboxesModel, MailboxFields, MailboxModel
from shared.api.models.words import MailboxKind, MailboxState
from shared.api.parameters import (
    DEFAULT_LIMIT,
    TAGGED,
    Cursor,
    Limit,
    Since,
    cursor_after,
    guarded_router,
    name_before,
    problems,
)
from shared.api.shapes import capture, connections, mailboxes
from shared.domain.capture.backfills import Backfill
from shared.domain.connections.fields import Fields
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.privacy.callers import ADMIN, AGENT, OPERATOR, Caller
from shared.services.connections.mailboxes import MailboxFilter

router = guarded_router(tag="mailboxes")
Admin = Annotated[Caller, Depends(needs(ADMIN))]
Keeper = Annotated[Caller, Depends(needs(ADMIN, OPERATOR))]
Person = Annotated[Caller, Depends(needs(ADMIN, AGENT))]
Address = Annotated[
    str, Path(max_length=320, description="The mailbox's address.", examples=["ann@contoso.example"])
]
# A test makes several requests to Graph, and a page of tests must be ready within a minute.
TestLimit = Annotated[int, Query(ge=1, le=50, description="Mailboxes on a page.")]
DEFAULT_TESTS: Final = 20


def _precondition(if_match: str | None) -> Callable[[Mailbox], bool] | None:
    """Whether the stored settings are those that the caller read; None without If-Match."""
    if if_match is None:
        return None
    return lambda stored: matches(if_match, mailboxes.etag(stored))


def _shown(use_cases: UseCases, mailbox: Mailbox, history: Backfill | None = None) -> MailboxModel:
    unreadable = use_cases.count_unreadable.of(mailbox)
    return mailboxes.mailbox(mailbox, use_cases.clock(), unreadable=unreadable, history=history)


@router.put(
    "/mailboxes/{address}",
    responses={
        201: {**TAGGED[200], "model": MailboxModel, "description": "The mailbox is new."},
        **TAGGED,
        **problems(412),
    },
)
def put_mailbox(
    *,
    response: Response,
    use_cases: UseCases,
    caller: Keeper,
    address: Address,
    body: MailboxFields,
    if_match: Annotated[str | None, Header(description="The ETag of the settings that you read.")] = None,
) -> MailboxModel:
    """Connect a mailbox or change its settings. Postledger updates its subscription.

    Another `agent` sees what waits in the mailbox; the former agent can see that. An admin cannot become the agent of
    a colleague's mailbox unless the directory shows that the colleague may not sign in; another admin may do it, or
    the operator, with `agent` alone.
    """
    put = use_cases.put_mailbox(caller, address, body.given(), unchanged=_precondition(if_match))
    response.status_code = 201 if put.created else 200
    response.headers["ETag"] = mailboxes.etag(put.mailbox)
    shown = _shown(use_cases, put.mailbox)
    return shown.model_copy(update={"warnings": [*put.warnings, *shown.warnings]})


@router.get("/mailboxes/{address}/handovers")
def list_handovers(use_cases: UseCases, caller: Person, address: Address) -> HandoversModel:
    """Return when and by whom a mailbox was given another agent. A former agent sees the changes away from itself."""
    return mailboxes.handovers(use_cases.list_handovers(caller, address))


@router.get("/mailboxes/{address}", responses=TAGGED)
def get_mailbox(response: Response, use_cases: UseCases, caller: Person, address: Address) -> MailboxModel:
    """Return a mailbox. An admin may read every mailbox, an agent only the agent's own."""
    mailbox = use_cases.get_mailbox(caller, address)
    response.headers["ETag"] = mailboxes.etag(mailbox)
    shown = _shown(use_cases, mailbox, use_cases.manage_backfill.of(mailbox))
    return shown.model_copy(update={"notices_without_reader": use_cases.count_readerless(mailbox)})


@router.post("/mailboxes/{address}/sync", status_code=202, responses=problems(409))
def sync_mailbox(use_cases: UseCases, caller: Person, address: Address) -> MailboxModel:
    """Read the mailbox now and compare it with the ledger. An agent may name only the agent's own mailbox."""
    mailbox = use_cases.get_mailbox(caller, address)
    use_cases.sync_now(mailbox)
    return _shown(use_cases, mailbox, use_cases.manage_backfill.of(mailbox))


@router.post("/mailboxes/{address}/test")
def test_mailbox(
    use_cases: UseCases, caller: Person, address: Address, body: TestFields | None = None
) -> TestModel:
    """Test whether a mailbox, saved or not, can be captured. An agent may test only the agent's own mailbox.

    An admin's test of a readable mailbox also tries, by reading, what Microsoft 365 does in this tenant where its
    documents and its servers disagree: `habits`.
    """
    given = body.given() if body else {}
    return connections.test(use_cases.test_mailbox(caller, address, given))


@router.post("/mailboxes/test")
def test_mailboxes(
    use_cases: UseCases, caller: Person, limit: TestLimit = DEFAULT_TESTS, cursor: Cursor = ""
) -> TestsModel:
    """Test a page of mailboxes by address: all mailboxes for an admin, the agent's own for an agent."""
    page, following = use_cases.test_mailboxes(caller, limit=limit, after=name_before(cursor))
    return TestsModel(results=[connections.test(tested) for tested in page], cursor=cursor_after(following))


@router.put("/mailboxes/{address}/address", responses=problems(409))
def take_over_address(
    use_cases: UseCases, caller: Person, address: Address, body: AddressFields
) -> MailboxModel:
    """Give the mailbox its new main address. Its cursors and its history stay.

    An agent may name only the agent's own mailbox.
    """
    mailbox = use_cases.take_over_address(caller, address, body.address)
    return _shown(use_cases, mailbox)


@router.post("/mailboxes/{address}/backfill", status_code=202, responses=problems(409))
def start_backfill(
    use_cases: UseCases, caller: Admin, address: Address, body: BackfillFields
) -> BackfillModel:
    """Read the mailbox's history without notices, after live mail."""
    mailbox = use_cases.get_mailbox(caller, address)
    started = use_cases.manage_backfill.start(mailbox, body.since)
    return capture.backfill(started, use_cases.clock())


@router.post("/mailboxes/{address}/preview", responses=problems(409))
def preview_mailbox(
    *,
    use_cases: UseCases,
    caller: Person,
    address: Address,
    body: MailboxFields | None = None,
    since: Since = None,
    limit: Annotated[
        int, Query(ge=1, le=1_000, description="The approximate number of mails to check.")
    ] = 200,
    cursor: Cursor = "",
) -> PreviewModel:
    """Return the mails that would be captured and the rules that capture them. It reads headers and stores nothing.

    Without `since` it begins the organisation's `capture_hours` ago. The mailbox need not be saved; settings in the
    body apply here alone. An agent may name only the agent's own mailbox.
    """
    given = body.given() if body else {}
    mailbox = use_cases.preview_mailbox.mailbox(caller, address, given)
    page = use_cases.preview_mailbox(caller, mailbox, since, limit=limit, cursor=cursor)
    return capture.preview(page)


@router.delete("/mailboxes/{address}/backfill", status_code=204)
def cancel_backfill(use_cases: UseCases, caller: Admin, address: Address) -> None:
    """Stop a running backfill. Its filed mail stays."""
    use_cases.manage_backfill.cancel(use_cases.get_mailbox(caller, address))


@router.delete("/mailboxes/{address}", status_code=204)
def delete_mailbox(use_cases: UseCases, caller: Admin, address: Address) -> None:
    """Delete a mailbox and end its capture. Its filed mail stays."""
    use_cases.delete_mailbox(caller.tenant_id, address)


@router.get("/mailboxes")
def list_mailboxes(
    *,
    use_cases: UseCases,
    caller: Admin,
    q: Annotated[
        str, Query(max_length=320, description="Only mailboxes with this text in the address; empty: all.")
    ] = "",
    agent: Annotated[
        str, Query(max_length=320, description="Only mailboxes of the agent with this address; empty: all.")
    ] = "",
    kind: Annotated[MailboxKind | None, Query(description="Only mailboxes of this kind.")] = None,
    state: Annotated[MailboxState | None, Query(description="Only mailboxes in this state.")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> MailboxesModel:
    """Return a page of mailboxes by address."""
    agent_address = Fields({"agent": agent.strip()}).address("agent")
    wanted = MailboxFilter(q.strip(), agent_address, kind or "", state or "")
    page, following = use_cases.list_mailboxes(
        caller.tenant_id, wanted, limit=limit, after=name_before(cursor)
    )
    # One query for the page; a mailbox's own would be one for each of up to 200.
    now, unreadable = use_cases.clock(), use_cases.count_unreadable(caller.tenant_id)
    shown = [mailboxes.mailbox(found, now, unreadable=unreadable[found.mailbox_id]) for found in page]
    return MailboxesModel(mailboxes=shown, cursor=cursor_after(following))
