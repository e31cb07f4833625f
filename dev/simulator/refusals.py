"""Options of requests that Graph refuses, or that a back end of it may refuse. Decides, and raises; reads no mail."""

import re

from dev.simulator.call import Call
from dev.simulator.errors import GraphError, bad_request
from dev.simulator.habits import Habits, Part
from dev.simulator.query import split_outside
from dev.simulator.view import nested_select

# What OData's parser says of `$expand` with a `$filter` below a function that names no entity set.
_NO_ENTITY_SET = "Parsing OData Select and Expand failed: Value cannot be null. (Parameter 'initialState')"
_FILE = "microsoft.graph.fileattachment/"
_CAST = re.compile(r"microsoft\.graph\.fileattachment/contentid", re.I)


def check_delta(call: Call, habits: Habits) -> None:
    """Raises GraphError for what the first call of a delta of messages may not have."""
    _check_part(habits, "delta_headers" if "internetmessageheaders" in _select(call) else None)
    if re.search(r"\(.*\$filter", call.query.get("$expand", "")):
        if habits.delta_expand == "500":
            raise broken()
        if habits.delta_expand == "400":
            raise bad_request(_NO_ENTITY_SET)
    if "$top" in call.query and habits.delta_top == "refused":
        raise bad_request("The query parameter '$top' is not supported with change tracking.")


def check_page_size(call: Call, habits: Habits) -> None:
    """Raises GraphError where `Prefer: odata.maxpagesize` is refused."""
    _check_part(habits, "page_size" if call.preferences.page_size else None)


def check_list(call: Call, habits: Habits) -> None:
    """Raises GraphError for what a list of messages may not have."""
    _check_part(habits, "list_properties" if _expands(call, "singlevalue") else None)
    _check_part(habits, "orderby" if "$orderby" in call.query else None)


def check_message(call: Call, habits: Habits) -> None:
    """Raises GraphError for what the read of one message may not have."""
    _check_part(habits, "properties" if _expands(call, "singlevalue") else None)
    attachments = next((piece for piece in _expanded(call) if piece.startswith("attachments")), "")
    if select := nested_select(attachments):
        check_attachment_fields(select, habits)
        _check_part(habits, "nested_select")
        _check_part(habits, "content_id_cast" if _CAST.search(select) else None)


def check_folders(call: Call, habits: Habits) -> None:
    """Raises GraphError where a list of folders is refused its extended properties."""
    _check_part(habits, "folder_properties" if _expands(call, "singlevalue") else None)


def check_attachment_fields(select: str, habits: Habits) -> None:
    """Raises GraphError for a field that only some attachments have, without the cast that says of which."""
    names = [name.strip().lower() for name in select.split(",")]
    uncast = [name for name in names if name.rpartition("/")[2] in ("contentid", "contentbytes")]
    if habits.uncast_content_id or all(name.startswith(_FILE) for name in uncast):
        return
    raise bad_request(
        f"Parsing OData Select and Expand failed: Could not find a property named '{uncast[0]}' "
        "on type 'microsoft.graph.attachment'."
    )


def broken() -> GraphError:
    """500, as Exchange says it."""
    message = "An internal server error occurred. The operation failed."
    return GraphError(500, "ErrorInternalServerError", message)


def _check_part(habits: Habits, part: Part | None) -> None:
    if part not in habits.refuses:
        return
    if habits.refusal == 500:
        raise broken()
    raise bad_request(f"The query specified in the URI is not valid: {part}.")


def _select(call: Call) -> list[str]:
    return [name.strip().lower() for name in call.query.get("$select", "").split(",")]


def _expanded(call: Call) -> list[str]:
    return [piece.lower() for piece in split_outside(call.query.get("$expand", ""), ",")]


def _expands(call: Call, name: str) -> bool:
    return any(piece.startswith(name) for piece in _expanded(call))
