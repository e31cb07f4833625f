"""Which requests the mail adapter makes, and what it makes of the answers."""

from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from shared.adapters.graph.mail import GraphMailbox
from shared.domain.capture.folders import Folder, Role
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import (
    CursorExpired,
    NotFound,
    PermanentError,
    Rejected,
    Throttled,
    Unavailable,
    Unreadable,
)
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.ports.mail import Listed
from tests.builders import a_mailbox, an_item
from tests.graph_transport import GRAPH, Asked, FakeGraph, Reply, error, fixture, session_with

USER = "8c6b1f00-0000-4000-8000-000000000001"
MAILBOX = a_mailbox(user_id=USER)
INBOX = "inbox-folder"
A, B = an_item("a"), an_item("b")
SINCE = datetime(2026, 3, 1, 9, 30, 15, 900_000, tzinfo=UTC)
DELTA = f"/v1.0/users/{USER}/mailFolders/inbox-folder/messages/delta"
LINK = f"{GRAPH}/v1.0/users/{USER}/mailFolders/inbox-folder/messages/delta?$deltatoken=abc"
LAST_PAGE = Reply({"value": [], "@odata.deltaLink": LINK})


def mail(*answers: object, mailbox: Mailbox = MAILBOX) -> tuple[GraphMailbox, FakeGraph]:
    graph = FakeGraph(*answers)  # type: ignore[arg-type]
    return GraphMailbox(session_with(graph), mailbox), graph


def test_the_first_delta_asks_for_headers_from_the_window_on_and_neither_expands_nor_caps() -> None:
    source, graph = mail(LAST_PAGE)
    page = source.changes(INBOX, "", SINCE)
    assert unquote(graph.asked[0].target) == (
        f"{DELTA}?$select=id,internetMessageId,subject,from,sender,toRecipients,ccRecipients,bccRecipients,"
        "replyTo,sentDateTime,receivedDateTime,parentFolderId,conversationId,conversationIndex,isDraft,"
        "hasAttachments,internetMessageHeaders&$filter=receivedDateTime ge 2026-03-01T09:30:15Z"
    )
    assert " " not in graph.asked[0].target
    assert graph.asked[0].headers["Prefer"] == 'IdType="ImmutableId", odata.maxpagesize=60'
    assert (page.heads, page.partial, page.cursor, page.more) == ((), (), LINK, False)


def test_without_a_window_the_first_delta_has_no_filter() -> None:
    source, graph = mail(LAST_PAGE)
    source.changes(INBOX, "", None)
    assert "$filter=receivedDateTime" not in graph.asked[0].target


def entries(count: int) -> list[dict[str, object]]:
    return [{"id": f"m{number}", "receivedDateTime": "2026-03-02T09:00:00Z"} for number in range(count)]


@pytest.mark.parametrize(("last", "is_complete"), [(9, True), (10, False)])
def test_a_first_walk_with_a_filter_may_be_cut_short_at_five_thousand(last: int, is_complete: bool) -> None:
    """499 pages of 10, and a last one: Graph says nothing of what it leaves out."""
    page = {"value": entries(10), "@odata.nextLink": LINK}
    end = {"value": entries(last), "@odata.deltaLink": LINK}
    source, _ = mail(*[Reply(page)] * 499, Reply(end), Reply({**end, "value": entries(10)}))
    cursor = ""
    for _ in range(499):
        found = source.changes(INBOX, cursor, SINCE)
        assert (found.more, found.is_complete) == (True, True)
        cursor = found.cursor
    found = source.changes(INBOX, cursor, SINCE)
    assert (found.more, found.is_complete, found.cursor) == (False, is_complete, LINK)
    assert source.changes(INBOX, found.cursor, SINCE).is_complete, "later walks have no filter"


def test_a_first_walk_without_a_filter_is_complete_however_long() -> None:
    page = Reply({"value": entries(2_500), "@odata.nextLink": LINK})
    source, _ = mail(page, page, Reply({"value": [], "@odata.deltaLink": LINK}))
    first = source.changes(INBOX, "", None)
    second = source.changes(INBOX, first.cursor, None)
    assert source.changes(INBOX, second.cursor, None).is_complete


def test_a_stored_link_is_followed_as_given() -> None:
    source, graph = mail(LAST_PAGE)
    source.changes(INBOX, LINK, SINCE)
    assert GRAPH + graph.asked[0].target == LINK


def test_a_page_gives_whole_mails_and_names_those_of_which_only_a_part_came() -> None:
    source, _ = mail(Reply(fixture("delta_page")))
    page = source.changes(INBOX, "", None)
    assert [(head.item.item_id, head.subject, head.in_reply_to) for head in page.heads] == [
        ("whole", "New subject", ("viewing-2@contoso.example",))
    ]
    assert page.bare == (Listed(an_item("draft"), datetime(2026, 3, 2, 9, 0, 25, tzinfo=UTC)),)
    assert page.partial == (an_item("partial"),)
    assert page.more
    assert page.cursor.endswith("$skiptoken=R0usmcCM996atia_s")


def test_an_entry_that_breaks_the_reader_is_named_and_the_others_of_its_page_are_read() -> None:
    """Whether it shows headers or none."""
    entries = [fixture("received") | {"id": "evil", "toRecipients": 7}, fixture("received") | {"id": "good"}]
    source, _ = mail(Reply({"value": entries, "@odata.deltaLink": LINK}))
    page = source.changes(INBOX, "", None)
    assert ([head.item for head in page.heads], page.partial) == ([an_item("good")], (an_item("evil"),))


def test_a_mail_that_breaks_the_reader_is_unreadable_and_the_others_of_its_batch_are_had() -> None:
    bodies = [
        fixture("received") | {"id": "a", "internetMessageHeaders": 7},
        fixture("received") | {"id": "b"},
    ]
    source, _ = mail(
        Reply({"responses": [{"id": f"{n}", "status": 200, "body": body} for n, body in enumerate(bodies)]})
    )
    found = source.heads([A, B])
    assert isinstance(found[A], Unreadable)
    assert isinstance(found[B], MessageHead)


def test_an_empty_page_with_a_next_link_goes_on() -> None:
    source, _ = mail(Reply({"value": [], "@odata.nextLink": LINK}))
    assert source.changes(INBOX, "", None).more


def test_a_page_without_a_link_is_not_taken_for_the_end() -> None:
    source, _ = mail(Reply({"value": []}))
    with pytest.raises(Unavailable):
        source.changes(INBOX, "", None)


def test_pages_that_are_too_large_are_asked_for_in_smaller_ones() -> None:
    source, graph = mail(error(504, "UnknownError"), error(504, "UnknownError"), LAST_PAGE)
    assert not source.changes(INBOX, "", None).more
    assert [one.headers["Prefer"].rpartition("=")[2] for one in graph.asked] == ["60", "10", "1"]


def test_a_folder_that_answers_504_to_the_smallest_page_is_unavailable() -> None:
    source, graph = mail(error(504, "UnknownError"))
    with pytest.raises(Unavailable):
        source.changes(INBOX, "", None)
    assert len(graph.asked) == 3


@pytest.mark.parametrize(
    "answer",
    [
        error(410, "SyncStateNotFound"),
        error(400, "resyncRequired"),
        error(400, "BadRequest", message="Badly formed token."),
    ],
)
def test_a_link_that_graph_does_not_take_any_more_is_expired(answer: Reply) -> None:
    source, _ = mail(answer)
    with pytest.raises(CursorExpired):
        source.changes(INBOX, LINK, None)


def test_a_stored_link_to_another_host_is_expired_and_never_called() -> None:
    source, graph = mail(LAST_PAGE)
    with pytest.raises(CursorExpired):
        source.changes(INBOX, "https://old.example/v1.0/delta?$deltatoken=a", None)
    assert graph.asked == []


def test_a_first_delta_that_is_refused_is_no_expired_link() -> None:
    source, _ = mail(error(400, "BadRequest"))
    with pytest.raises(Rejected):
        source.changes(INBOX, "", None)


def test_ids_with_every_character_find_their_way_into_the_url() -> None:
    source, graph = mail(Reply(fixture("text_body")), mailbox=a_mailbox())
    source.heads([an_item("AAM/k+ ==")])
    assert graph.asked[0].target.startswith("/v1.0/users/agent@contoso.example/messages/AAM%2Fk%2B%20%3D%3D?")


def test_one_whole_message_takes_one_request() -> None:
    source, graph = mail(Reply(fixture("received")))
    found = source.messages([A])[A]
    assert not isinstance(found, PermanentError)
    assert len(found.attachments) == 4
    assert len(graph.asked) == 1
    target = unquote(graph.asked[0].target)
    assert ",internetMessageHeaders," in target
    assert ",body" in target
    assert target.endswith(
        "attachments($select=id,name,contentType,size,isInline,microsoft.graph.fileAttachment/contentId)"
    )


def test_messages_keep_their_order_and_tell_which_are_gone() -> None:
    def answer(asked: Asked) -> Reply:
        gone = {"error": {"code": "ErrorItemNotFound", "message": "m"}}
        return Reply(
            {
                "responses": [
                    {"id": "1", "status": 404, "body": gone},
                    {"id": "0", "status": 200, "body": fixture("received")},
                ]
            }
        )

    source, _ = mail(answer)
    found = source.messages([A, B])
    assert list(found) == [A, B]
    assert isinstance(found[B], NotFound)


def test_a_message_without_a_date_spoils_no_other() -> None:
    source, _ = mail(Reply({"id": "a", "attachments": []}))
    outcome = source.messages([A])[A]
    assert isinstance(outcome, Rejected)


def refusing(*refused: str) -> object:
    """Answers 400 to requests that contain one of the texts."""
    listed = {"value": fixture("received")["attachments"][:1]}

    def answer(asked: Asked) -> Reply:
        if any(text in unquote(asked.target) for text in refused):
            return error(400, "BadRequest")
        return Reply(listed if "/attachments?" in asked.target else fixture("text_body"))

    return answer


def test_a_server_that_cannot_expand_attachments_is_asked_for_them_apart() -> None:
    source, graph = mail(refusing("attachments($select"))
    found = source.messages([A])[A]
    assert not isinstance(found, PermanentError)
    assert [one.name for one in found.attachments] == ["Grundriss.pdf"]
    refused = [one for one in graph.asked if "attachments($select" in one.target]
    assert len(refused) == 2
    source.messages([A])
    assert [one for one in graph.asked if "attachments($select" in one.target] == refused


def test_a_server_that_does_not_know_content_ids_is_asked_without_them() -> None:
    source, graph = mail(refusing("fileAttachment/contentId"))
    found = source.messages([A])[A]
    assert not isinstance(found, PermanentError)
    assert len(found.attachments) == 1
    assert graph.asked[-1].target.endswith("/attachments?$select=id,name,contentType,size,isInline")


def test_a_malformed_id_is_not_asked_for_twice() -> None:
    source, graph = mail(error(400, "ErrorInvalidIdMalformed"))
    assert isinstance(source.messages([A])[A], Rejected)
    assert len(graph.asked) == 1


def test_a_mail_whose_attachments_cannot_be_listed_now_keeps_no_other_waiting() -> None:
    whole = fixture("received")

    def answer(asked: Asked) -> Reply:
        if "/attachments?" in asked.target:
            return error(503, "busy", retry_after="4")
        bodies = (whole, fixture("text_body"))
        return Reply(
            {"responses": [{"id": str(n), "status": 200, "body": one} for n, one in enumerate(bodies)]}
        )

    source, _ = mail(answer)
    found = source.messages([A, B])
    assert isinstance(found[A], FetchedMessage)
    assert isinstance(found[B], Throttled)


def test_more_attachments_than_one_page_are_all_listed() -> None:
    message = fixture("text_body") | {"attachments": [], "attachments@odata.nextLink": LINK}
    first, rest = fixture("received")["attachments"][:1], fixture("received")["attachments"][1:]
    source, _ = mail(Reply(message), Reply({"value": first, "@odata.nextLink": LINK}), Reply({"value": rest}))
    found = source.messages([A])[A]
    assert not isinstance(found, PermanentError)
    assert len(found.attachments) == 4


def test_an_attachment_is_streamed() -> None:
    source, graph = mail(Reply(b"bytes"))
    with source.attachment(an_item("m/1"), "a+1") as chunks:
        assert b"".join(chunks) == b"bytes"
    assert graph.asked[0].target == f"/v1.0/users/{USER}/messages/m%2F1/attachments/a%2B1/$value"


def test_a_linked_file_has_no_bytes() -> None:
    source, _ = mail(error(405, "ErrorInvalidRequest"))
    with pytest.raises(NotFound) as raised, source.attachment(an_item("m"), "a"):
        pytest.fail("there is nothing to read")
    assert raised.value.code == "ErrorInvalidRequest"


def folder(folder_id: str, parent: str = "root", children: int = 0, kind: str = "") -> dict[str, object]:
    properties = [{"id": "String 0x3613", "value": kind}] if kind else []
    return {
        "id": folder_id,
        "parentFolderId": parent,
        "childFolderCount": children,
        "singleValueExtendedProperties": properties,
    }


def test_folders_are_walked_to_the_leaves_and_known_ones_found_by_id() -> None:
    search = folder("search") | {"@odata.type": "#microsoft.graph.mailSearchFolder"}
    below = {
        f"/users/{USER}/mailFolders": [
            folder("in", children=1),
            folder("notes", kind="IPF.StickyNote"),
            search,
        ],
        f"/users/{USER}/mailFolders/in/childFolders": [folder("deals", "in", children=1)],
        f"/users/{USER}/mailFolders/deals/childFolders": [folder("won", "deals")],
    }
    names = {"inbox": "in", "drafts": "d"}

    def answer(asked: Asked) -> Reply:
        path = asked.target.removeprefix("/v1.0").partition("?")[0]
        if path in below:
            return Reply({"value": below[path]})
        if asked.body is None:
            return error(404, "ErrorItemNotFound")
        responses = []
        broken = False
        for one in asked.body["requests"]:
            name = one["url"].partition("?")[0].rpartition("/")[2]
            status = 424 if broken else 200 if name in names else 404
            broken = broken or status == 404
            responses.append({"id": one["id"], "status": status, "body": {"id": names.get(name)}})
        return Reply({"responses": responses})

    source, graph = mail(answer)
    assert source.folders({}) == [
        Folder("in", "root", Role.INBOX),
        Folder("notes", "root", holds="IPF.StickyNote"),
        Folder("deals", "in"),
        Folder("won", "deals"),
    ]
    assert unquote(graph.asked[0].target) == (
        f"/v1.0/users/{USER}/mailFolders?$select=id,parentFolderId,childFolderCount"
        "&$expand=singleValueExtendedProperties($filter=id eq 'String 0x3613')&$top=250"
        "&includeHiddenFolders=true"
    )


@pytest.mark.parametrize("container_class", ["", "IPF.Note", "ipf.note"])
def test_a_folder_of_mail_holds_nothing_else(container_class: str) -> None:
    source, _ = mail(Reply({"value": [folder("f", kind=container_class)]}))
    assert source.folders({"f": None}) == [Folder("f", "root")]


@pytest.mark.parametrize(
    "container_class",
    [
        "IPF.Appointment",
        "IPF.Contact",
        "IPF.Task",
        "IPF.StickyNote",
        "IPF.Journal",
        "IPF.Note.OutlookHomepage",
    ],
)
def test_a_folder_of_something_else_says_of_what(container_class: str) -> None:
    source, _ = mail(Reply({"value": [folder("f", kind=container_class)]}))
    assert source.folders({"f": None}) == [Folder("f", "root", holds=container_class)]


def test_roles_that_are_known_are_not_asked_for_again() -> None:
    source, graph = mail(Reply({"value": [folder("in"), folder("other")]}))
    found = source.folders({"in": Role.INBOX, "other": None, "gone": Role.DRAFTS})
    assert [(one.folder_id, one.role) for one in found] == [("in", Role.INBOX), ("other", None)]
    assert len(graph.asked) == 1


def of_open_mail(name: str) -> dict[str, object]:
    """A sent mail without headers that is marked as nothing."""
    return {**fixture("sent_without_headers"), "id": name, "singleValueExtendedProperties": []}


def asked_for_properties(asked: Asked) -> bool:
    return "singleValueExtendedProperties" in unquote(asked.target)


def without_properties(message: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in message.items() if name != "singleValueExtendedProperties"}


def refuses_properties(message: dict[str, object]) -> object:
    """Answers one message by its id."""

    def answer(asked: Asked) -> Reply:
        if asked_for_properties(asked):
            return error(400, "BadRequest")
        return Reply(without_properties(message))

    return answer


def head_of(found: object) -> MessageHead:
    assert isinstance(found, MessageHead)
    return found


def test_a_mail_whose_sensitivity_cannot_be_read_counts_as_private() -> None:
    source, graph = mail(refuses_properties(of_open_mail("a")))
    for _ in range(2):
        assert head_of(source.heads([A])[A]).is_private
    assert [asked_for_properties(asked) for asked in graph.asked] == [True, False, False]
    whole = source.messages([A])[A]
    assert isinstance(whole, FetchedMessage)
    assert whole.head.is_private


def test_a_mail_that_shows_its_headers_needs_no_property_to_be_open() -> None:
    shown = [{"name": "X-Mailer", "value": "letter"}]
    source, _ = mail(refuses_properties({**of_open_mail("a"), "internetMessageHeaders": shown}))
    assert not head_of(source.heads([A])[A]).is_private


def test_what_graph_refuses_in_one_tenant_is_asked_for_in_another() -> None:
    def answer(asked: Asked) -> Reply:
        is_refused = "Bearer contoso" in asked.headers["Authorization"] and asked_for_properties(asked)
        return error(400, "BadRequest") if is_refused else Reply(of_open_mail("a"))

    session = session_with(FakeGraph(answer))
    contoso, fabrikam = (
        GraphMailbox(session, a_mailbox(tenant_id=tenant, user_id=USER)) for tenant in ("contoso", "fabrikam")
    )
    assert head_of(contoso.heads([A])[A]).is_private
    assert not head_of(fabrikam.heads([A])[A]).is_private


def test_one_odd_mail_costs_no_other_its_properties() -> None:
    def answer(asked: Asked) -> Reply:
        name = asked.target.partition("?")[0].rpartition("/")[2]
        if name == "b" and asked_for_properties(asked):
            return error(400, "BadRequest")
        return Reply(of_open_mail(name))

    source, _ = mail(answer)
    private = {item: head_of(source.heads([item])[item]).is_private for item in (A, B)}
    again = head_of(source.heads([A])[A]).is_private
    assert (private, again) == ({A: False, B: True}, False)
