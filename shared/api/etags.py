"""Conditional answers for callers that poll: an ETag over the content, and 304 if nothing changed (RFC 9110, 13)."""

import hashlib
import json
from typing import Final

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError
from starlette.requests import Request
from starlette.responses import Response

# What a caller may see depends on the token and on the organisation that the caller acts for: no cache may give it
# to another.
VARY: Final = "Authorization, Postledger-Organisation"


# A browser's cache is a copy of mail that no erasure reaches. A client keeps what it polls, with its ETag, by itself.
CACHING: Final = "private, no-store"


def etag_of(content: bytes) -> str:
    """A strong ETag: equal content, equal tag."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def named(header: str) -> frozenset[str]:
    """The ETags that an If-Match or If-None-Match header names, as they stand in quotes; `*` for any."""
    # A proxy that compresses an answer may mark its tag as weak.
    return frozenset(tag.strip().removeprefix("W/") for tag in header.split(",")) - {""}


def matches(header: str, etag: str) -> bool:
    """Whether a header names this ETag, or any; a weak tag compares by its value."""
    tags = named(header)
    return "*" in tags or etag in tags


def conditional(request: Request, model: BaseModel) -> Response:
    """The model as JSON, or 304 without a body if `If-None-Match` names it."""
    content = _json(model)
    etag = etag_of(content)
    headers = {"ETag": etag, "Cache-Control": CACHING, "Vary": VARY}
    if matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def _json(model: BaseModel) -> bytes:
    try:
        return model.model_dump_json(by_alias=True).encode()
    except PydanticSerializationError:
        # Broken mail may contain half a character: JSON can spell it, UTF-8 cannot.
        return json.dumps(model.model_dump(mode="json", by_alias=True)).encode()
