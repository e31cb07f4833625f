"""Mailboxes: connected, changed, listed and removed by an admin; an agent may look at the own."""

import json
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, Header, Path, Query, Response

from shared.api import connection_shapes, shapes
from shared.api.auth import UseCases, needs
from shared.api.connection_models import AddressFields, TestFields, TestModel, TestsModel
from shared.api.etags import etag_of, names
from shared.api.models import BackfillFields, BackfillModel, MailboxesModel, MailboxFields, MailboxModel
from shared.api.operation_models import PreviewModel
from shared.api.parameters import DEFAULT_LIMIT, Cursor, Limit, guarded_router, problems
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.filing.entries import decode_cursor, encode_cursor
from shared.domain.privacy.callers import ADMIN, AGENT, Caller

router = guarded_router(tag="mailboxes")
Admin = Annotated[Caller, Depends(needs(ADMIN))]
Person = Annotated[Caller, Depends(needs(ADMIN, AGENT))]
Address = Annotated[
    str, Path(max_length=320, description="The mailbox's address.", examples=["ann@contoso.example"])
]
NO_SETTINGS: Final = MailboxFields.model_construct()

# A test takes Graph some requests; a page of them has to come within a minute.
TestLimit = Annotated[int, Query(ge=1, le=50, description="Mailboxes on a page.")]
DEFAULT_TESTS: Final = 20


def _etag(mailbox: Mailbox) -> str:
    return etag_of(json.dumps(shapes.mailbox_settings(mailbox), sort_keys=True).encode())


@router.put(
    "/mailboxes/{address}",
    responses={201: {"model": MailboxModel, "description": "The mailbox is new."}, **problems(412)},
)
def put_mailbox(
    *,
    response: Response,
    use_cases: UseCases,
    caller: Admin,
    address: Address,
    body: MailboxFields,
    if_match: Annotated[str | None, Header(description="The ETag of the settings as they were read.")] = None,
) -> MailboxModel:
    """Connect a mailbox or change its settings. Its subscription follows by itself."""
    unchanged = None if if_match is None else lambda one: names(if_match, _etag(one))
    given = body.model_dump(exclude_unset=True)
    mailbox, created = use_cases.put_mailbox(caller.tenant_id, address, given, unchanged=unchanged)
    response.status_code = 201 if created else 200
    response.headers["ETag"] = _etag(mailbox)
    return shapes.mailbox(mailbox, use_cases.clock())


@router.get("/mailboxes/{address}", responses=problems(404))
def get_mailbox(response: Response, use_cases: UseCases, caller: Person, address: Address) -> MailboxModel:
    """Read a mailbox: an admin any, an agent the own."""
    mailbox = use_cases.get_mailbox(caller, address)
    response.headers["ETag"] = _etag(mailbox)
    return shapes.mailbox(mailbox, use_cases.clock(), use_cases.manage_backfill.of(mailbox))


@router.post("/mailboxes/{address}/sync", status_code=202, responses=problems(404, 409))
def sync_mailbox(use_cases: UseCases, caller: Person, address: Address) -> MailboxModel:
    """Walk the mailbox now, and compare it with the ledger: an admin any, an agent the own."""
    mailbox = use_cases.get_mailbox(caller, address)
    use_cases.sync_now(mailbox)
    return shapes.mailbox(mailbox, use_cases.clock(), use_cases.manage_backfill.of(mailbox))


@router.post("/mailboxes/{address}/test", responses=problems(404))
def test_mailbox(
    use_cases: UseCases, caller: Person, address: Address, body: TestFields | None = None
) -> TestModel:
    """Test whether a mailbox can be captured, saved or not, reading only: an admin any, an agent the own."""
    given = body.model_dump(exclude_unset=True) if body else {}
    return connection_shapes.test(use_cases.test_mailbox(caller, address, given))


@router.post("/mailboxes/test")
def test_mailboxes(
    use_cases: UseCases, caller: Person, limit: TestLimit = DEFAULT_TESTS, cursor: Cursor = ""
) -> TestsModel:
    """Test a page of mailboxes by address: an admin all, an agent the own."""
    after = decode_cursor(cursor) if cursor else ""
    page, following = use_cases.test_mailboxes(caller, limit=limit, after=after)
    return TestsModel(
        results=[connection_shapes.test(one) for one in page],
        cursor=encode_cursor(following) if following else None,
    )


@router.put("/mailboxes/{address}/address", responses=problems(404, 409))
def take_over_address(
    use_cases: UseCases, caller: Person, address: Address, body: AddressFields
) -> MailboxModel:
    """Give the mailbox its new main address; cursor, history and notices stay. An admin any, an agent the own."""
    mailbox = use_cases.take_over_address(caller, address, body.address)
    return shapes.mailbox(mailbox, use_cases.clock())


@router.post("/mailboxes/{address}/backfill", status_code=202, responses=problems(404, 409))
def start_backfill(
    use_cases: UseCases, caller: Admin, address: Address, body: BackfillFields
) -> BackfillModel:
    """Read the mailbox's history, silently and behind live mail."""
    mailbox = use_cases.get_mailbox(caller, address)
    started = use_cases.manage_backfill.start(mailbox, body.since)
    return shapes.backfill(started, use_cases.clock())


@router.post("/mailboxes/{address}/preview", responses=problems(404, 409))
def preview_mailbox(
    *,
    use_cases: UseCases,
    caller: Person,
    address: Address,
    body: MailboxFields = NO_SETTINGS,
    since: Annotated[
        datetime | None, Query(description="From when on; the last `capture_hours` if not said.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="About how many mails to look at.")] = 200,
    cursor: Cursor = "",
) -> PreviewModel:
    """What would be captured, by which rules: from headers alone, storing nothing.

    Of a mailbox that is saved or not; settings in the body are tried out. An admin any, an agent the own.
    """
    given = body.model_dump(exclude_unset=True)
    mailbox = use_cases.preview_mailbox.mailbox(caller, address, given)
    page = use_cases.preview_mailbox(caller, mailbox, since, limit=limit, cursor=cursor)
    return shapes.preview(page)


@router.delete("/mailboxes/{address}/backfill", status_code=204, responses=problems(404))
def cancel_backfill(use_cases: UseCases, caller: Admin, address: Address) -> None:
    """Stop a running backfill. What it has filed stays."""
    use_cases.manage_backfill.cancel(use_cases.get_mailbox(caller, address))


@router.delete("/mailboxes/{address}", status_code=204, responses=problems(404))
def delete_mailbox(use_cases: UseCases, caller: Admin, address: Address) -> None:
    """Stop capturing a mailbox. What was filed from it stays."""
    use_cases.delete_mailbox(caller.tenant_id, address)


@router.get("/mailboxes")
def list_mailboxes(
    use_cases: UseCases, caller: Admin, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = ""
) -> MailboxesModel:
    """A page of mailboxes by address."""
    after = decode_cursor(cursor) if cursor else ""
    page, following = use_cases.list_mailboxes(caller.tenant_id, limit=limit, after=after)
    return MailboxesModel(
        mailboxes=[shapes.mailbox(one, use_cases.clock()) for one in page],
        cursor=encode_cursor(following) if following else None,
    )
