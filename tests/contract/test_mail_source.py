"""What every MailSource does: the fake, and Graph on the simulator, pass the same tests."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Protocol

import pytest

from dev.simulator.serve import Simulator, running_simulator
from shared.adapters.graph.mail import GraphMail
from shared.adapters.graph.session import GraphSession
from shared.adapters.graph.tokens import ClientSecret, GraphTokens
from shared.domain.capture.folders import FolderState, classify
from shared.domain.capture.windows import Window, is_done
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import CursorExpired, NotFound, PageBroken, PermanentError
from shared.domain.mail.addresses import Person
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.ports.mail import MailSource
from tests.builders import AGENT, CONTACT, NOW, a_fetched_message, a_mailbox, an_attachment
from tests.fakes.mail import FakeMail

OTHER = "other@contoso.example"
ALIAS = "alex@contoso.example"
UNKNOWN = "nobody@contoso.example"
PDF = b"%PDF-1.7 " + bytes(range(256)) * 600


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to the agent, as both worlds can deliver it."""

    message_id: str
    subject: str = "Viewing on Thursday"
    received: datetime = NOW
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    attachment: bytes = b""


class World(Protocol):
    """Where mail is delivered, and the source that reads it."""

    mailbox: Mailbox

    @property
    def source(self) -> MailSource: ...

    def deliver(self, letter: Letter, folder: str = "inbox") -> ItemRef: ...

    def move(self, item: ItemRef, folder: str) -> None: ...

    def touch(self, item: ItemRef) -> None: ...

    def delete(self, item: ItemRef) -> None: ...

    def expire(self) -> None: ...

    def poison(self, item: ItemRef) -> None: ...


class InMemory:
    """The fake."""

    def __init__(self) -> None:
        self.source = self.mail = FakeMail(page_size=3)
        self.mailbox = a_mailbox()
        self.mail.add_mailbox(AGENT, aliases=[ALIAS])
        self.mail.add_mailbox(OTHER)
        self.mail.add_folder(AGENT, "projects", parent_id="inbox-folder")
        self.mail.add_folder(AGENT, "notes", container_class="IPF.StickyNote")

    def deliver(self, letter: Letter, folder: str = "inbox") -> ItemRef:
        attachments = (
            (an_attachment(source_id="a-0", size=len(letter.attachment)),) if letter.attachment else ()
        )
        agent, buyer = Person("Agent", AGENT), Person("Buyer", CONTACT)
        message = a_fetched_message(
            html="<p>Thursday?</p>",
            text="",
            attachments=attachments,
            message_id=letter.message_id,
            sender=agent if folder == "sentitems" else buyer,
            to=(buyer if folder == "sentitems" else agent,),
            subject=letter.subject,
            sent_at=letter.received,
            received_at=letter.received,
            in_reply_to=(letter.in_reply_to,) if letter.in_reply_to else (),
            references=letter.references,
            is_draft=folder == "drafts",
            has_attachments=bool(attachments),
        )
        return self.mail.deliver(
            AGENT,
            message,
            folder=f"{folder}-folder",
            contents={"a-0": letter.attachment} if attachments else {},
            mime=f"Message-ID: <{letter.message_id}>\n\n".encode() + letter.attachment * 2,
        )

    def move(self, item: ItemRef, folder: str) -> None:
        self.mail.move(AGENT, item, f"{folder}-folder")

    def touch(self, item: ItemRef) -> None:
        self.mail.touch(AGENT, item)

    def delete(self, item: ItemRef) -> None:
        self.mail.delete(AGENT, item)

    def expire(self) -> None:
        self.mail.expire(AGENT)

    def poison(self, item: ItemRef) -> None:
        self.mail.poison.add(item)


class OnSimulator:
    """Microsoft Graph as the simulator plays it."""

    def __init__(self, simulator: Simulator) -> None:
        tenant_id = str(uuid.uuid4())
        self.mailbox = a_mailbox(tenant_id=tenant_id)
        self.control = simulator.control
        self.control.clear_faults()
        self.control.organisations(tenant_id, "contoso.example")
        self.control.users(tenant_id, AGENT, "Agent", aliases=[ALIAS])
        self.control.users(tenant_id, OTHER, "Other")
        self.control.folders(AGENT, "Projects", parent="inbox")
        self.control.folders(AGENT, "Notes of mine", container_class="IPF.StickyNote")
        credential = ClientSecret(simulator.client_secret)
        tokens = GraphTokens(
            simulator.url, simulator.client_id, credential, "https://graph.microsoft.com/.default"
        )
        self.source = GraphMail(GraphSession(simulator.url, tokens))

    def deliver(self, letter: Letter, folder: str = "inbox") -> ItemRef:
        mail = EmailMessage()
        mail["From"] = f"Agent <{AGENT}>" if folder == "sentitems" else f"Buyer <{CONTACT}>"
        mail["To"] = f"Buyer <{CONTACT}>" if folder == "sentitems" else f"Agent <{AGENT}>"
        mail["Subject"] = letter.subject
        mail["Date"] = letter.received
        mail["Message-ID"] = f"<{letter.message_id}>"
        if letter.in_reply_to:
            mail["In-Reply-To"] = f"<{letter.in_reply_to}>"
        if letter.references:
            mail["References"] = " ".join(f"<{one}>" for one in letter.references)
        mail.set_content("<p>Thursday?</p>", subtype="html")
        if letter.attachment:
            mail.add_attachment(letter.attachment, maintype="application", subtype="pdf", filename="plan.pdf")
        made = self.control.deliver(AGENT, mail.as_bytes(), folder, received=letter.received)
        return ItemRef("", str(made["id"]))

    def move(self, item: ItemRef, folder: str) -> None:
        self.control.move(AGENT, item.item_id, folder)

    def touch(self, item: ItemRef) -> None:
        self.control.update(AGENT, item.item_id, isRead=True)

    def delete(self, item: ItemRef) -> None:
        self.control.delete(AGENT, item.item_id, hard=True)

    def expire(self) -> None:
        self.control.put_faults(expire_delta_tokens=1.0)

    def poison(self, item: ItemRef) -> None:
        self.control.put_faults(poison_ids=[item.item_id])


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture(params=["fake", pytest.param("graph", marks=pytest.mark.stack)])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
    if request.param == "fake":
        return InMemory()
    running: Simulator = request.getfixturevalue("simulator")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", running.ca_file)
    return OnSimulator(running)


def folder_of(world: World, name: str = "inbox") -> FolderState:
    """A folder by its well-known name, not walked yet."""
    names = world.source.well_known_folders(world.mailbox)
    return FolderState(next(one for one, known in names.items() if known == name), name, captured=True)


@dataclass(frozen=True, slots=True)
class Walk:
    """Everything a walk came by; an item may come several times, the last one counts."""

    heads: Mapping[ItemRef, MessageHead]
    partial: Sequence[ItemRef]
    folder: FolderState


def walk(world: World, folder: FolderState, since: datetime | None = None) -> Walk:
    """Page after page until there are no more."""
    heads: dict[ItemRef, MessageHead] = {}
    partial: list[ItemRef] = []
    for _ in range(100):
        page = world.source.delta(world.mailbox, folder, since)
        heads |= {one.item: one for one in page.heads}
        partial += page.partial
        folder = replace(folder, link=page.link)
        if not page.more:
            return Walk(heads, partial, folder)
    raise AssertionError("the walk does not end")


def whole(outcome: FetchedMessage | PermanentError) -> FetchedMessage:
    assert isinstance(outcome, FetchedMessage)
    return outcome


class TestMailSource:
    """The contract."""

    def test_a_user_is_found_with_the_other_addresses_as_aliases(self, world: World) -> None:
        user = world.source.user(world.mailbox)
        assert user.user_id
        assert (user.address, user.aliases) == (AGENT, (ALIAS,))

    def test_a_user_is_found_by_object_id_too(self, world: World) -> None:
        user = world.source.user(world.mailbox)
        known = replace(world.mailbox, address="old@contoso.example", user_id=user.user_id)
        assert world.source.user(known) == user

    def test_a_user_is_found_by_an_alias(self, world: World) -> None:
        user = world.source.user(replace(world.mailbox, address=ALIAS))
        assert user == world.source.user(world.mailbox)

    def test_a_user_that_is_nobody_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFound):
            world.source.user(replace(world.mailbox, address=UNKNOWN))

    def test_the_mail_of_nobody_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFound):
            world.source.folders(replace(world.mailbox, address=UNKNOWN))

    def test_known_folders_are_named_and_the_others_told_by_class(self, world: World) -> None:
        folders = world.source.folders(world.mailbox)
        names = world.source.well_known_folders(world.mailbox)
        assert {"inbox", "sentitems", "drafts", "deleteditems", "junkemail", "archive"} <= set(names.values())
        states = classify(folders, names)
        kinds = {one.kind for one in states if one.captured}
        assert kinds == {"inbox", "sentitems", "archive", "folder"}
        assert "IPF.StickyNote" in {one.kind for one in states if not one.captured}

    def test_a_folder_inside_another_is_listed_under_its_parent(self, world: World) -> None:
        folders = world.source.folders(world.mailbox)
        names = world.source.well_known_folders(world.mailbox)
        inbox = next(one for one, known in names.items() if known == "inbox")
        assert [one.container_class for one in folders if one.parent_id == inbox] == ["IPF.Note"]

    def test_a_first_walk_shows_what_is_there_with_all_headers(self, world: World) -> None:
        letter = Letter(
            "2@fabrikam.example",
            in_reply_to="1@contoso.example",
            references=("0@contoso.example", "1@contoso.example"),
        )
        item = world.deliver(letter)
        folder = folder_of(world)
        head = walk(world, folder).heads[item]
        assert head.message_id == "2@fabrikam.example"
        assert head.folder_id == folder.folder_id
        assert head.sender == Person("Buyer", CONTACT)
        assert head.to == (Person("Agent", AGENT),)
        assert head.subject == "Viewing on Thursday"
        assert head.sent_at == head.received_at == NOW
        assert head.in_reply_to == ("1@contoso.example",)
        assert head.references == ("0@contoso.example", "1@contoso.example")
        assert not head.is_draft

    def test_sent_mail_has_its_thread_too(self, world: World) -> None:
        letter = Letter(
            "3@contoso.example", in_reply_to="2@fabrikam.example", references=("2@fabrikam.example",)
        )
        item = world.deliver(letter, "sentitems")
        head = walk(world, folder_of(world, "sentitems")).heads[item]
        assert head.sender.address == AGENT
        assert head.answers == ("2@fabrikam.example",)

    def test_many_mails_come_in_pages_and_none_is_missed(self, world: World) -> None:
        delivered = {world.deliver(Letter(f"{one}@fabrikam.example")) for one in range(120)}
        found = walk(world, folder_of(world))
        assert set(found.heads) == delivered

    def test_mail_from_before_the_window_is_not_shown(self, world: World) -> None:
        world.deliver(Letter("old@fabrikam.example", received=NOW - timedelta(days=2)))
        new = world.deliver(Letter("new@fabrikam.example"))
        assert list(walk(world, folder_of(world), since=NOW - timedelta(days=1)).heads) == [new]

    def test_mail_of_the_windows_first_second_is_shown(self, world: World) -> None:
        item = world.deliver(Letter("edge@fabrikam.example"))
        assert list(walk(world, folder_of(world), since=NOW).heads) == [item]

    def test_a_later_walk_shows_only_what_is_new(self, world: World) -> None:
        world.deliver(Letter("1@fabrikam.example"))
        folder = walk(world, folder_of(world)).folder
        assert walk(world, folder).heads == {}
        new = world.deliver(Letter("2@fabrikam.example"))
        assert list(walk(world, folder).heads) == [new]

    def test_an_item_that_changed_a_little_is_named(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        folder = walk(world, folder_of(world)).folder
        world.touch(item)
        found = walk(world, folder)
        assert (found.heads, found.partial) == ({}, [item])

    def test_a_moved_mail_shows_in_its_new_folder_under_the_same_id(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        archive = walk(world, folder_of(world, "archive")).folder
        world.move(item, "archive")
        assert walk(world, archive).heads[item].folder_id == archive.folder_id

    def test_a_mail_that_left_the_folder_is_not_mentioned(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        folder = walk(world, folder_of(world)).folder
        world.move(item, "archive")
        found = walk(world, folder)
        assert (found.heads, found.partial) == ({}, [])

    def test_a_draft_says_so(self, world: World) -> None:
        item = world.deliver(Letter("1@contoso.example"), "drafts")
        assert walk(world, folder_of(world, "drafts")).heads[item].is_draft

    def test_a_link_that_is_too_old_is_told_apart(self, world: World) -> None:
        folder = walk(world, folder_of(world)).folder
        world.expire()
        with pytest.raises(CursorExpired):
            world.source.delta(world.mailbox, folder, None)

    def test_a_folder_that_is_gone_is_not_found(self, world: World) -> None:
        gone = FolderState("AQMkAGone", "folder", captured=True)
        with pytest.raises(PermanentError):
            world.source.delta(world.mailbox, gone, None)

    def test_a_window_is_listed_oldest_first_with_and_without_headers(self, world: World) -> None:
        ids = [
            world.deliver(Letter(f"{one}@fabrikam.example", received=NOW + timedelta(seconds=one)))
            for one in (4, 0, 2, 9)
        ]
        window, inbox = Window(NOW, NOW + timedelta(seconds=9)), folder_of(world).folder_id
        bare = world.source.listed(world.mailbox, inbox, window).items
        assert [one.item for one in bare] == [ids[1], ids[2], ids[0]]
        assert [one.received_at for one in bare] == [NOW + timedelta(seconds=one) for one in (0, 2, 4)]
        assert all(one.head is None for one in bare)
        shown = world.source.listed(world.mailbox, inbox, window, with_heads=True).items
        assert [one.head for one in shown if one.head] == list(
            world.source.heads(world.mailbox, [one.item for one in bare]).values()
        )
        assert world.source.count(world.mailbox, inbox, window) == 3

    @pytest.mark.parametrize("with_heads", [False, True])
    def test_a_listed_window_has_each_mail_once(self, world: World, *, with_heads: bool) -> None:
        delivered = [
            world.deliver(Letter(f"{one}@fabrikam.example", received=NOW + timedelta(seconds=one // 70)))
            for one in range(170)
        ]
        rest: Window | None = Window.of(NOW, NOW + timedelta(seconds=5))
        found: list[ItemRef] = []
        while rest is not None:
            page = world.source.listed(world.mailbox, folder_of(world).folder_id, rest, with_heads=with_heads)
            rest = rest.after([one.received_at for one in page.items], page.link)
            found += [one.item for one in page.items if is_done(one.received_at, rest)]
        assert sorted(found) == sorted(delivered)

    def test_the_list_of_a_folder_that_is_gone_is_not_found(self, world: World) -> None:
        with pytest.raises(PermanentError):
            world.source.listed(world.mailbox, "AQMkAGone", Window.of(NOW, NOW))

    def test_an_item_that_breaks_its_page_is_named(self, world: World) -> None:
        first = world.deliver(Letter("1@fabrikam.example"))
        ids = [world.deliver(Letter(f"x{one}@fabrikam.example")) for one in range(3)]
        inbox = folder_of(world)
        world.poison(ids[1])
        with pytest.raises(PageBroken):
            for _ in range(5):
                page = world.source.delta(world.mailbox, inbox, None)
                inbox = replace(inbox, link=page.link)
        window = Window.second(NOW)
        with pytest.raises(PageBroken):
            for _ in range(5):
                page_of = world.source.listed(world.mailbox, inbox.folder_id, window, with_heads=True)
                window = replace(window, link=page_of.link)
        listed = world.source.listed(world.mailbox, inbox.folder_id, Window.second(NOW))
        assert {one.item for one in listed.items} == {first, *ids}
        assert world.source.broken(world.mailbox, inbox.folder_id, NOW) == {ids[1]}

    @pytest.mark.parametrize("count", [1, 3, 20])
    def test_headers_come_by_id(self, world: World, count: int) -> None:
        ids = [world.deliver(Letter(f"{one}@fabrikam.example")) for one in range(count)]
        found = world.source.heads(world.mailbox, ids)
        assert list(found) == ids
        assert [one.message_id for one in found.values() if isinstance(one, MessageHead)] == [
            f"{one}@fabrikam.example" for one in range(count)
        ]

    def test_whole_messages_come_by_id_with_their_bodies(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        message = whole(world.source.messages(world.mailbox, [item])[item])
        assert message.head == world.source.heads(world.mailbox, [item])[item]
        assert "<p>Thursday?</p>" in message.html
        assert message.attachments == ()

    def test_a_message_that_is_gone_keeps_none_of_the_others(self, world: World) -> None:
        ids = [world.deliver(Letter(f"{one}@fabrikam.example")) for one in range(4)]
        world.delete(ids[0])
        world.delete(ids[2])
        found = world.source.messages(world.mailbox, ids)
        assert [type(found[one]) for one in ids] == [NotFound, FetchedMessage, NotFound, FetchedMessage]

    def test_an_id_of_another_mailbox_finds_nothing(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        other = replace(world.mailbox, address=OTHER)
        assert isinstance(world.source.messages(other, [item])[item], PermanentError)

    def test_nothing_asked_is_nothing_found(self, world: World) -> None:
        assert world.source.messages(world.mailbox, []) == {}

    def test_attachments_are_described_and_read_in_chunks(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example", attachment=PDF))
        message = whole(world.source.messages(world.mailbox, [item])[item])
        assert message.head.has_attachments
        (found,) = message.attachments
        assert (found.id, found.name, found.content_type) == ("0", "plan.pdf", "application/pdf")
        assert (found.kind, found.inline) == ("file", False)
        assert found.size >= len(PDF)
        with world.source.attachment(world.mailbox, item, found.source_id) as chunks:
            assert b"".join(chunks) == PDF

    def test_an_attachment_that_is_not_there_is_told(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        with (
            pytest.raises(PermanentError),
            world.source.attachment(world.mailbox, item, "AAkANone") as chunks,
        ):
            next(chunks)

    def test_a_message_comes_as_mime_cut_off_where_it_is_too_long(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example", attachment=PDF))
        whole = world.source.mime(world.mailbox, item, 10_000_000)
        assert b"<1@fabrikam.example>" in whole
        assert len(whole) > len(PDF)
        assert len(world.source.mime(world.mailbox, item, 1_000)) == 1_000

    def test_the_mime_of_a_message_that_is_not_there_is_told(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        world.delete(item)
        with pytest.raises(NotFound):
            world.source.mime(world.mailbox, item, 1_000)
