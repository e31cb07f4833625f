"""The Graph webhooks' boundary: the validation handshake, and notification bodies read without trust.

Microsoft: "Receive change notifications through webhooks". Answers tell a stranger nothing.
"""

from collections.abc import Callable, Iterator
from typing import Any

import azure.functions as func

from shared import telemetry
from shared.domain.errors import PostledgerError
from shared.domain.foreign_text import json_value
from shared.services.capture.notifications import Notification

# Far above what Graph sends; a larger body is refused before it is parsed.
MAX_BODY = 4 * 1024 * 1024
# Far more than Graph puts into one body; of what comes behind them the next poll learns.
MOST_ITEMS = 1_000
LONGEST_TOKEN = 4_096


def receive(request: func.HttpRequest, take: Callable[[Iterator[Notification]], None]) -> func.HttpResponse:
    """Answer a handshake with its token, or queue a body's notifications: 202 once they are safe, else 503."""
    token = request.params.get("validationToken")
    if token is not None:
        return _handshake(token)
    try:
        items = read(request.get_body())
    except ValueError:
        return func.HttpResponse(status_code=400)
    try:
        take(items)
    except PostledgerError as error:
        # Graph tries again for up to four hours.
        telemetry.failure("notifications_not_queued", error)
        return func.HttpResponse(status_code=503)
    return func.HttpResponse(status_code=202)


def read(body: bytes) -> Iterator[Notification]:
    """The first thousand notifications in a body. Raises ValueError when it is none."""
    if len(body) > MAX_BODY:
        raise ValueError("too large")
    content = json_value(body)
    items = content.get("value") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise ValueError("no list of notifications")
    return (_notification(item) for item in items[:MOST_ITEMS] if isinstance(item, dict))


def _handshake(token: str) -> func.HttpResponse:
    """The decoded token as plain text; Graph never sends markup, so markup is refused, not rewritten."""
    if len(token) > LONGEST_TOKEN or "<" in token or ">" in token:
        return func.HttpResponse(status_code=400)
    headers = {"X-Content-Type-Options": "nosniff"}
    return func.HttpResponse(token, status_code=200, mimetype="text/plain", charset="utf-8", headers=headers)


def _notification(item: dict[str, Any]) -> Notification:
    data = item.get("resourceData")
    return Notification(
        tenant_id=_text(item.get("tenantId")).lower(),
        client_state=_text(item.get("clientState")),
        # The path in `resource` differs in case and form between Graph's services; the id in the data does not.
        message_id=_text(data.get("id") if isinstance(data, dict) else ""),
        change=_text(item.get("changeType")),
        lifecycle=_text(item.get("lifecycleEvent")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 1_024 else ""
