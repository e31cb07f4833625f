"""Reading mail, folders and users over HTTPS, with Graph's and Outlook's rules."""

import base64

import pytest
from urllib3 import HTTPHeaderDict, PoolManager

from dev.simulator.client import Control, ControlError
from tests.simulator.conftest import IMMUTABLE, TENANT, Graph, a_mail

pytestmark = pytest.mark.stack


def error_of(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_an_alias_is_found_by_proxy_address_and_not_by_path(graph: Graph, control: Control) -> None:
    user_id = control.users(TENANT, "jane@contoso.example", "Jane", aliases=["jd@contoso.example"])
    assert graph.get("/users/jane@contoso.example?$select=id")["id"] == user_id
    assert error_of(graph("GET", "/users/jd@contoso.example")) == (404, "Request_ResourceNotFound")
    assert error_of(graph("GET", "/users/jd@contoso.example/messages")) == (404, "ResourceNotFound")
    found = graph.get(
        "/users?$filter=proxyAddresses/any(x:x eq 'smtp:jd@contoso.example')&$select=id,proxyAddresses"
    )
    assert [user["id"] for user in found["value"]] == [user_id]


@pytest.mark.parametrize(("by_case", "found"), [(True, 0), (False, 1)])
def test_proxy_addresses_are_compared_with_case_unless_told_otherwise(
    graph: Graph, control: Control, by_case: bool, found: int
) -> None:
    control.put_habits(proxies_by_case=by_case)
    control.users(TENANT, "joe@contoso.example", "Joe")
    text = "proxyAddresses/any(x:x eq '{}:joe@contoso.example')"
    assert len(graph.get(f"/users?$filter={text.format('smtp')}")["value"]) == found
    assert len(graph.get(f"/users?$filter={text.format('SMTP')}")["value"]) == 1


def test_a_list_of_ids_holds_fifteen_unless_told_otherwise(graph: Graph, control: Control) -> None:
    control.users(TENANT, "joe@contoso.example", "Joe")
    sixteen = ",".join(f"'{number}'" for number in range(16))
    assert graph("GET", f"/users?$filter=id in ({sixteen})").status_code == 400
    assert graph("GET", f"/users?$filter=id in ({sixteen[4:]})").status_code == 200
    control.put_habits(most_ids=0)
    assert graph("GET", f"/users?$filter=id in ({sixteen})").status_code == 200


def test_users_of_another_tenant_do_not_exist(graph: Graph, control: Control) -> None:
    other = "aaaaaaaa-2222-4333-8444-555555555555"
    control.organisations(other, "fabrikam.example")
    user_id = control.users(other, "eve@fabrikam.example", "Eve")
    assert graph("GET", f"/users/{user_id}").status_code == 404
    assert graph("GET", f"/users/{user_id}/messages").status_code == 404


def test_without_a_valid_token_nothing_is_shown(graph: Graph, mailbox: str) -> None:
    assert error_of(graph("GET", f"{mailbox}/messages", Authorization="Bearer nonsense")) == (
        401,
        "InvalidAuthenticationToken",
    )


def test_consent_withdrawn_later_turns_calls_into_403(graph: Graph, control: Control, mailbox: str) -> None:
    control.organisations(TENANT, "contoso.example", consented=False)
    try:
        assert error_of(graph("GET", f"{mailbox}/messages")) == (403, "ErrorAccessDenied")
    finally:
        control.organisations(TENANT, "contoso.example", consented=True)


def test_a_user_without_mailbox_cannot_be_read(graph: Graph, control: Control) -> None:
    control.users(TENANT, "nomail@contoso.example", mailbox=False)
    assert error_of(graph("GET", "/users/nomail@contoso.example/messages")) == (
        404,
        "MailboxNotEnabledForRESTAPI",
    )


def test_the_purpose_of_a_mailbox_is_told(graph: Graph, control: Control) -> None:
    control.users(TENANT, "team@contoso.example", purpose="shared")
    assert graph.get("/users/team@contoso.example/mailboxSettings/userPurpose")["value"] == "shared"


def test_folders_come_ten_a_page_and_hidden_ones_on_request(graph: Graph, mailbox: str) -> None:
    first = graph.get(f"{mailbox}/mailFolders?$top=5")
    rest = graph.get(first["@odata.nextLink"])
    assert len(first["value"]) == 5
    assert not {one["id"] for one in first["value"]} & {one["id"] for one in rest["value"]}
    everything = graph.get(f"{mailbox}/mailFolders?$top=100&includeHiddenFolders=true")["value"]
    assert {"Calendar", "Inbox"} <= {one["displayName"] for one in everything}
    visible = graph.get(f"{mailbox}/mailFolders?$top=100")["value"]
    assert "Calendar" not in {one["displayName"] for one in visible}


def test_container_classes_come_by_extended_property(graph: Graph, mailbox: str) -> None:
    expand = "singleValueExtendedProperties($filter=id eq 'String 0x3613')"
    found = graph.get(f"{mailbox}/mailFolders/delta()?$expand={expand}&$top=100")
    classes = {one["displayName"]: one["singleValueExtendedProperties"][0]["value"] for one in found["value"]}
    assert (classes["Inbox"], classes["Calendar"]) == ("IPF.Note", "IPF.Appointment")
    assert classes["RSS Feeds"] == "IPF.Note.OutlookHomepage"


def test_well_known_names_work_in_any_language(graph: Graph, control: Control) -> None:
    control.users(TENANT, "hans@contoso.example", "Hans", language="de")
    assert graph.get("/users/hans@contoso.example/mailFolders/inbox")["displayName"] == "Posteingang"
    assert (
        graph.get("/users/hans@contoso.example/mailFolders('sentitems')")["displayName"]
        == "Gesendete Elemente"
    )


def test_folder_delta_tells_of_new_folders_only(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    link = graph.get(f"{mailbox}/mailFolders/delta?$top=100")["@odata.deltaLink"]
    folder_id = control.folders(address, "Clients", "inbox")
    assert [one["id"] for one in graph.get(link)["value"]] == [folder_id]


def test_a_kept_search_is_listed_as_one_and_shows_mail_of_other_folders(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    old = control.folders(address, "Old", "inbox")
    given = {
        "@odata.type": "microsoft.graph.mailSearchFolder",
        "displayName": "Offers",
        "includeNestedFolders": True,
        "sourceFolderIds": [graph.get(f"{mailbox}/mailFolders/inbox")["id"]],
        "filterQuery": "contains(subject, 'offer')",
    }
    made = graph("POST", f"{mailbox}/mailFolders/searchfolders/childFolders", given)
    assert (made.status_code, made.json()["@odata.type"]) == (201, "#microsoft.graph.mailSearchFolder")
    offers = {
        control.deliver(address, a_mail(1, subject="An offer"))["id"],
        control.deliver(address, a_mail(2, subject="An older offer"), old)["id"],
    }
    control.deliver(address, a_mail(3, subject="Hello"))
    control.deliver(address, a_mail(4, subject="No offer"), "junkemail")
    path = f"{mailbox}/mailFolders/{made.json()['id']}"
    found = graph.get(f"{path}/messages?$select=id", **IMMUTABLE)["value"]
    assert {message["id"] for message in found} == offers
    shown = graph.get(path)
    assert (shown["totalItemCount"], shown["filterQuery"], shown["isSupported"]) == (
        2,
        given["filterQuery"],
        True,
    )
    listed = graph.get(f"{mailbox}/mailFolders/searchfolders/childFolders?$select=displayName")["value"]
    assert [(folder["@odata.type"], folder["displayName"]) for folder in listed] == [
        ("#microsoft.graph.mailSearchFolder", "Offers")
    ]
    refused = graph("GET", f"{path}/messages/delta")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "ErrorSyncFolderNotFound")


@pytest.mark.parametrize(
    "changed",
    [{"sourceFolderIds": []}, {"filterQuery": "subject eq"}, {"filterQuery": None}],
)
def test_a_search_that_says_too_little_is_refused(graph: Graph, mailbox: str, changed: dict) -> None:
    given = {
        "@odata.type": "#microsoft.graph.mailSearchFolder",
        "displayName": "Offers",
        "sourceFolderIds": [graph.get(f"{mailbox}/mailFolders/inbox")["id"]],
        "filterQuery": "isRead eq false",
        **changed,
    }
    assert graph("POST", f"{mailbox}/mailFolders/inbox/childFolders", given).status_code == 400


def test_mutable_ids_change_with_a_move_and_immutable_ones_stay(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    given = control.deliver(address, a_mail())
    mutable = graph.get(f"{mailbox}/messages")["value"][0]["id"]
    assert mutable != given["id"]
    control.move(address, given["id"], "archive")
    assert error_of(graph("GET", f"{mailbox}/messages/{mutable}")) == (404, "ErrorItemNotFound")
    assert graph.get(f"{mailbox}/messages/{given['id']}", **IMMUTABLE)["id"] == given["id"]


def test_ids_are_case_sensitive_and_malformed_ones_are_told_apart(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    given = control.deliver(address, a_mail())
    swapped = given["id"][:20] + given["id"][20:].swapcase()
    assert error_of(graph("GET", f"{mailbox}/messages/{swapped}")) == (404, "ErrorItemNotFound")
    assert error_of(graph("GET", f"{mailbox}/messages/short")) == (400, "ErrorInvalidIdMalformed")


def test_headers_and_unique_body_come_only_when_selected(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    item = control.deliver(address, a_mail(extra="In-Reply-To: <parent@contoso.example>\r\n"))["id"]
    plain = graph.get(f"{mailbox}/messages/{item}")
    assert not {"internetMessageHeaders", "uniqueBody"} & set(plain)
    chosen = graph.get(f"{mailbox}/messages/{item}?$select=internetMessageHeaders,uniqueBody")
    assert {"name": "In-Reply-To", "value": "<parent@contoso.example>"} in chosen["internetMessageHeaders"]
    assert chosen["uniqueBody"]["content"].startswith("<html><body><div>")
    assert "subject" not in chosen


@pytest.mark.parametrize(
    ("folder", "sender"), [("sentitems", "me@contoso.example"), ("inbox", "colleague@contoso.example")]
)
def test_sent_and_internal_mail_has_no_headers_but_extended_properties(
    graph: Graph, control: Control, address: str, mailbox: str, folder: str, sender: str
) -> None:
    extra = "In-Reply-To: <parent@client.example>\r\nReferences: <root@client.example> <parent@client.example>\r\n"
    item = control.deliver(address, a_mail(sender=sender, extra=extra + "Sensitivity: private\r\n"), folder)[
        "id"
    ]
    wanted = "id eq 'String 0x1042' or id eq 'String 0x1039' or id eq 'Integer 0x0036'"
    shown = graph.get(
        f"{mailbox}/messages/{item}?$select=subject,internetMessageHeaders&$expand=singleValueExtendedProperties($filter={wanted})"
    )
    assert "internetMessageHeaders" not in shown
    assert {one["id"]: one["value"] for one in shown["singleValueExtendedProperties"]} == {
        "String 0x1042": "<parent@client.example>",
        "String 0x1039": "<root@client.example> <parent@client.example>",
        "Integer 0x36": "2",
    }


def test_body_is_html_unless_text_is_preferred(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    item = control.deliver(address, a_mail(body="one < two"))["id"]
    assert graph.get(f"{mailbox}/messages/{item}")["body"]["contentType"] == "html"
    answer = graph(
        "GET", f"{mailbox}/messages/{item}", Prefer='outlook.body-content-type="text", IdType="ImmutableId"'
    )
    assert answer.json()["body"] == {"contentType": "text", "content": "one < two\r\n"}
    assert 'outlook.body-content-type="text"' in answer.headers["Preference-Applied"]


def test_scripts_are_removed_unless_unsafe_html_is_preferred(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    raw = a_mail(body='<p onclick="x()">hi</p><script>bad()</script>', extra="Content-Type: text/html\r\n")
    item = control.deliver(address, raw)["id"]
    safe = graph.get(f"{mailbox}/messages/{item}")["body"]["content"]
    unsafe = graph.get(f"{mailbox}/messages/{item}", Prefer="outlook.allow-unsafe-html")["body"]["content"]
    assert "bad()" not in safe
    assert "onclick" not in safe
    assert "bad()" in unsafe


def test_lists_are_newest_first_ten_a_page_and_lead_on(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    for number in range(12):
        control.deliver(address, a_mail(number), received=f"2026-01-01T00:00:{number:02}Z")
    first = graph.get(f"{mailbox}/mailFolders/inbox/messages?%24select=internetMessageId")
    assert [one["internetMessageId"] for one in first["value"]] == [
        f"<m{n}@client.example>" for n in range(11, 1, -1)
    ]
    assert len(graph.get(first["@odata.nextLink"])["value"]) == 2


@pytest.mark.parametrize(("honoured", "shown"), [(False, 10), (True, 12)])
def test_lists_ignore_a_preferred_page_size_unless_told_otherwise(
    graph: Graph, control: Control, address: str, mailbox: str, honoured: bool, shown: int
) -> None:
    control.put_habits(list_page_size=honoured)
    for number in range(15):
        control.deliver(address, a_mail(number))
    page = graph.get(f"{mailbox}/messages?$select=id", Prefer="odata.maxpagesize=12")
    assert len(page["value"]) == shown
    assert len(graph.get(f"{mailbox}/messages?$select=id&$top=15")["value"]) == 15


@pytest.mark.parametrize(("cut", "length"), [(True, 255), (False, 440)])
def test_lists_cut_the_texts_of_extended_properties_unless_told_otherwise(
    graph: Graph, control: Control, address: str, mailbox: str, cut: bool, length: int
) -> None:
    control.put_habits(cut_properties=cut)
    chain = " ".join(f"<{number:02}-{'x' * 20}@client.example>" for number in range(11))
    item = control.deliver(address, a_mail(extra=f"References: {chain[:440]}\r\n"), "sentitems")["id"]
    options = "$select=id&$expand=singleValueExtendedProperties($filter=id eq 'String 0x1039')"
    (listed,) = graph.get(f"{mailbox}/messages?{options}")["value"]
    assert len(listed["singleValueExtendedProperties"][0]["value"]) == length
    alone = graph.get(f"{mailbox}/messages/{item}?{options}")
    assert len(alone["singleValueExtendedProperties"][0]["value"]) == 440


def test_content_ids_of_attachments_are_known_with_a_cast_only_unless_told_otherwise(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    path = f"{mailbox}/messages/{control.deliver(address, a_mail())['id']}"
    uncast = (f"{path}?$expand=attachments($select=id,contentId)", f"{path}/attachments?$select=id,contentId")
    assert [graph("GET", url).status_code for url in uncast] == [400, 400]
    cast = [url.replace("contentId", "microsoft.graph.fileAttachment/contentId") for url in uncast]
    assert [graph("GET", url).status_code for url in cast] == [200, 200]
    control.put_habits(uncast_content_id=True)
    assert [graph("GET", url).status_code for url in uncast] == [200, 200]


@pytest.mark.parametrize(
    ("part", "options"),
    [
        ("list_properties", "/messages?$expand=singleValueExtendedProperties($filter=id eq 'String 0x1042')"),
        ("orderby", "/messages?$orderby=receivedDateTime asc"),
        (
            "folder_properties",
            "/mailFolders?$expand=singleValueExtendedProperties($filter=id eq 'String 0x3613')",
        ),
    ],
)
def test_a_part_of_a_request_is_taken_unless_it_is_refused(
    graph: Graph, control: Control, mailbox: str, part: str, options: str
) -> None:
    assert graph("GET", mailbox + options).status_code == 200
    control.put_habits(refuses=[part])
    assert graph("GET", mailbox + options).status_code == 400
    assert graph("GET", mailbox + options.partition("?")[0]).status_code == 200


@pytest.mark.parametrize(
    ("part", "options"),
    [
        ("properties", "$expand=singleValueExtendedProperties($filter=id eq 'String 0x1042')"),
        ("nested_select", "$expand=attachments($select=id)"),
        ("content_id_cast", "$expand=attachments($select=id,microsoft.graph.fileAttachment/contentId)"),
    ],
)
def test_a_part_of_a_message_s_read_is_taken_unless_it_is_refused(
    graph: Graph, control: Control, address: str, mailbox: str, part: str, options: str
) -> None:
    path = f"{mailbox}/messages/{control.deliver(address, a_mail())['id']}"
    assert graph("GET", f"{path}?{options}").status_code == 200
    control.put_habits(refuses=[part])
    assert graph("GET", f"{path}?{options}").status_code == 400
    assert graph("GET", path).status_code == 200


@pytest.mark.parametrize(
    ("habits", "said"),
    [
        ({"politeness": 1}, "no habit called politeness"),
        ({"delta_top": "never"}, "delta_top is one of caps, ignored, refused"),
        ({"refuses": ["everything"]}, "refuses are among"),
    ],
)
def test_a_habit_that_is_not_there_is_told(control: Control, habits: dict, said: str) -> None:
    with pytest.raises(ControlError, match=said):
        control.put_habits(**habits)


def test_filters_see_whole_seconds_only(graph: Graph, control: Control, address: str, mailbox: str) -> None:
    control.deliver(address, a_mail(1), received="2026-01-01T00:00:05.200000+00:00")
    control.deliver(address, a_mail(2), received="2026-01-01T00:00:05.900000+00:00")
    later = graph.get(f"{mailbox}/messages?$filter=receivedDateTime gt 2026-01-01T00:00:05Z")["value"]
    same = graph.get(
        f"{mailbox}/messages?$filter=receivedDateTime ge 2026-01-01T00:00:05Z and isRead eq false"
    )["value"]
    assert (len(later), len(same)) == (0, 2)


def test_a_message_is_found_by_its_message_id(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    control.deliver(address, a_mail(1))
    wanted = control.deliver(address, a_mail(2))["id"]
    found = graph.get(
        f"{mailbox}/messages?$filter=internetMessageId eq '<m2@client.example>'&$select=id", **IMMUTABLE
    )
    assert [one["id"] for one in found["value"]] == [wanted]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("$filter=isRead eq false&$orderby=receivedDateTime desc", "InefficientFilter"),
        ("$filter=bodyPreview eq 'x'", "ErrorInvalidUrlQueryFilter"),
        ("$filter=isRead gt false", "ErrorInvalidUrlQueryFilter"),
        ("$filter=contains(receivedDateTime,'2026')", "ErrorInvalidUrlQueryFilter"),
        ("$filter=receivedDateTime ge '2026-01-01T00:00:00Z'", "BadRequest"),
        ("$filter=receivedDateTime ge 2026-01-01T00:00:00", "BadRequest"),
        ("$filter=receivedDateTime ge 2026-13-01T00:00:00Z", "BadRequest"),
        ("$filter=isRead eq 'false'", "BadRequest"),
        ("$filter=subject eq x", "BadRequest"),
        ("$filter=isRead eq false and", "BadRequest"),
        ("$filter=(isRead eq false", "BadRequest"),
        ("$filter=isRead eq false isDraft eq true", "BadRequest"),
        ("$select=nonsense", "BadRequest"),
        ("$top=1001", "BadRequest"),
        ("$expand=nonsense", "BadRequest"),
    ],
)
def test_what_outlook_does_not_offer_is_refused(graph: Graph, mailbox: str, options: str, code: str) -> None:
    assert error_of(graph("GET", f"{mailbox}/messages?{options}")) == (400, code)


def test_attachments_expand_with_chosen_fields_and_serve_their_bytes(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    raw = (
        b"Subject: files\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nsee files\r\n"
        b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n\r\n%PDF\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nyo\r\n"
        b"--b\r\nContent-Type: message/external-body; access-type=URL; "
        b'url="https://files.example/x"; name=x\r\n\r\n\r\n--b--\r\n'
    )
    item = control.deliver(address, raw)["id"]
    path = f"{mailbox}/messages/{item}"
    fields = "id,name,contentType,size,isInline,microsoft.graph.fileAttachment/contentId"
    shown = graph.get(f"{path}?$select=hasAttachments&$expand=attachments($select={fields})")
    assert shown["hasAttachments"] is True
    kinds = [one["@odata.type"].removeprefix("#microsoft.graph.") for one in shown["attachments"]]
    assert kinds == ["fileAttachment", "itemAttachment", "referenceAttachment"]
    assert "contentBytes" not in shown["attachments"][0]
    file, enclosed, link = (one["id"] for one in shown["attachments"])
    assert base64.b64decode(graph.get(f"{path}/attachments/{file}")["contentBytes"]) == b"%PDF"
    assert graph("GET", f"{path}/attachments/{file}/$value").content == b"%PDF"
    assert b"Subject: inner" in graph("GET", f"{path}/attachments/{enclosed}/$value").content
    item_json = graph.get(f"{path}/attachments/{enclosed}?$expand=microsoft.graph.itemattachment/item")[
        "item"
    ]
    assert (item_json["id"], item_json["subject"]) == ("", "inner")
    assert graph("GET", f"{path}/attachments/{link}/$value").status_code == 405


def test_a_reply_joins_the_conversation_of_its_parent_in_this_mailbox_alone(
    graph: Graph, control: Control, address: str
) -> None:
    other = "second@contoso.example"
    control.users(TENANT, other)
    parent = control.deliver(address, a_mail(1))
    reply = control.deliver(address, a_mail(2, extra="In-Reply-To: <m1@client.example>\r\n"))
    elsewhere = control.deliver(other, a_mail(2, extra="In-Reply-To: <m1@client.example>\r\n"))
    assert reply["conversationId"] == parent["conversationId"]
    assert elsewhere["conversationId"] != parent["conversationId"]
    index = graph.get(f"/users/{address}/messages/{reply['id']}")["conversationIndex"]
    assert len(base64.b64decode(index)) == 27


def test_bodies_read_are_counted_by_message_and_plain_lists_are_not(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    item = control.deliver(address, a_mail(7))["id"]
    control.clear_stats()
    graph.get(f"{mailbox}/messages?$select=subject,bodyPreview")
    assert control.stats()["bodies_read"] == {}
    graph.get(f"{mailbox}/messages/{item}?$select=body")
    graph("GET", f"{mailbox}/messages/{item}/$value")
    assert control.stats()["bodies_read"] == {"<m7@client.example>": 2}


def test_marking_and_deleting_count_as_writes_of_the_mailbox(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    item = control.deliver(address, a_mail())["id"]
    control.clear_stats()
    assert graph("PATCH", f"{mailbox}/messages/{item}", {"isRead": True}).json()["isRead"] is True
    assert graph("DELETE", f"{mailbox}/messages/{item}").status_code == 204
    assert control.messages(address)[0]["folder"] == "deleteditems"
    assert control.stats()["writes"] == {address: 2}


def test_received_mail_cannot_be_rewritten(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    item = control.deliver(address, a_mail())["id"]
    assert error_of(graph("PATCH", f"{mailbox}/messages/{item}", {"subject": "other"})) == (
        400,
        "ErrorInvalidPropertySet",
    )


def test_broken_mail_is_delivered_and_shown(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    for raw in (b"", b"\x00\xff\xfe", b"Subject: \xe4\r\nContent-Type: multipart/mixed; boundary=\r\n\r\n--"):
        item = control.deliver(address, raw)["id"]
        assert graph.get(f"{mailbox}/messages/{item}")["internetMessageId"].startswith("<")


def test_one_folder_is_in_no_list_and_is_there_all_the_same(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    item = control.deliver(address, a_mail(), "TeamsMessagesData")["id"]
    folder = graph.get(f"{mailbox}/messages/{item}")["parentFolderId"]
    assert graph.get(f"{mailbox}/mailFolders/{folder}")["isHidden"] is True
    listed = graph.get(f"{mailbox}/mailFolders?$top=100&includeHiddenFolders=true")["value"]
    told = graph.get(f"{mailbox}/mailFolders/delta?$top=100")["value"]
    assert folder not in {one["id"] for one in [*listed, *told]}


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("Integer 0x0036", "Integer 0x36"),
        ("string 0x00001039", "String 0x1039"),
        ("Nonsense 0x36", None),
        ("String 1039", None),
        ("String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Tag", None),
    ],
)
def test_ids_of_extended_properties_come_back_without_leading_zeros(
    graph: Graph, control: Control, address: str, mailbox: str, asked: str, shown: str | None
) -> None:
    raw = a_mail(extra="References: <root@client.example>\r\nSensitivity: private\r\n")
    item = control.deliver(address, raw, "sentitems")["id"]
    answer = graph(
        "GET", f"{mailbox}/messages/{item}?$expand=singleValueExtendedProperties($filter=id eq '{asked}')"
    )
    if shown is not None:
        assert [one["id"] for one in answer.json()["singleValueExtendedProperties"]] == [shown]
    elif "{" in asked:
        assert "singleValueExtendedProperties" not in answer.json()
    else:
        assert error_of(answer) == (400, "ErrorInvalidExtendedProperty")


def test_a_change_of_an_older_version_is_a_conflict(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    path = f"{mailbox}/messages/{control.deliver(address, a_mail())['id']}"
    before = graph.get(path)
    assert graph("PATCH", path, {"isRead": True}, **{"If-Match": before["@odata.etag"]}).status_code == 200
    stale = [
        graph("PATCH", path, {"isRead": False}, **{"If-Match": before["@odata.etag"]}),
        graph("PATCH", path, {"isRead": False, "changeKey": before["changeKey"]}),
    ]
    assert [error_of(answer) for answer in stale] == [(412, "ErrorIrresolvableConflict")] * 2
    assert graph.get(path)["isRead"] is True
    control.put_faults(conflicts=1)
    assert graph("PATCH", path, {"isRead": False}).status_code == 412
    control.clear_faults()
    assert graph("PATCH", path, {"isRead": False}).status_code == 200


def test_preferences_in_several_headers_are_joined(
    graph: Graph, control: Control, address: str, mailbox: str
) -> None:
    item = control.deliver(address, a_mail())["id"]
    url = f"{graph.url}/v1.0{mailbox}/messages/{item}?$select=body"
    headers = HTTPHeaderDict(dict(graph.session.headers))
    for preference in (IMMUTABLE["Prefer"], 'outlook.body-content-type="text"'):
        headers.add("Prefer", preference)
    with PoolManager(ca_certs=str(graph.session.verify)) as pool:
        shown = pool.request("GET", url, headers=headers).json()
    assert (shown["id"], shown["body"]["contentType"]) == (item, "text")


def test_a_refusal_names_its_request_as_its_header_does(graph: Graph, mailbox: str) -> None:
    answer = graph("GET", f"{mailbox}/messages/short")
    assert answer.json()["error"]["innerError"]["request-id"] == answer.headers["request-id"]


def test_a_list_of_users_leads_on_with_its_filter_whatever_is_in_it(graph: Graph, control: Control) -> None:
    for name in ("a+b", "a+c", "a+d"):
        control.users(TENANT, f"{name}@contoso.example")
    named = " or ".join(f"mail eq 'a%2B{letter}@contoso.example'" for letter in "bcd")
    page = graph.get(f"/users?$top=2&$filter={named}")
    assert len(page["value"] + graph.get(page["@odata.nextLink"])["value"]) == 3


TAG = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Postledger"


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("isRead eq true or internetMessageId eq '<m2@client.example>'", [1, 2]),
        ("(isRead eq true or isDraft eq true) and subject eq 'One'", [1]),
        ("not (subject eq 'One')", [2, 3]),
        ("isRead eq null", [3]),
        ("isRead eq false", [2]),
        ("isRead ne true", [2, 3]),
        ("isRead ne null", [1, 2]),
        ("contains(subject,'T')", [2, 3]),
        ("startswith(subject,'it')", [3]),
        ("subject in ('One','It''s three')", [1, 3]),
        ("from/emailAddress/address eq 'alice@client.example' and isRead eq true", [1]),
        ("receivedDateTime ge 2026-01-01T02:00:02+02:00", [2, 3]),
        (
            "singleValueExtendedProperties/any(ep:ep/id eq 'String 0x1042' and ep/value eq '<p@x.example>')",
            [2],
        ),
        (f"singleValueExtendedProperties/any(p:p/id eq '{TAG}' and p/value eq 'o-1')", [3]),
    ],
)
def test_filters_compare_look_into_texts_and_find_tags(
    graph: Graph, control: Control, address: str, mailbox: str, condition: str, found: list[int]
) -> None:
    subjects = {1: "One", 2: "Two", 3: "It's three"}
    ids = {
        number: control.deliver(
            address,
            a_mail(number, subject=subject, extra="In-Reply-To: <p@x.example>\r\n" if number == 2 else ""),
            received=f"2026-01-01T00:00:0{number}Z",
        )["id"]
        for number, subject in subjects.items()
    }
    control.update(address, ids[1], isRead=True)
    control.update(address, ids[3], isRead=None)
    assert graph.get(f"{mailbox}/messages/{ids[3]}")["isRead"] is None
    tag = {"singleValueExtendedProperties": [{"id": TAG, "value": "o-1"}]}
    assert graph("PATCH", f"{mailbox}/messages/{ids[3]}", tag).status_code == 200
    page = graph.get(f"{mailbox}/messages?$filter={condition.replace('+', '%2B')}&$select=id", **IMMUTABLE)
    assert sorted(one["id"] for one in page["value"]) == sorted(ids[number] for number in found)
