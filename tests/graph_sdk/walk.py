"""The simulator as Microsoft's Graph SDK sees it, typed, over TLS. Run by `dev.graph_sdk`, in the SDK's environment.

Each step is one thing that Postledger relies on; it prints its name, and what the SDK would not take.
"""

import asyncio
import base64
import json
import os
import sys
import threading
import traceback
import urllib.request
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, urlsplit

import httpx
from azure.core.exceptions import ClientAuthenticationError
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.attachment import Attachment
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.email_address import EmailAddress
from msgraph.generated.models.file_attachment import FileAttachment
from msgraph.generated.models.followup_flag import FollowupFlag
from msgraph.generated.models.followup_flag_status import FollowupFlagStatus
from msgraph.generated.models.importance import Importance
from msgraph.generated.models.item_attachment import ItemAttachment
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.mail_search_folder import MailSearchFolder
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.recipient import Recipient
from msgraph.generated.models.single_value_legacy_extended_property import (
    SingleValueLegacyExtendedProperty,
)
from msgraph.generated.models.subscription import Subscription
from msgraph.generated.users.item.mail_folders.item.messages.delta.delta_request_builder import (
    DeltaRequestBuilder,
)
from msgraph.generated.users.item.messages.item.create_reply.create_reply_post_request_body import (
    CreateReplyPostRequestBody,
)
from msgraph.generated.users.item.messages.item.move.move_post_request_body import MovePostRequestBody
from msgraph.generated.users.item.messages.messages_request_builder import MessagesRequestBuilder
from msgraph.generated.users.item.send_mail.send_mail_post_request_body import SendMailPostRequestBody
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import GraphClientFactory
from msgraph_core.requests.batch_request_builder import BatchRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

WORLD: dict[str, Any] = json.loads(os.environ["WORLD"])
URL: str = WORLD["url"]
ANN: str = WORLD["users"]["ann"]
IMMUTABLE = 'IdType="ImmutableId"'
# Canonical: Graph answers with what it calls the property, whatever zeros were asked for.
SENSITIVITY = "Integer 0x36"
TAG = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name Tag"
LARGE = 4 * 1024 * 1024
Step = Callable[["Walk"], Awaitable[None]]


def control(method: str, path: str, body: Any = None, raw: bytes | None = None, **query: str) -> Any:
    """The simulator's own door: what people and the weather do."""
    data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
    asked = "&".join(f"{name}={quote(value)}" for name, value in query.items())
    request = urllib.request.Request(
        f"{URL}/_control/{path}?{asked}", data, {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def deliver(subject: str, *, attached: bytes = b"", private: bool = False) -> str:
    """Into Ann's inbox; the item's immutable id."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "bo@fabrikam.example", "ann@contoso.example", subject
    mail["Message-ID"] = f"<{subject.replace(' ', '-')}@fabrikam.example>"
    mail["Date"] = datetime.now(UTC)
    if private:
        mail["Sensitivity"] = "Private"
    mail.set_content("Good morning.")
    if attached:
        mail.add_attachment(attached, maintype="application", subtype="pdf", filename="offer.pdf")
    found = control("POST", "deliver", raw=mail.as_bytes(), address="ann@contoso.example", folder="inbox")
    return str(found["id"])


def expect(given: object, wanted: object) -> None:
    if given != wanted:
        raise AssertionError(f"{given!r} in place of {wanted!r}")


def to(address: str) -> Recipient:
    return Recipient(email_address=EmailAddress(address=address, name=address.partition("@")[0]))


def headed(parameters: Any = None, *preferences: str) -> RequestConfiguration[Any]:
    configuration: RequestConfiguration[Any] = RequestConfiguration(query_parameters=parameters)
    configuration.headers.add("Prefer", ", ".join((IMMUTABLE, *preferences)))
    return configuration


class Hook(BaseHTTPRequestHandler):
    """A webhook: answers the handshake, and keeps what it is told."""

    told: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        token = parse_qs(urlsplit(self.path).query).get("validationToken", [""])[0]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not token:
            self.told.extend(json.loads(body)["value"])
        self.send_response(200 if token else 202)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(token)))
        self.end_headers()
        self.wfile.write(token.encode())

    def log_message(self, *_: object) -> None:
        return


class Walk:
    """One client, and what its steps have found."""

    def __init__(self) -> None:
        self.credential = ClientSecretCredential(
            WORLD["tenant"],
            WORLD["client"],
            WORLD["secret"],
            authority=URL,
            disable_instance_discovery=True,
        )
        provider = AzureIdentityAuthenticationProvider(
            self.credential, scopes=[f"{URL}/.default"], allowed_hosts=[urlsplit(URL).hostname or ""]
        )
        client = GraphClientFactory.create_with_default_middleware(
            client=httpx.AsyncClient(verify=WORLD["ca"], timeout=30)
        )
        self.adapter = GraphRequestAdapter(provider, client)
        self.adapter.base_url = f"{URL}/v1.0"
        self.graph = GraphServiceClient(request_adapter=self.adapter)
        self.ann = self.graph.users.by_user_id(ANN)

    async def refused(self, call: Awaitable[Any], status: int, code: str) -> ODataError:
        """The typed error of a call that must fail."""
        try:
            await call
        except ODataError as error:
            expect((error.response_status_code, error.error and error.error.code), (status, code))
            return error
        raise AssertionError(f"no {status} {code}")


async def people(walk: Walk) -> None:
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
        select=["id", "mail", "userPrincipalName", "proxyAddresses"], top=1
    )
    page = await walk.graph.users.get(RequestConfiguration(query_parameters=query))
    found = list(page.value)
    while page.odata_next_link:
        page = await walk.graph.users.with_url(page.odata_next_link).get()
        found += page.value
    expect(sorted(user.mail for user in found), ["ann@contoso.example", "bob@contoso.example"])


async def folders(walk: Walk) -> None:
    page = await walk.ann.mail_folders.get()
    names = {folder.display_name for folder in page.value}
    assert {"Inbox", "Drafts", "Sent Items", "Deleted Items"} <= names, names
    inbox = await walk.ann.mail_folders.by_mail_folder_id("inbox").get()
    expect(inbox.display_name, "Inbox")
    nowhere = walk.ann.mail_folders.by_mail_folder_id("AAMk-nowhere")
    await walk.refused(nowhere.get(), 400, "ErrorInvalidIdMalformed")


async def lists(walk: Walk) -> None:
    for number in range(3):
        deliver(f"List {number}")
    query = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(
        select=["id", "subject", "receivedDateTime", "isRead", "from", "importance", "flag"],
        top=2,
        orderby=["receivedDateTime desc"],
        filter="receivedDateTime ge 2020-01-01T00:00:00Z",
    )
    page = await walk.ann.messages.get(headed(query))
    found = list(page.value)
    while page.odata_next_link:
        page = await walk.ann.messages.with_url(page.odata_next_link).get(headed())
        found += page.value
    assert len(found) >= 3
    assert all(isinstance(mail.received_date_time, datetime) for mail in found)
    expect([mail.importance for mail in found[:1]], [Importance.Normal])
    expect(found[0].from_.email_address.address, "bo@fabrikam.example")


async def one_message(walk: Walk) -> None:
    item = deliver("With all", attached=b"%PDF-1.4", private=True)
    mail = await walk.ann.messages.by_message_id(item).get(headed(None, 'outlook.body-content-type="text"'))
    expect((mail.subject, mail.body.content_type), ("With all", BodyType.Text))
    assert mail.internet_message_id == "<With-all@fabrikam.example>"
    page = await walk.ann.messages.by_message_id(item).attachments.get(headed())
    [file] = page.value
    expect((type(file), file.name, file.content_bytes), (FileAttachment, "offer.pdf", b"%PDF-1.4"))
    raw = await walk.ann.messages.by_message_id(item).content.get(headed())
    assert b"offer.pdf" in raw


async def properties(walk: Walk) -> None:
    from msgraph.generated.users.item.messages.item.message_item_request_builder import (
        MessageItemRequestBuilder,
    )

    item = deliver("Private", private=True)
    query = MessageItemRequestBuilder.MessageItemRequestBuilderGetQueryParameters(
        select=["id"], expand=["singleValueExtendedProperties($filter=id eq 'Integer 0x0036')"]
    )
    mail = await walk.ann.messages.by_message_id(item).get(headed(query))
    [found] = mail.single_value_extended_properties
    expect((found.id, found.value), (SENSITIVITY, "2"))


async def deltas(walk: Walk) -> None:
    inbox = walk.ann.mail_folders.by_mail_folder_id("inbox").messages
    query = DeltaRequestBuilder.DeltaRequestBuilderGetQueryParameters(select=["id", "subject"])
    page = await inbox.delta.get(headed(query, "odata.maxpagesize=2"))
    seen = [mail.id for mail in page.value]
    while page.odata_next_link:
        page = await inbox.delta.with_url(page.odata_next_link).get(headed(None, "odata.maxpagesize=2"))
        seen += [mail.id for mail in page.value]
    new = deliver("After the delta")
    control("POST", "delete", {"address": "ann@contoso.example", "id": seen[0], "hard": True})
    page = await inbox.delta.with_url(page.odata_delta_link).get(headed())
    changed = {mail.id: mail.additional_data.get("@removed") for mail in page.value}
    assert new in changed and changed[new] is None, changed
    assert seen[0] in changed and changed[seen[0]], changed


async def batches(walk: Walk) -> None:
    there = deliver("In a batch")
    content = BatchRequestContent({})
    items = {}
    for name, item in (("1", there), ("2", "AAMk-nowhere")):
        request = RequestInformation(Method.GET)
        # Relative, as Graph documents it: the SDK sends whatever stands here.
        request.url = f"/users/{ANN}/messages/{item}"
        request.headers.add("Prefer", IMMUTABLE)
        items[name] = BatchRequestItem(request, id=name)
        content.add_request(name, items[name])
    answer = await BatchRequestBuilder(walk.adapter).post(content)
    statuses = {name: answer.get_response_by_id(name).status for name in items}
    expect(statuses, {"1": 200, "2": 400})


async def subscriptions(walk: Walk) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    until = datetime.now(UTC) + timedelta(hours=1)
    asked = Subscription(
        change_type="created,updated",
        notification_url=f"http://localhost:{server.server_port}/",
        resource=f"users/{ANN}/messages",
        expiration_date_time=until,
        client_state="a secret",
    )
    made = await walk.graph.subscriptions.post(asked, headed())
    expect((made.resource, made.change_type), (asked.resource, asked.change_type))
    own = walk.graph.subscriptions.by_subscription_id(made.id)
    await own.patch(Subscription(expiration_date_time=until + timedelta(hours=1)))
    assert (await own.get()).expiration_date_time > until
    item = deliver("Told")
    for _ in range(3_000):
        if any(told["resourceData"]["id"] == item for told in Hook.told):
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError(f"nothing told of {item}: {Hook.told}")
    listed = await walk.graph.subscriptions.get()
    assert made.id in {one.id for one in listed.value}
    await own.delete()
    await walk.refused(own.get(), 404, "ResourceNotFound")
    server.shutdown()


async def drafts(walk: Walk) -> None:
    asked = Message(
        subject="A draft",
        body=ItemBody(content="<p>Hello</p>", content_type=BodyType.Html),
        to_recipients=[to("bo@fabrikam.example")],
        single_value_extended_properties=[SingleValueLegacyExtendedProperty(id=TAG, value="tag-1")],
    )
    draft = await walk.ann.messages.post(asked, headed())
    expect((draft.is_draft, draft.subject), (True, "A draft"))
    own = walk.ann.messages.by_message_id(draft.id)
    changed = await own.patch(Message(subject="Changed", importance=Importance.High), headed())
    expect((changed.subject, changed.importance), ("Changed", Importance.High))
    file: Attachment = FileAttachment(
        odata_type="#microsoft.graph.fileAttachment", name="a.txt", content_bytes=b"text"
    )
    await own.attachments.post(file, headed())
    await own.send.post(headed())
    query = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(
        select=["id", "subject"],
        filter=f"singleValueExtendedProperties/any(ep: ep/id eq '{TAG}' and ep/value eq 'tag-1')",
    )
    sent = walk.ann.mail_folders.by_mail_folder_id("sentitems").messages
    for _ in range(3_000):
        page = await sent.get(headed(query))
        if page.value:
            break
        await asyncio.sleep(0.1)
    expect([mail.subject for mail in page.value], ["Changed"])


async def sending(walk: Walk) -> None:
    mail = Message(
        subject="At once",
        body=ItemBody(content="Hello", content_type=BodyType.Text),
        to_recipients=[to("bo@fabrikam.example")],
    )
    await walk.ann.send_mail.post(SendMailPostRequestBody(message=mail, save_to_sent_items=True))
    for _ in range(3_000):
        if any("At once" in str(left["raw"]) for left in control("GET", "outbound")):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the mail has not left")


async def answers(walk: Walk) -> None:
    item = deliver("Asked")
    draft = await walk.ann.messages.by_message_id(item).create_reply.post(
        CreateReplyPostRequestBody(comment="Yes."), headed()
    )
    assert draft.is_draft
    expect(draft.to_recipients[0].email_address.address, "bo@fabrikam.example")


async def attachments(walk: Walk) -> None:
    """Files and mails on a draft, and one of them taken away."""
    draft = await walk.ann.messages.post(Message(subject="With three"), headed())
    own = walk.ann.messages.by_message_id(draft.id)
    for name in ("a.txt", "b.txt"):
        file: Attachment = FileAttachment(
            odata_type="#microsoft.graph.fileAttachment", name=name, content_bytes=b"text"
        )
        await own.attachments.post(file, headed())
    inner = Message(odata_type="#microsoft.graph.message", subject="Inner", body=ItemBody(content="Hello"))
    item: Attachment = ItemAttachment(odata_type="#microsoft.graph.itemAttachment", name="Inner", item=inner)
    made = await own.attachments.post(item, headed())
    expect(type(made), ItemAttachment)
    first, *others = (await own.attachments.get(headed())).value
    await own.attachments.by_attachment_id(first.id).delete()
    left = (await own.attachments.get(headed())).value
    expect([(file.id, file.name) for file in left], [(file.id, file.name) for file in others])
    gone = own.attachments.by_attachment_id(first.id)
    await walk.refused(gone.get(headed()), 404, "ErrorItemNotFound")


async def mime_answers(walk: Walk) -> None:
    """The SDK types no MIME for an answer: the request is its own, the answer is typed."""
    item = deliver("Asked in full")
    mail = EmailMessage()
    mail["To"], mail["Subject"] = "bo@fabrikam.example", "Answered in full"
    mail.set_content("Yes.")
    own = walk.ann.messages.by_message_id(item)

    async def answered(content: bytes) -> Any:
        request = own.create_reply.to_post_request_information(CreateReplyPostRequestBody(), headed())
        request.headers.remove("Content-Type")
        request.set_stream_content(content, "text/plain")
        return await walk.adapter.send_async(request, Message, {"XXX": ODataError})

    draft = await answered(base64.b64encode(mail.as_bytes()))
    expect((draft.is_draft, draft.subject), (True, "Answered in full"))
    parent = await own.get(headed())
    expect(draft.conversation_id, parent.conversation_id)
    await walk.refused(answered(b"no base64!"), 400, "ErrorMimeContentInvalidBase64String")


async def kept_searches(walk: Walk) -> None:
    deliver("Sought")
    inbox = await walk.ann.mail_folders.by_mail_folder_id("inbox").get()
    asked = MailSearchFolder(
        odata_type="#microsoft.graph.mailSearchFolder",
        display_name="Kept",
        include_nested_folders=True,
        source_folder_ids=[inbox.id],
        filter_query="contains(subject, 'Sought')",
    )
    parent = walk.ann.mail_folders.by_mail_folder_id("searchfolders")
    made = await parent.child_folders.post(asked)
    expect((type(made), made.filter_query), (MailSearchFolder, asked.filter_query))
    listed = (await parent.child_folders.get()).value
    expect([type(folder) for folder in listed], [MailSearchFolder])
    found = await walk.ann.mail_folders.by_mail_folder_id(made.id).messages.get(headed())
    expect([mail.subject for mail in found.value], ["Sought"])


async def unknown_marks(walk: Walk) -> None:
    """`isRead` is nullable, and a filter tells what is unknown from what is false."""
    item = deliver("Neither read nor unread")
    control("POST", "update", {"address": "ann@contoso.example", "id": item, "isRead": None})
    expect((await walk.ann.messages.by_message_id(item).get(headed())).is_read, None)
    for condition, is_found in (("isRead eq false", False), ("isRead ne true", True)):
        query = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(filter=condition, top=100)
        page = await walk.ann.messages.get(headed(query))
        expect(item in {mail.id for mail in page.value}, is_found)


async def uploads(walk: Walk) -> None:
    from msgraph.generated.models.attachment_item import AttachmentItem
    from msgraph.generated.models.attachment_type import AttachmentType
    from msgraph.generated.users.item.messages.item.attachments.create_upload_session.create_upload_session_post_request_body import (  # noqa: E501
        CreateUploadSessionPostRequestBody,
    )

    draft = await walk.ann.messages.post(Message(subject="Large"), headed())
    own = walk.ann.messages.by_message_id(draft.id)
    named = AttachmentItem(attachment_type=AttachmentType.File, name="large.bin", size=LARGE)
    session = await own.attachments.create_upload_session.post(
        CreateUploadSessionPostRequestBody(attachment_item=named)
    )
    half = LARGE // 2
    async with httpx.AsyncClient(verify=WORLD["ca"]) as client:
        for start in (0, half):
            piece = {"Content-Range": f"bytes {start}-{start + half - 1}/{LARGE}"}
            answer = await client.put(session.upload_url, content=b"x" * half, headers=piece)
            assert answer.status_code in (200, 201), answer.text
    expect((await own.attachments.get(headed())).value[0].name, "large.bin")


async def changes(walk: Walk) -> None:
    item = deliver("To be read")
    own = walk.ann.messages.by_message_id(item)
    flag = FollowupFlag(flag_status=FollowupFlagStatus.Flagged)
    mail = await own.patch(Message(is_read=True, flag=flag, categories=["Blue"]), headed())
    expect(
        (mail.is_read, mail.flag.flag_status, mail.categories), (True, FollowupFlagStatus.Flagged, ["Blue"])
    )
    moved = await own.move.post(MovePostRequestBody(destination_id="deleteditems"), headed())
    expect(moved.subject, "To be read")


async def errors(walk: Walk) -> None:
    query = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters(filter="subject eq")
    error = await walk.refused(walk.ann.messages.get(headed(query)), 400, "BadRequest")
    assert error.error.inner_error and error.error.inner_error.request_id
    control("PUT", "faults", {"access_denied": ["ann@contoso.example"]})
    try:
        await walk.refused(walk.ann.messages.get(), 403, "ErrorAccessDenied")
    finally:
        control("DELETE", "faults")


async def other_clouds(walk: Walk) -> None:
    """An address of Graph that the tenant's cloud does not have."""
    try:
        await walk.credential.get_token("https://graph.microsoft.us/.default")
    except ClientAuthenticationError as error:
        assert "AADSTS500011" in str(error), error
        return
    raise AssertionError("a token for another cloud")


async def throttling(walk: Walk) -> None:
    """The SDK waits as long as it is told, and asks again by itself."""
    for kind in ("429", "503"):
        control("DELETE", "stats")
        control("PUT", "faults", {"error_rate": 0.15, "error_kinds": [kind], "retry_after_s": 1, "seed": 7})
        try:
            for _ in range(8):
                await walk.ann.mail_folders.by_mail_folder_id("inbox").get()
        finally:
            control("DELETE", "faults")
        stats = control("GET", "stats")
        expect(stats["calls_before_retry_after"], 0)
        assert any(str(call["status"]) == kind for call in stats["graph"]["calls"]), stats["graph"]


STEPS: list[Step] = [
    people,
    folders,
    lists,
    one_message,
    properties,
    deltas,
    batches,
    subscriptions,
    drafts,
    sending,
    answers,
    attachments,
    mime_answers,
    kept_searches,
    unknown_marks,
    uploads,
    changes,
    errors,
    other_clouds,
    throttling,
]


async def main() -> int:
    walk, failed = Walk(), []
    for step in STEPS:
        try:
            await step(walk)
        except Exception:  # noqa: BLE001  a walk tells of every step that the SDK refuses
            failed.append(step.__name__)
            traceback.print_exc()
        said = "refused" if step.__name__ in failed else "ok"
        sys.stdout.write(f"{step.__name__:<16}{said}\n")
    sys.stdout.write(f"{len(STEPS) - len(failed)} of {len(STEPS)} steps\n")
    await walk.credential.close()
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
