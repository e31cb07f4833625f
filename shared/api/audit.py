"""The one place that audits requests. It knows a route's name, the ids in its path and the status of its answer.

It writes a row after the answer is decided and before the answer is sent. A refused request leaves no row.
"""

from typing import Final, cast

from fastapi import Request, Response

from shared import telemetry
from shared.api.use_cases import ApiUseCases
from shared.domain.errors import PostledgerError
from shared.domain.privacy.callers import Caller

# These operations return mail, or facts about mail.
READS: Final = frozenset(
    {
        "get_timeline",
        "get_message",
        "get_thread",
        "get_attachment",
        "get_inbox",
        "count_inbox",
        "explain",
        "list_audit",
        "export_audit",
        "list_outbox",
        "get_outbox_mail",
        "list_campaigns",
        "get_campaign",
        "list_campaign_recipients",
    }
)
# A person's decision about a mail is audited where it is applied, which knows the records it changed.
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

# The kind of an id by the first part of its path; elsewhere an id is a message's.
_KINDS: Final = {
    "exceptions": "exception",
    "erase": "erasure",
    "outbox": "outbox",
    "uploads": "upload",
    "campaigns": "campaign",
}


def is_audited(name: str, method: str) -> bool:
    """Whether to audit: every change, also of a route that is added later, and the reads above."""
    return name in READS if method == "GET" else name not in AUDITED_ELSEWHERE


def audit(request: Request, name: str, response: Response) -> None:
    """Write the row.

    Raises TransientError for a read that cannot be audited, so that nothing is read. A change has happened by
    then: it is answered, and an event alerts the operator.
    """
    is_left_out = getattr(request.state, "left_out", False)
    if response.status_code >= 400 or is_left_out or not is_audited(name, request.method):
        return
    use_cases = cast(ApiUseCases, request.app.state.use_cases)
    caller = cast(Caller, request.state.caller)
    ids = request.path_params
    # A mailbox's address is kept as a keyed hash; other ids stand as they are.
    addresses = [ids["address"]] if "address" in ids else []
    try:
        use_cases.audit_request(caller, name, _subjects(request), addresses=addresses)
    except PostledgerError as error:
        if name in READS:
            raise
        telemetry.failure(telemetry.AUDIT_NOT_WRITTEN, error, what=name)


def about(request: Request, *subjects: str) -> None:
    """Name the subjects of a request whose path does not name them."""
    request.state.subjects = subjects


def leave_out(request: Request) -> None:
    """Write no row: the request has repeated another one, and has changed nothing."""
    request.state.left_out = True


def _subjects(request: Request) -> tuple[str, ...]:
    """The subjects that the route named, and the one in the path, such as `contact/C-1`."""
    named = cast(tuple[str, ...], getattr(request.state, "subjects", ()))
    in_path = _subject_in_path(request)
    return (*named, in_path) if in_path else named


def _subject_in_path(request: Request) -> str:
    ids = request.path_params
    if "id" not in ids:
        return ""
    if "kind" in ids:
        return f"{ids['kind']}/{ids['id']}"
    kind = _KINDS.get(_section(request), "message")
    attachment = f"/attachment/{ids['attachment_id']}" if "attachment_id" in ids else ""
    return f"{kind}/{ids['id']}{attachment}"


def _section(request: Request) -> str:
    return request.url.path.removeprefix("/api/v1/").partition("/")[0]
