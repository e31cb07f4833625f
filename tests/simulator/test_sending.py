"""Drafts, answers and sending: what leaves, what stays in Sent Items, what arrives elsewhere."""

import base64
from email import message_from_string

import pytest

from dev.processes import PATIENCE, wait_for
from dev.simulator.client import Control
from tests.simulator.conftest import IMMUTABLE, TENANT, Graph, a_mail

pytestmark = pytest.mark.stack


def to(address: str) -> list[dict]:
    return [{"emailAddress": {"address": address}}]


def wait_until_sent(control: Control, address: str) -> dict:
    def look() -> dict | None:
        sent = [one for one in control.outbound() if one["mailbox"] == address]
        return sent[-1] if sent else None

    return wait_for(look, "nothing was sent")


def test_a_draft_keeps_message_id_and_immutable_id_when_sent_where_switches_say_so(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    control.put_habits(draft_keeps_immutable_id=True, keeps_message_id=True)
    body = {
        "subject": "Offer",
        "body": {"contentType": "html", "content": "<p>x</p>"},
        "toRecipients": to("c@client.example"),
    }
    draft = graph("POST", f"{mailbox}/messages", body, **IMMUTABLE).json()
    assert draft["isDraft"] is True
    assert graph("POST", f"{mailbox}/messages/{draft['id']}/send").status_code == 202
    left = wait_until_sent(control, address)
    sent = graph.get(f"{mailbox}/messages/{draft['id']}", **IMMUTABLE)
    assert (sent["isDraft"], sent["internetMessageId"]) == (False, draft["internetMessageId"])
    assert sent["parentFolderId"] == graph.get(f"{mailbox}/mailFolders/sentitems")["id"]
    assert message_from_string(left["raw"])["Message-ID"] == draft["internetMessageId"]


def test_the_sent_copy_is_a_new_item(graph: Graph, control: Control, address: str, mailbox: str) -> None:
    control.put_habits(keeps_message_id=True)
    draft = graph("POST", f"{mailbox}/messages", {"toRecipients": to("c@client.example")}, **IMMUTABLE).json()
    graph("POST", f"{mailbox}/messages/{draft['id']}/send")
    wait_until_sent(control, address)
    assert graph("GET", f"{mailbox}/messages/{draft['id']}", **IMMUTABLE).status_code == 404
    found = graph.get(f"{mailbox}/messages?$filter=internetMessageId eq '{draft['internetMessageId']}'")[
        "value"
    ]
    assert [one["isDraft"] for one in found] == [False]


def test_a_reply_is_threaded_by_the_server(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    parent = control.deliver(
        address, a_mail(1, subject="Question", extra="References: <root@client.example>\r\n")
    )
    draft = graph("POST", f"{mailbox}/messages/{parent['id']}/createReply", {}, **IMMUTABLE).json()
    assert (draft["subject"], draft["conversationId"]) == ("RE: Question", parent["conversationId"])
    change = {"body": {"contentType": "text", "content": "Answer"}, "subject": "RE: Question [PL-1]"}
    assert graph("PATCH", f"{mailbox}/messages/{draft['id']}", change).status_code == 200
    graph("POST", f"{mailbox}/messages/{draft['id']}/send")
    left = message_from_string(wait_until_sent(control, address)["raw"])
    assert left["In-Reply-To"] == parent["internetMessageId"]
    assert left["References"] == "<root@client.example> <m1@client.example>"
    assert (left["To"], left["Subject"]) == ("Alice Client <alice@client.example>", "RE: Question [PL-1]")


def test_threading_headers_cannot_be_set_and_five_custom_ones_are_the_limit(
    graph: Graph, mailbox: str
) -> None:
    def refused(names: list[str]) -> str:
        headers = [{"name": name, "value": "v"} for name in names]
        answer = graph("POST", f"{mailbox}/messages", {"subject": "s", "internetMessageHeaders": headers})
        assert answer.status_code == 400
        return answer.json()["error"]["code"]

    assert refused(["In-Reply-To"]) == "InvalidInternetMessageHeader"
    assert refused([f"x-{n}" for n in range(6)]) == "InvalidInternetMessageHeaderCollection"


def test_mail_to_a_colleague_arrives_there_as_internal_mail_without_bcc(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    colleague, hidden = f"colleague-of-{address}", f"hidden-of-{address}"
    control.users(TENANT, colleague)
    control.users(TENANT, hidden)
    message = {"subject": "s", "toRecipients": to(colleague), "bccRecipients": to(hidden)}
    assert graph("POST", f"{mailbox}/sendMail", {"message": message}).status_code == 202
    left = wait_until_sent(control, address)
    assert sorted(left["to"]) == sorted([colleague, hidden])
    for one in (colleague, hidden):
        (arrived,) = control.messages(one)
        shown = graph.get(
            f"/users/{one}/messages/{arrived['id']}?$select=bccRecipients,toRecipients,internetMessageHeaders"
        )
        assert (shown["bccRecipients"], "internetMessageHeaders" in shown) == ([], False)
    assert "bcc" not in left["raw"].lower()
    (own,) = control.messages(address)
    kept = graph.get(f"{mailbox}/messages/{own['id']}")["bccRecipients"]
    assert [person["emailAddress"]["address"] for person in kept] == [hidden]


@pytest.mark.parametrize("action", ["createReply", "createReplyAll", "createForward"])
def test_an_answer_of_mime_says_what_the_mime_says_and_is_tied_to_its_parent(
    graph: Graph, control: Control, address: str, mailbox: str, action: str
) -> None:
    parent = control.deliver(address, a_mail(1, subject="Question"))
    url = f"{graph.url}/v1.0{mailbox}/messages/{parent['id']}/{action}"
    raw = a_mail(2, sender=address, to="c@client.example", subject="My answer", body="Signed.")
    plain = {"Content-Type": "text/plain", **IMMUTABLE}
    assert graph.session.post(url, data=b"not base64!", headers=plain, timeout=PATIENCE).status_code == 400
    answer = graph.session.post(url, data=base64.b64encode(raw), headers=plain, timeout=PATIENCE)
    draft = answer.json()
    assert (answer.status_code, draft["isDraft"], draft["subject"]) == (201, True, "My answer")
    assert draft["toRecipients"][0]["emailAddress"]["address"] == "c@client.example"
    assert draft["conversationId"] == parent["conversationId"]
    graph("POST", f"{mailbox}/messages/{draft['id']}/send")
    left = message_from_string(wait_until_sent(control, address)["raw"])
    parents = None if action == "createForward" else parent["internetMessageId"]
    assert (left["In-Reply-To"], left["References"]) == (parents, parent["internetMessageId"])


def test_mime_that_is_an_answer_leaves_at_once_where_that_is_asked(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    parent = control.deliver(address, a_mail(1, subject="Question"))
    url = f"{graph.url}/v1.0{mailbox}/messages/{parent['id']}/reply"
    raw = base64.b64encode(a_mail(2, sender=address, to="c@client.example", body="Yes."))
    assert graph.session.post(url, data=raw, headers={"Content-Type": "text/plain"}).status_code == 202
    left = message_from_string(wait_until_sent(control, address)["raw"])
    assert left["In-Reply-To"] == parent["internetMessageId"]


def files(*names: str) -> list[dict]:
    content = base64.b64encode(b"text").decode()
    return [
        {"@odata.type": "#microsoft.graph.fileAttachment", "name": name, "contentBytes": content}
        for name in names
    ]


def test_an_attachment_of_a_draft_is_deleted_and_the_ids_of_the_others_stay(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    given = {"toRecipients": to("c@client.example"), "attachments": files("a.txt", "b.txt", "c.txt")}
    path = f"{mailbox}/messages/{graph('POST', f'{mailbox}/messages', given).json()['id']}"
    first, second, third = graph.get(f"{path}/attachments")["value"]
    assert graph("DELETE", f"{path}/attachments/{first['id']}").status_code == 204
    assert graph("DELETE", f"{path}/attachments/{first['id']}").status_code == 404
    assert graph.get(f"{path}/attachments/{second['id']}")["name"] == "b.txt"
    assert graph("DELETE", f"{path}/attachments/{second['id']}").status_code == 204
    left = graph.get(f"{path}/attachments")["value"]
    assert [(file["id"], file["name"]) for file in left] == [(third["id"], "c.txt")]
    graph("POST", f"{path}/send")
    raw = wait_until_sent(control, address)["raw"]
    assert [name in raw for name in ("a.txt", "b.txt", "c.txt")] == [False, False, True]


def test_an_attachment_of_received_mail_is_deleted(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    mixed = "Content-Type: multipart/mixed; boundary=b\r\n"
    body = '--b\r\n\r\nHello\r\n--b\r\nContent-Type: application/pdf; name="a.pdf"\r\n\r\nx\r\n--b--'
    path = f"{mailbox}/messages/{control.deliver(address, a_mail(extra=mixed, body=body))['id']}"
    [file] = graph.get(f"{path}/attachments")["value"]
    before = graph.get(path)
    assert graph("DELETE", f"{path}/attachments/{file['id']}").status_code == 204
    after = graph.get(path)
    assert (before["hasAttachments"], after["hasAttachments"]) == (True, False)
    assert after["body"] == before["body"]
    assert after["changeKey"] != before["changeKey"]


def test_a_mail_is_attached_to_a_draft_and_leaves_with_it(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    given = {"toRecipients": to("c@client.example"), "body": {"contentType": "text", "content": "See below"}}
    path = f"{mailbox}/messages/{graph('POST', f'{mailbox}/messages', given).json()['id']}"
    item = {
        "@odata.type": "#microsoft.graph.message",
        "subject": "The original",
        "body": {"contentType": "html", "content": "<p>Once upon a time</p>"},
        "from": to("a@client.example")[0],
    }
    attached = {"@odata.type": "#microsoft.graph.itemAttachment", "name": "The original", "item": item}
    made = graph("POST", f"{path}/attachments", attached)
    assert (made.status_code, made.json()["@odata.type"]) == (201, "#microsoft.graph.itemAttachment")
    expanded = f"{path}/attachments/{made.json()['id']}?$expand=microsoft.graph.itemattachment/item"
    assert graph.get(expanded)["item"]["subject"] == "The original"
    graph("POST", f"{path}/send")
    left = message_from_string(wait_until_sent(control, address)["raw"])
    [inner] = [part for part in left.walk() if part.get_content_type() == "message/rfc822"]
    assert inner.get_payload(0)["Subject"] == "The original"


@pytest.mark.parametrize(
    ("attached", "code"),
    [
        ({"@odata.type": "#microsoft.graph.itemAttachment", "name": "x"}, "ErrorInvalidRequest"),
        (
            {
                "@odata.type": "#microsoft.graph.itemAttachment",
                "item": {"@odata.type": "#microsoft.graph.event", "subject": "x"},
            },
            "ErrorInvalidRequest",
        ),
        ({"@odata.type": "#microsoft.graph.itemAttachment", "contentBytes": "eA=="}, "RequestBodyRead"),
        (
            {"@odata.type": "#microsoft.graph.itemAttachment", "item": {"subjekt": "x"}},
            "RequestBodyRead",
        ),
        ({"@odata.type": "#microsoft.graph.referenceAttachment", "name": "x"}, "ErrorInvalidRequest"),
    ],
    ids=["no item", "an event", "bytes of an item", "an unknown property", "a link"],
)
def test_what_cannot_be_attached_is_refused(graph: Graph, mailbox: str, attached: dict, code: str) -> None:
    path = f"{mailbox}/messages/{graph('POST', f'{mailbox}/messages', {}).json()['id']}"
    refused = graph("POST", f"{path}/attachments", attached)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)


def test_mime_is_taken_as_base64_and_loses_auto_submitted(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    control.put_habits(keeps_message_id=True)
    raw = a_mail(
        9, sender=address, to="c@client.example", extra="Auto-Submitted: auto-replied\r\nX-Mine: yes\r\n"
    )
    url = f"{graph.url}/v1.0{mailbox}/sendMail"
    plain = {"Content-Type": "text/plain"}
    assert graph.session.post(url, data=b"not base64!", headers=plain, timeout=PATIENCE).status_code == 400
    assert (
        graph.session.post(url, data=base64.b64encode(raw), headers=plain, timeout=PATIENCE).status_code
        == 202
    )
    left = message_from_string(wait_until_sent(control, address)["raw"])
    assert (left["Message-ID"], left["X-Mine"], left["Auto-Submitted"]) == (
        "<m9@client.example>",
        "yes",
        None,
    )


@pytest.mark.parametrize(
    ("message", "status", "code"),
    [
        ({"subject": "nobody"}, 400, "ErrorInvalidRecipients"),
        (
            {"toRecipients": to("c@client.example"), "from": to("boss@contoso.example")[0]},
            403,
            "ErrorSendAsDenied",
        ),
    ],
)
def test_what_exchange_refuses_is_not_sent(
    graph: Graph, control: Control, address: str, mailbox: str, message: dict, status: int, code: str
) -> None:
    answer = graph("POST", f"{mailbox}/sendMail", {"message": message})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert not [one for one in control.outbound() if one["mailbox"] == address]


def test_a_draft_takes_attachments_and_sends_them(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    draft = graph(
        "POST", f"{mailbox}/messages", {"subject": "s", "toRecipients": to("c@client.example")}, **IMMUTABLE
    ).json()
    file = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "offer.pdf",
        "contentType": "application/pdf",
        "contentBytes": base64.b64encode(b"%PDF").decode(),
    }
    assert graph("POST", f"{mailbox}/messages/{draft['id']}/attachments", file).status_code == 201
    graph("POST", f"{mailbox}/messages/{draft['id']}/send")
    left = message_from_string(wait_until_sent(control, address)["raw"])
    assert [part.get_payload(decode=True) for part in left.walk() if part.get_filename() == "offer.pdf"] == [
        b"%PDF"
    ]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"subjekt": "s"}, "subjekt"),
        ({"subject": 7}, "subject"),
        ({"isRead": "yes"}, "isRead"),
        ({"importance": "urgent"}, "importance"),
        ({"flag": {"flagStatus": "red"}}, "flagStatus"),
        ({"toRecipients": ["a@b.example"]}, "toRecipients"),
        ({"toRecipients": [{"emailAddress": {"adress": "a@b.example"}}]}, "adress"),
        ({"categories": "Blue"}, "categories"),
        ({"body": {"contentType": "markdown", "content": "x"}}, "contentType"),
        ({"sentDateTime": "yesterday"}, "sentDateTime"),
    ],
)
def test_a_body_that_the_type_does_not_have_is_refused_by_name(
    graph: Graph, control: Control, address: str, mailbox: str, body: dict, named: str
) -> None:
    item = control.deliver(address, a_mail())["id"]
    answers = [
        graph("POST", f"{mailbox}/messages", body),
        graph("PATCH", f"{mailbox}/messages/{item}", body),
        graph("POST", f"{mailbox}/sendMail", {"message": body}),
        graph("POST", f"{mailbox}/messages/{item}/createReply", {"message": body}),
    ]
    for answer in answers:
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (400, "RequestBodyRead")
        assert f"'{named}'" in error["message"]


def test_what_a_draft_is_given_is_kept(graph: Graph, mailbox: str) -> None:
    given = {
        "categories": ["Blue"],
        "flag": {"flagStatus": "flagged"},
        "importance": "high",
        "isReadReceiptRequested": True,
        "isDeliveryReceiptRequested": True,
        "toRecipients@odata.type": "#Collection(microsoft.graph.recipient)",
    }
    path = f"{mailbox}/messages/{graph('POST', f'{mailbox}/messages', given).json()['id']}"
    kept = {name: value for name, value in given.items() if "@" not in name}
    assert kept.items() <= graph.get(path).items()
    assert graph("PATCH", path, {"importance": "low"}).json()["importance"] == "low"


def test_importance_of_received_mail_may_change(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    path = f"{mailbox}/messages/{control.deliver(address, a_mail())['id']}"
    assert graph.get(path)["importance"] == "normal"
    assert graph("PATCH", path, {"importance": "high"}).status_code == 200
    assert graph.get(path)["importance"] == "high"


def test_parameters_of_actions_are_named_in_any_case(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    item = control.deliver(address, a_mail())["id"]
    draft = graph("POST", f"{mailbox}/messages/{item}/createReply", {"Comment": "Thank you"}).json()
    assert "Thank you" in draft["body"]["content"]
    moved = graph("POST", f"{mailbox}/messages/{item}/move", {"DestinationId": "archive"})
    assert moved.status_code == 201
