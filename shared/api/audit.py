"""The one place where requests are audited: it knows a route's name, its ids and how it ended, and nothing else.

A row is written once the answer is decided and before it is sent. Refused requests leave none.
"""

from typing import Final, cast

from fastapi import Request, Response

from shared import telemetry
from shared.api.use_cases import ApiUseCases
from shared.domain.errors import PostledgerError
from shared.domain.privacy.callers import Caller

# Reading these is reading mail, or what tells of it.
READS: Final = frozenset(
    {"get_timeline", "get_message", "get_attachment", "get_inbox", "explain", "list_audit", "export_audit"}
)
# A person's word on a mail is audited when it has been carried out, with the records it came to.
AUDITED_ELSEWHERE: Final = frozenset(
    {
        "link_message",
        "unlink_message",
        "link_inbox_item",
        "open_opportunity",
        "note_inbox_item",
        "delete_inbox_item",
        "undo_decision",
    }
)


def is_audited(name: str, method: str) -> bool:
    """Every change is, and the reads above: a route that is added is, without being named here."""
    return name in READS if method == "GET" else name not in AUDITED_ELSEWHERE


def audit(request: Request, name: str, response: Response) -> None:
    """Write the row. What cannot be audited is not read (TransientError); a change is made, and an alert told."""
    if response.status_code >= 400 or not is_audited(name, request.method):
        return
    use_cases = cast(ApiUseCases, request.app.state.use_cases)
    caller = cast(Caller, request.state.caller)
    ids = request.path_params
    addresses = [ids["address"]] if "address" in ids else []
    try:
        use_cases.audit_request(caller, name, _subjects(request), addresses=addresses)
    except PostledgerError as error:
        if name in READS:
            raise
        telemetry.failure(telemetry.AUDIT_NOT_WRITTEN, error, what=name)


def about(request: Request, *subjects: str) -> None:
    """Say what a request was about, where its path does not."""
    request.state.subjects = subjects


def _subjects(request: Request) -> tuple[str, ...]:
    """From the path: `contact/C-1`, `message/...`; an attachment stands below its message."""
    ids = request.path_params
    told = cast(tuple[str, ...], getattr(request.state, "subjects", ()))
    if "kind" in ids and "id" in ids:
        return (*told, f"{ids['kind']}/{ids['id']}")
    if "id" not in ids:
        return told
    kind = {"exceptions": "exception", "erase": "erasure"}.get(_section(request), "message")
    below = f"/attachment/{ids['attachment_id']}" if "attachment_id" in ids else ""
    return (*told, f"{kind}/{ids['id']}{below}")


def _section(request: Request) -> str:
    return request.url.path.removeprefix("/api/v1/").partition("/")[0]
