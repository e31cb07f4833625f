"""Notices: what the caller is told of, and nobody else."""

from typing import Annotated

from fastapi import Path, Query, Request, Response

from shared.api.auth import UseCases
from shared.api.etags import conditional
from shared.api.models.filing import MessageModel
from shared.api.models.notices import NoticesModel
from shared.api.parameters import DEFAULT_LIMIT, UNCHANGED, Cursor, Limit, Worker, guarded_router
from shared.api.shapes import filing, notices

router = guarded_router(tag="notices")
NoticeId = Annotated[str, Path(description="A notice's `id`.", max_length=100)]


@router.get("/notices", response_model=NoticesModel, responses=UNCHANGED)
def get_notices(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Response:
    """Return a page of your own notices, newest first, and how many you have. A program has none."""
    found = use_cases.read_notices(caller, limit=limit, cursor=cursor)
    return conditional(request, notices.page(found))


@router.post("/notices/{id}/open", response_model=MessageModel)
def open_notice(
    *,
    request: Request,
    use_cases: UseCases,
    caller: Worker,
    id: NoticeId,
    remote_images: Annotated[
        bool, Query(description="Whether `html` keeps images on other servers.")
    ] = False,
) -> Response:
    """Return the message of a notice as `GET messages/{id}` does, and take the notice from the list."""
    view = use_cases.open_notice(caller, id)
    place = request.url.path.partition("/notices/")[0]
    attachments_url = f"{place}/messages/{view.message.key}/attachments"
    return conditional(request, filing.message(view, attachments_url, remote_images=remote_images))


@router.delete("/notices/{id}", status_code=204)
def dismiss_notice(*, use_cases: UseCases, caller: Worker, id: NoticeId) -> None:
    """Take a notice from the list; taken before, nothing happens. The mail stays where it is."""
    use_cases.dismiss_notices(caller, id)


@router.delete("/notices", status_code=204)
def dismiss_all_notices(
    *,
    use_cases: UseCases,
    caller: Worker,
    until: Annotated[
        str,
        Query(
            description="The `id` of the newest notice that you have seen: what comes meanwhile stays.",
            max_length=100,
        ),
    ],
) -> None:
    """Take from the list a notice and all that were written before it."""
    use_cases.dismiss_notices.until(caller, until)
