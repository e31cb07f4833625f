"""One Graph call and its answer, whether it came alone or inside a $batch. Translates nothing but HTTP's own forms."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from dev.simulator.errors import GraphError, bad_request

_PREFERENCE = re.compile(r"([\w.\-]+)\s*(?:=\s*\"?([^\",;]*)\"?)?")
_KEYED = re.compile(r"([^('/]+)\('(.*)'\)")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the `Prefer` header asks for."""

    immutable_ids: bool = False
    text_body: bool = False
    unsafe_html: bool = False
    page_size: int | None = None

    @classmethod
    def parse(cls, header: str) -> "Preferences":
        given = {name.lower(): (value or "").strip() for name, value in _PREFERENCE.findall(header)}
        size = given.get("odata.maxpagesize", "")
        return cls(
            given.get("idtype", "").lower() == "immutableid",
            given.get("outlook.body-content-type", "").lower() == "text",
            "outlook.allow-unsafe-html" in given,
            int(size) if size.isdigit() and int(size) > 0 else None,
        )

    @property
    def applied(self) -> str:
        """The `Preference-Applied` header."""
        names = [
            'IdType="ImmutableId"' if self.immutable_ids else "",
            'outlook.body-content-type="text"' if self.text_body else "",
            f"odata.maxpagesize={self.page_size}" if self.page_size else "",
        ]
        return ", ".join(filter(None, names))


def split_path(path: str) -> tuple[str, ...]:
    """Segments, decoded; `mailFolders('inbox')` counts as two, `delta()` loses its parentheses."""
    segments: list[str] = []
    for raw in path.strip("/").split("/"):
        segment = unquote(raw).removeprefix("microsoft.graph.")
        if keyed := _KEYED.fullmatch(segment):
            segments += [keyed[1], keyed[2]]
        elif segment:
            segments.append(segment.removesuffix("()"))
    return tuple(segments)


@dataclass(frozen=True, slots=True)
class Call:
    """A request to Graph. `query` holds decoded options by lower-case name; header names are lower-case."""

    method: str
    path: str
    segments: tuple[str, ...]
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    arrived: float
    preferences: Preferences = field(default_factory=Preferences)

    @classmethod
    def of(cls, method: str, url: str, headers: Mapping[str, str], body: bytes, arrived: float) -> "Call":
        """`url` is relative to `/v1.0` and may be percent-encoded in any way."""
        parts = urlsplit(url)
        query = {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
        prefer = headers.get("prefer")
        preferences = Preferences.parse(prefer) if prefer else Preferences()
        return cls(
            method.upper(), parts.path, split_path(parts.path), query, headers, body, arrived, preferences
        )

    def json(self) -> dict[str, object]:
        """The body as an object. Raises GraphError 400."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as error:
            raise bad_request("Unable to read JSON request payload.") from error
        if not isinstance(value, dict):
            raise bad_request("Empty Payload. JSON content expected.")
        return value

    def integer(self, name: str) -> int | None:
        """A whole-number option. Raises GraphError 400."""
        value = self.query.get(name)
        if value is None:
            return None
        if not value.isdigit():
            raise bad_request(f"Invalid value '{value}' for {name} query option found.")
        return int(value)


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON in `payload`, or bytes in `raw`, or nothing."""

    status: int = 200
    payload: object = None
    raw: bytes | None = None
    content_type: str = (
        "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    )
    headers: dict[str, str] = field(default_factory=dict)
    request_id: str = ""

    def body(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return (
            b""
            if self.payload is None
            else json.dumps(self.payload, ensure_ascii=False).encode("utf-8", "replace")
        )

    @classmethod
    def refusal(cls, error: GraphError, client_request_id: str | None) -> "Answer":
        request_id = str(uuid.uuid4())
        body = error.as_json(request_id, client_request_id)
        return cls(error.status, body, headers=dict(error.headers), request_id=request_id)
