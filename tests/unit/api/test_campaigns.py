"""Campaigns over HTTP, and the way out of them: a machine's POST acts, whatever opens the link does not."""

from email import message_from_bytes, policy
from typing import Any

import pytest

from shared.domain.commands.commands import RunCampaign, SendMail
from tests.builders import AGENT, TENANT, a_record, rewrite
from tests.composed import use_cases_over
from tests.fakes import FakePorts
from tests.unit.api.tokens import OTHER, Issuer
from tests.unit.api.wiring import Api

OID = "0a0a0a0a-0000-4000-8000-00000000000a"
HTML = "<p>Dear {{ first_name }},</p>"
UNSUBSCRIBE = "https://app.example/api/v1/unsubscribe/"


@pytest.fixture
def storage(storage: FakePorts) -> FakePorts:
    rewrite(storage.mailboxes, next(iter(storage.mailboxes.of(TENANT))), agent_id=OID)
    people = [a_record(f"contact/C-{n}", addresses=(f"p{n}@fabrikam.example",)) for n in range(1, 5)]
    storage.records.put_many(TENANT, people)
    return storage


@pytest.fixture
def token(issuer: Issuer) -> str:
    return issuer.user("Agent", preferred_username=AGENT, oid=OID)


def start(api: Api, token: str, key: str = "key-1", path: str = "campaigns", **changes: Any) -> Any:
    body = {
        "name": "Spring",
        "subject": "News",
        "html": "<p>Hello</p>",
        "contacts": ["C-1", "C-2"],
        **changes,
    }
    given = {name: value for name, value in body.items() if value is not None}
    return api.post(path, token, json=given, headers={"Idempotency-Key": key})


def run(storage: FakePorts) -> None:
    """As the workers of both queues would."""
    use_cases = use_cases_over(storage)
    for command in storage.queue.take(RunCampaign):
        use_cases.run_campaign(command)
    for mail in storage.queue.take(SendMail):
        use_cases.send_due(mail)


def links(storage: FakePorts) -> list[str]:
    """The paths in List-Unsubscribe of what left, read as bytes."""
    raw = [mime.decode("ascii") for mime in storage.sender.outbound]
    return [text.partition(f"List-Unsubscribe: <{UNSUBSCRIBE}")[2].partition(">")[0] for text in raw]


def body(mime: bytes, kind: str) -> str:
    mail: Any = message_from_bytes(mime, policy=policy.SMTP)
    return str(mail.get_body((kind,)).get_content())


def test_a_campaign_is_begun_followed_and_listed(api: Api, token: str, storage: FakePorts) -> None:
    answer = start(api, token)
    assert answer.status_code == 202, answer.text
    begun = answer.json()
    assert (begun["state"], begun["all"], begun["waiting"], begun["sent"]) == ("running", 2, 2, 0)
    assert start(api, token).json()["id"] == begun["id"]
    assert start(api, token, name="Autumn").status_code == 409
    run(storage)
    found = api.get(f"campaigns/{begun['id']}", token).json()
    assert (found["sent"], found["waiting"], found["on_its_way"], found["problem"]) == (2, 0, 0, None)
    assert [item["id"] for item in api.get("campaigns", token).json()["items"]] == [begun["id"]]
    page = api.get(f"campaigns/{begun['id']}/recipients?limit=1", token).json()
    rest = api.get(f"campaigns/{begun['id']}/recipients?cursor={page['cursor']}", token).json()
    rows = [*page["items"], *rest["items"]]
    assert [(row["contact"], row["share"]) for row in rows] == [("C-1", "sent"), ("C-2", "sent")]
    assert rest["cursor"] is None
    assert (
        api.get(f"outbox/{rows[0]['outbox_id']}", token).json()["to"][0]["address"] == "p1@fabrikam.example"
    )
    assert api.get(f"campaigns/{begun['id']}/recipients?cursor=eHl6", token).status_code == 422


def test_223_a_missing_value_is_refused_with_the_contacts_and_a_default_helps(
    api: Api, token: str, storage: FakePorts
) -> None:
    values: list[dict[str, Any]] = [{"first_name": "Jane"}, {"first_name": ""}, {"first_name": "   "}, {}]
    people = [{"contact": f"C-{n}", "values": given} for n, given in enumerate(values, 1)]
    answer = start(api, token, contacts=None, recipients=people, html=HTML)
    assert answer.status_code == 422
    assert "'first_name' of C-2, C-3, C-4" in answer.json()["detail"]
    assert storage.outbox.rows == {}
    preview = start(api, token, path="campaigns/preview", contacts=None, recipients=people, html=HTML).json()
    assert [example["contact"] for example in preview["examples"]] == ["C-2", "C-3", "C-4", "C-1"]
    assert preview["incomplete"] == 3
    html = "<p>Dear {{ first_name | default('customer') }},</p>"
    assert start(api, token, "key-2", contacts=None, recipients=people, html=html).status_code == 202
    run(storage)
    said = [body(mime, kind) for mime in storage.sender.outbound for kind in ("html", "plain")]
    assert sum("Dear customer," in text for text in said) == 6, "in both parts of three mails"
    assert not any(word in text for text in said for word in ("Dear ,", "None", "null", "{{"))


def test_lists_and_defaults_fill_a_template(api: Api, token: str) -> None:
    html = "{% for home in homes %}<i>{{ home }}</i>{% endfor %}{{ office }}"
    people = [{"contact": "C-1", "lists": {"homes": ["Mill", "Quay"]}}]
    given = {"contacts": None, "recipients": people, "html": html, "defaults": {"office": "Harbour"}}
    [example] = start(api, token, path="campaigns/preview", **given).json()["examples"]
    assert example["html"].startswith("<i>Mill</i><i>Quay</i>Harbour")
    assert UNSUBSCRIBE in example["html"]
    assert UNSUBSCRIBE in example["text"]


def test_pause_resume_and_cancel_say_how_it_stands(api: Api, token: str) -> None:
    campaign = start(api, token).json()["id"]
    for verb, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        answer = api.post(f"campaigns/{campaign}/{verb}", token)
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert api.post(f"campaigns/{campaign}/resume", token).status_code == 409
    assert api.get(f"campaigns/{campaign}", token).json()["cancelled"] == 2


def test_nobody_else_sees_a_campaign(api: Api, issuer: Issuer, token: str) -> None:
    campaign = start(api, token).json()["id"]
    others = (
        issuer.user("Agent", preferred_username="ben@contoso.example", oid="b0"),
        issuer.app("Service"),
        issuer.user("Admin", tenant=OTHER),
    )
    for other in others:
        assert api.get(f"campaigns/{campaign}", other).status_code == 404
        assert api.get(f"campaigns/{campaign}/recipients", other).status_code == 404
        assert api.get("campaigns", other).json()["items"] == []
        for verb in ("pause", "resume", "cancel"):
            assert api.post(f"campaigns/{campaign}/{verb}", other).status_code == 404
    assert api.get(f"campaigns/{campaign}", issuer.user("Admin", oid="boss")).status_code == 200


def test_the_headers_are_one_whole_word_of_ascii(api: Api, token: str, storage: FakePorts) -> None:
    start(api, token)
    run(storage)
    for mime in storage.sender.outbound:
        head = mime.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n ", " ")
        lines = [line for line in head.split("\r\n") if line.startswith("List-Unsubscribe")]
        assert len(lines) == 2
        assert lines[0].startswith(f"List-Unsubscribe: <{UNSUBSCRIBE}")
        assert lines[0].endswith(">")
        assert lines[1] == "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
        assert "=?" not in lines[0]
    assert len(set(links(storage))) == 2


def test_221_a_scanner_changes_nothing_and_one_click_acts_and_says_the_same_twice(
    api: Api, token: str, storage: FakePorts
) -> None:
    start(api, token)
    run(storage)
    [link, other] = links(storage)
    path = f"unsubscribe/{link}"
    for method in ("HEAD", "GET", "GET", "GET", "GET", "GET", "HEAD"):
        answer = api.client.request(method, f"/api/v1/{path}")
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
        assert method == "HEAD" or '<form method="post"><button>Unsubscribe</button>' in answer.text
    assert storage.silences.rows == {}

    part = 'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click'
    forms = [
        ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=b", f"--b\r\n{part}\r\n--b--\r\n"),
        ("", b""),
        ("application/json", b"\xff" * 100),
    ]
    for content_type, content in forms:
        headers = {"content-type": content_type} if content_type else {}
        answer = api.client.request("POST", f"/api/v1/{path}", headers=headers, content=content)
        assert (answer.status_code, "You are unsubscribed" in answer.text) == (200, True)
        assert "location" not in answer.headers
    assert len(storage.silences.rows) == 1
    assert "You are unsubscribed" in api.client.request("GET", f"/api/v1/{path}").text
    assert "<form" in api.client.request("GET", f"/api/v1/unsubscribe/{other}").text

    preview = start(api, token, path="campaigns/preview").json()
    assert preview["left_out_by_reason"] == [{"reason": "unsubscribed", "count": 1}]
    assert [row["contact"] for row in preview["left_out"]] == ["C-1"]


def test_221_a_link_that_is_none_says_nothing_about_people(api: Api, token: str, storage: FakePorts) -> None:
    start(api, token)
    run(storage)
    link = links(storage)[0]
    answers = set()
    for forged in (link[:-1] + ("A" if link[-1] != "A" else "B"), "A" * 87, "x", link[:40], "%00"):
        for method in ("GET", "POST"):
            answer = api.client.request(method, f"/api/v1/unsubscribe/{forged}")
            answers.add((answer.status_code, answer.text))
    assert len(answers) == 1
    assert answers.pop()[0] == 404
    assert storage.silences.rows == {}


def test_the_way_out_stands_in_both_parts_of_the_body(api: Api, token: str, storage: FakePorts) -> None:
    """Where a server takes the headers away, this is what is left."""
    start(api, token)
    run(storage)
    for mime, link in zip(storage.sender.outbound, links(storage), strict=True):
        for kind in ("html", "plain"):
            assert f"{UNSUBSCRIBE}{link}" in body(mime, kind)
