"""Headers, paths, queries and bodies that no client sends: each is refused or ignored, and none is a failure of ours.

The operations are those that the API describes.
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import azure.functions as func
import pytest

from shared.triggers.client import serve
from tests.builders import AGENT, KEY, TENANT, a_copy, a_document, a_record, a_stored_message, an_entry
from tests.fakes import FakeStorage
from tests.security import served
from tests.security.house import body_of, operations
from tests.security.served import every_operation
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api

# RFC 9110 section 5.5: what a header's value may hold at most; a client may send any byte all the same.
PRINTABLE: Final = re.compile(r"[\t\x20-\x7e]*")
LONG: Final = "A" * 60_000
HEADERS: Final[dict[str, dict[str, str]]] = {
    "a correlation id with a line break": {"x-correlation-id": "abcdefgh\r\nSet-Cookie: a=b"},
    "a correlation id of markup": {"x-correlation-id": "<script>alert(1)</script>"},
    "a long correlation id": {"x-correlation-id": LONG},
    "a trace that is none": {"traceparent": "00-\r\n-x-01"},
    "an organisation with a line break": {"postledger-organisation": f"{TENANT}\r\nX: y"},
    "a long organisation": {"postledger-organisation": LONG},
    "an organisation that is a path": {"postledger-organisation": "../../Mailboxes"},
    "an organisation that is a filter": {"postledger-organisation": f"{TENANT}' or PartitionKey ge '"},
    "an organisation in other digits": {"postledger-organisation": TENANT.replace("1", "１")},
    "ETags without end": {"if-none-match": '"a",' * 15_000, "if-match": '"a",' * 15_000},
    "an ETag of control characters": {"if-none-match": '"\x00\x01', "if-match": '"\x00\x01'},
    "any ETag": {"if-none-match": "*", "if-match": "*"},
    "a host of somebody else": {
        "host": "evil.example",
        "x-forwarded-host": "evil.example",
        "forwarded": "host=evil.example",
    },
    "a host that is none": {"host": "a b\r\n<>"},
    "a method in a header": {"x-http-method-override": "DELETE", "x-http-method": "DELETE"},
    "an address in a header": {
        "x-original-url": "/api/v1/organisation",
        "x-rewrite-url": "/api/v1/organisation",
    },
    "an identity in a header": {
        "x-ms-client-principal": "eyJhdXRoX3R5cCI6ImFhZCJ9",
        "x-ms-client-principal-name": AGENT,
    },
    "a compressed body that is none": {"content-encoding": "gzip"},
    "ranges": {"range": "bytes=0-1," * 5_000},
    "languages": {"accept": "*/*;q=" + "9" * 9_000, "accept-language": "a-" * 30_000},
    "bytes of no text": {"user-agent": "\udcff\udcfe\x7f", "accept": "\udc80"},
    "another origin": {"origin": "null", "referer": "javascript:alert(1)"},
}
TOKENS: Final = (
    "",
    " ",
    "x",
    "a.b.c",
    "a." * 5_000,
    "\udcff",
    "a\r\nb",
    "é",
    "=" * 20_000,
    "..",
    "a b c",
    ",",
    "null",
)


@pytest.fixture
def filled(storage: FakeStorage) -> FakeStorage:
    storage.records.put_many(TENANT, [a_record()])
    storage.timeline.put(TENANT, [an_entry()])
    storage.messages.create(TENANT, a_stored_message(), a_document(), a_copy())
    return storage


def check(answer: Any, *said: object) -> None:
    assert answer.status_code < 500, (*said, answer.status_code, answer.text)
    for name, value in answer.headers.items():
        assert PRINTABLE.fullmatch(value), (*said, name, value)
        assert "evil.example" not in value, (*said, name, value)
    assert "set-cookie" not in answer.headers, said
    assert "evil.example" not in answer.text, said


@pytest.mark.parametrize("name", HEADERS)
def test_an_evil_header_is_refused_or_means_nothing(
    api: Api, issuer: Issuer, filled: FakeStorage, name: str
) -> None:
    token, stored = issuer.user("Agent", "Admin", "Service"), filled.organisations.rows[TENANT]
    for operation, method, path in every_operation():
        if method == "GET":
            check(api.get(path, token, headers=HEADERS[name]), operation)
    check(api.put("records/contact/C-2", token, json={"name": "Li"}, headers=HEADERS[name]))
    assert filled.organisations.rows[TENANT] == stored, "no header stands for a method or an address"


def test_a_correlation_id_that_is_answered_is_a_sane_one(api: Api) -> None:
    for headers in HEADERS.values():
        assert re.fullmatch(r"[0-9a-f]{32}", api.get("health", headers=headers).headers["x-correlation-id"])


@pytest.mark.parametrize(
    "scheme", ["Bearer ", "bearer\t", "Basic ", "Bearer Bearer ", "", "Negotiate ", "Bearer\x00"]
)
def test_an_authorization_that_is_none_is_a_401(api: Api, scheme: str) -> None:
    for token in TOKENS:
        answer = api.get("records", headers={"authorization": scheme + token})
        check(answer, scheme, token)
        assert answer.status_code == 401, (scheme, token)


PATHS: Final = (
    *("records/contact/..%2f..%2fhealth", "records/contact/%00", "records/contact/C-1%0d%0aX: y"),
    *("records/contact/%ff", "records//C-1", "records/contact/C-1/", "records/contact/C-1;a=b"),
    *("./records", "../v1/records", "RECORDS", "records/contact/" + "x" * 60_000),
    *("timelines/contact/'%20or%20''='", "messages/%F0%9F%98%80", "messages/../x", "messages/{id}"),
    "messages/" + "0f" * 16 + "/attachments/..%2f..%2f1",
    *("messages/" + "0f" * 16 + "/attachments/" + "9" * 5_000, "mailboxes/%3Cscript%3E@x.example"),
    *("mailboxes/a@b@c", "mailboxes/" + "a" * 5_000 + "@x.example", "mailboxes/%00@x.example"),
    *("mailboxes/agent@contoso.example%00", "mailboxes/agent@contoso.example%20"),
    *("exceptions/%27/replay", "erase/%5c%5c", "inbox/" + "~" * 900, "timelines/contact/%e2%80%ae"),
    *("docs/..%2f..%2fsecrets", "docs/page.js%00"),
    "connect/callback?state=%00&code=%ff",
    "connect/callback?error=%3Cscript%3E&error_description=" + "x" * 9_000,
    "connect/callback?state=" + "a" * 9_000 + "&tenant=..",
    "connect/callback?admin_consent=True&tenant=' or 1=1",
)
QUERIES: Final = (
    *("limit=-1", "limit=9e9", "limit=" + "9" * 5_000, "limit=1&limit=2"),
    *("since=9999-12-31T23:59:59%2B00:00", "since=0001-01-01", "until=9999-12-31T23:59:59-14:00"),
    *("since=infinity", "since=-1", "q=" + "x" * 60_000, "q=%00", "q=%ff", "q=%ed%a0%80"),
    *("kind=contact&kind=client", "cursor=%00", "%00=1", "\udcff=1", "=", "&&&", "a[]=1"),
    *("q=" + "a%20" * 3_000, "filter=" + "," * 9_000, "internet_message_id=" + "<" * 9_000),
    *("internet_message_id=%00", "agent=" + "@" * 900, "mailbox=%00@x", "subject=%00|'"),
    *("record=contact/%00", "record=" + "/" * 900, "confirm=%00", "code=%00'", "by=%00'", "what=%00'"),
    "subject=" + "'" * 900,
)


def test_an_evil_path_is_no_failure_and_no_redirect(api: Api, issuer: Issuer, filled: FakeStorage) -> None:
    token = issuer.user("Agent", "Admin", "Service")
    for path in PATHS:
        for method in ("GET", "PUT", "POST", "DELETE", "PATCH", "TRACE", "X" * 300):
            answer = api.call(method, path, token)
            check(answer, method, path[:100])
            assert answer.status_code not in range(300, 400), (method, path[:100])
            is_page = answer.headers.get("content-type", "").startswith("text/html")
            assert not (is_page and "<script>" in answer.text), path


@pytest.mark.parametrize("part", range(3))
def test_an_evil_query_is_no_failure(api: Api, issuer: Issuer, filled: FakeStorage, part: int) -> None:
    token = issuer.user("Agent", "Admin", "Service")
    lists = [(name, path) for name, method, path in every_operation() if method == "GET"]
    for name, path in lists[part::3]:
        for query in QUERIES:
            joined = "&" if "?" in path else "?"
            check(api.get(f"{path}{joined}{query}", token), name, query[:60])


BODIES: Final[dict[str, Callable[[], bytes]]] = {
    "nested arrays": lambda: b"[" * 100_000,
    "nested objects": lambda: b'{"a":' * 100_000,
    "a number without end": lambda: b"9" * 100_000,
    "an exponent": lambda: b"1e999999",
    "no number": lambda: b"NaN",
    "infinity in a field": lambda: b'{"poll_minutes":Infinity,"retention_days":-Infinity}',
    "half a character": lambda: b'{"name":"\\ud800","address":"\\udfff@x.example"}',
    "half a character as a name": lambda: b'{"\\ud800":1}',
    "no UTF-8": lambda: b'{"name":"\xff\xfe"}',
    "another encoding": lambda: '{"name":"x"}'.encode("utf-16"),
    "a mark before it": lambda: b"\xef\xbb\xbf{}",
    "a zero": lambda: b'{"name":"\\u0000","id":"\\u0000","summary":"\\u0000"}',
    "keys that repeat": lambda: b"{" + b'"name":"a",' * 9_000 + b'"name":"b"}',
    "keys without end": lambda: json.dumps({f"k{number}": 1 for number in range(3_000)}).encode(),
    "prototypes": lambda: b'{"__proto__":{"a":1},"constructor":{},"__class__":"x"}',
    "a list": lambda: b"[]",
    "a long list": lambda: b"[" + b"{}," * 3_000 + b"{}]",
    "null": lambda: b"null",
    "a text": lambda: b'"x"',
    "nothing but space": lambda: b" " * 100_000,
    "nothing": lambda: b"",
    "lines": lambda: b"\n" * 100_000,
}


def bodied() -> Iterator[tuple[str, str, str, Any]]:
    """(operation, method, path, example) of what takes a body."""
    document = served.document()
    examples = {name: body_of(document, operation) for name, _, _, operation in operations(document)}
    for name, method, path in every_operation():
        if examples[name] is not None:
            yield name, method, path, examples[name]


@pytest.mark.parametrize("name", BODIES)
def test_an_evil_body_is_no_failure(api: Api, issuer: Issuer, filled: FakeStorage, name: str) -> None:
    token, content = issuer.user("Agent", "Admin", "Service"), BODIES[name]()
    for operation, method, path, _ in bodied():
        for kind in ("application/json", "application/x-ndjson", "application/json; charset=utf-7"):
            headers = {"content-type": kind}
            check(api.call(method, path, token, content=content, headers=headers), operation, kind)


ODD: Final = (
    *(None, True, -1, 10**30, 1.5, "", "x" * 100_000, "\u0000", "\ud800", [], {}, [[]], [None]),
    *({"a": {}}, ["x"] * 5_000),
)


@pytest.mark.parametrize("part", range(3))
def test_no_value_in_a_field_is_a_failure(api: Api, issuer: Issuer, filled: FakeStorage, part: int) -> None:
    token, tried = issuer.user("Agent", "Admin", "Service"), 0
    for operation, method, path, example in list(bodied())[part::3]:
        fields = example[0] if isinstance(example, list) else example
        for field in fields:
            for value in ODD:
                changed = {**fields, field: value}
                body = [changed] if isinstance(example, list) else changed
                check(api.call(method, path, token, json=body), operation, field, repr(value)[:60])
                tried += 1
    assert tried > 100


def test_what_is_refused_repeats_no_more_than_a_sentence(api: Api, issuer: Issuer) -> None:
    token = issuer.user("Agent", "Admin", "Service")
    for path in (f"records?{LONG}=1", f"records?kind={LONG}", f"timelines/{LONG}/C-1", f"mailboxes/{LONG}"):
        answer = api.get(path, token)
        assert answer.status_code in (404, 422)
        assert len(answer.json()["detail"]) < 1_000, path[:40]
    assert len(api.put("organisation", token, json={LONG: 1}).json()["detail"]) < 1_000
    assert KEY not in api.get(f"messages/{'1' * 32}", token).text


BRIDGED: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "a path that is no UTF-8": ("records/contact/%ff", {}),
    "a port without end": ("health", {"x-forwarded-port": "9" * 5_000}),
    "a port that is none": ("health", {"x-forwarded-port": "x,,;-1"}),
    "a long query": ("records?q=" + "x" * 60_000, {}),
    "a body of another encoding": ("records", {"content-encoding": "br", "content-length": "-1"}),
}


@pytest.mark.parametrize("name", BRIDGED)
def test_what_azure_s_bridge_cannot_read_is_no_failure(api: Api, name: str) -> None:
    """The bridge stands before the app, and what it raises would be an empty 500."""
    path, headers = BRIDGED[name]
    request = func.HttpRequest("GET", f"https://app.example/api/v1/{path}", headers=headers, body=b"")
    context: Any = None
    answer = asyncio.run(serve(func.AsgiMiddleware(api.client.app), request, context))
    assert answer.status_code in (200, 400, 401)
