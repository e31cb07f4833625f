"""What every way to mail does: the fake, Graph on the simulator and a tree of .eml files pass the same tests.

Nothing here knows how a provider names things: folders are told by role, mails by the ItemRef they were given.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from dev import dovecot
from dev.simulator.serve import Simulator, running_simulator
from shared.adapters.graph.delegated import Sessions
from shared.adapters.graph.directory import GraphDirectory
from shared.adapters.graph.folders import ROLES
from shared.adapters.graph.mail import GraphMail
from shared.adapters.graph.session import GraphSession
from shared.adapters.graph.tokens import ClientSecret, GraphTokens
from shared.adapters.unpacking import UnpackedMail
from shared.domain.capture.folders import Folder, Role, classify
from shared.domain.capture.windows import Window, is_done
from shared.domain.connections.mailboxes import Mailbox
from shared.domain.errors import CursorExpired, NotFound, PageBroken, PermanentError
from shared.domain.mail.addresses import Person
from shared.domain.mail.items import ItemRef
from shared.domain.mail.messages import FetchedMessage, MessageHead
from shared.ports.directory import Directory
from shared.ports.mail import MailAccess, OpenMailbox
from tests.builders import AGENT, CONTACT, NOW, a_fetched_message, a_mailbox, an_attachment
from tests.contract.dovecot_world import WANTED, OnDovecot, certificate
from tests.contract.eml_folders import EmlFolders, eml
from tests.fakes import FakeConnections
from tests.fakes.mail import FakeMail

OTHER = "other@contoso.example"
ALIAS = "alex@contoso.example"
UNKNOWN = "nobody@contoso.example"
PDF = b"%PDF-1.7 " + bytes(range(256)) * 600


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to the agent, as every world can deliver it."""

    message_id: str
    subject: str = "Viewing on Thursday"
    received: datetime = NOW
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    attachment: bytes = b""

    def as_eml(self, role: Role) -> bytes:
        """As it goes over the wire; sent mail goes the other way."""
        agent, buyer = f"Agent <{AGENT}>", f"Buyer <{CONTACT}>"
        sender, to = (agent, buyer) if role is Role.SENT else (buyer, agent)
        return eml(
            self.message_id,
            sender=sender,
            to=to,
            subject=self.subject,
            sent_at=self.received,
            in_reply_to=self.in_reply_to,
            references=self.references,
            html="<p>Thursday?</p>",
            attachment=self.attachment,
        )


# A directory, and a mailbox whose user is in it.
Found = tuple[Directory, Mailbox]


class World(Protocol):
    """Where mail is delivered, and the port that reads it."""

    mailbox: Mailbox

    @property
    def mail(self) -> MailAccess: ...

    def deliver(self, letter: Letter, role: Role = Role.INBOX) -> ItemRef: ...

    def move(self, item: ItemRef, role: Role) -> ItemRef:
        """As the person would; the item it is from now on."""

    def touch(self, item: ItemRef) -> None: ...

    def delete(self, item: ItemRef) -> None: ...

    def expire(self) -> None: ...

    def poison(self, item: ItemRef) -> None: ...


NAMES = {role: name for name, role in ROLES.items()}


class InMemory:
    """The fake."""

    def __init__(self) -> None:
        self.mail = self.directory = FakeMail(page_size=3)
        self.mailbox = a_mailbox()
        self.mail.add_mailbox(AGENT, aliases=[ALIAS])
        self.mail.add_mailbox(OTHER)
        self.mail.add_folder(AGENT, "projects", parent_id="inbox-folder")
        self.mail.add_folder(AGENT, "notes", holds="IPF.StickyNote")

    def deliver(self, letter: Letter, role: Role = Role.INBOX) -> ItemRef:
        attachments = (
            (an_attachment(source_id="a-0", size=len(letter.attachment)),) if letter.attachment else ()
        )
        agent, buyer = Person("Agent", AGENT), Person("Buyer", CONTACT)
        message = a_fetched_message(
            html="<p>Thursday?</p>",
            text="",
            attachments=attachments,
            message_id=letter.message_id,
            sender=agent if role is Role.SENT else buyer,
            to=(buyer if role is Role.SENT else agent,),
            subject=letter.subject,
            sent_at=letter.received,
            received_at=letter.received,
            in_reply_to=(letter.in_reply_to,) if letter.in_reply_to else (),
            references=letter.references,
            is_draft=role is Role.DRAFTS,
            has_attachments=bool(attachments),
        )
        return self.mail.deliver(
            AGENT,
            message,
            folder=f"{role}-folder",
            contents={"a-0": letter.attachment} if attachments else {},
            mime=f"Message-ID: <{letter.message_id}>\n\n".encode() + letter.attachment * 2,
        )

    def move(self, item: ItemRef, role: Role) -> ItemRef:
        self.mail.move(AGENT, item, f"{role}-folder")
        return item

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
        # With application permissions nobody signs in.
        sessions = Sessions(GraphSession(simulator.url, tokens), None, FakeConnections())  # type: ignore[arg-type]
        # As the product composes it.
        self.mail, self.directory = UnpackedMail(GraphMail(sessions)), GraphDirectory(sessions)

    def deliver(self, letter: Letter, role: Role = Role.INBOX) -> ItemRef:
        made = self.control.deliver(AGENT, letter.as_eml(role), NAMES[role], received=letter.received)
        return ItemRef("", str(made["id"]))

    def move(self, item: ItemRef, role: Role) -> ItemRef:
        self.control.move(AGENT, item.item_id, NAMES[role])
        return item

    def touch(self, item: ItemRef) -> None:
        self.control.update(AGENT, item.item_id, isRead=True)

    def delete(self, item: ItemRef) -> None:
        self.control.delete(AGENT, item.item_id, hard=True)

    def expire(self) -> None:
        self.control.put_faults(expire_delta_tokens=1.0)

    def poison(self, item: ItemRef) -> None:
        self.control.put_faults(poison_ids=[item.item_id])


class OnDisk:
    """A tree of .eml files, whose ids hold within a folder only."""

    def __init__(self, root: Path) -> None:
        self.mail = EmlFolders(root, page_size=3)
        self.mailbox = a_mailbox()
        self.mail.add_mailbox(AGENT)
        self.mail.add_mailbox(OTHER)
        self.mail.add_folder(AGENT, "INBOX/Projects")
        self.mail.add_folder(AGENT, "Notes", holds="notes")

    def deliver(self, letter: Letter, role: Role = Role.INBOX) -> ItemRef:
        return self.mail.deliver(AGENT, letter.as_eml(role), role, received=letter.received)

    def move(self, item: ItemRef, role: Role) -> ItemRef:
        return self.mail.move(AGENT, item, role)

    def touch(self, item: ItemRef) -> None:
        self.mail.touch(AGENT, item)

    def delete(self, item: ItemRef) -> None:
        self.mail.delete(AGENT, item)

    def expire(self) -> None:
        self.mail.expire(AGENT)

    def poison(self, item: ItemRef) -> None:
        self.mail.poison.add((AGENT, item))


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def on_simulator(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> OnSimulator:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", simulator.ca_file)
    return OnSimulator(simulator)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dovecot.Dovecot]:
    cert, key, ca_file = certificate(tmp_path_factory.mktemp("certificate"))
    with dovecot.running(cert=cert, key=key, ca_file=ca_file) as running:
        yield running


@pytest.fixture
def on_dovecot(server: dovecot.Dovecot) -> Iterator[OnDovecot]:
    world = OnDovecot.fresh(server, AGENT, OTHER)
    yield world
    world.mail.sessions.close()


@pytest.fixture(
    params=[
        "fake",
        "eml",
        pytest.param("graph", marks=pytest.mark.stack),
        pytest.param("imap", marks=WANTED),
    ]
)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    if request.param == "imap":
        imap: OnDovecot = request.getfixturevalue("on_dovecot")
        return imap
    if request.param == "fake":
        return InMemory()
    if request.param == "eml":
        return OnDisk(tmp_path)
    found: OnSimulator = request.getfixturevalue("on_simulator")
    return found


@pytest.fixture(params=["fake", pytest.param("graph", marks=pytest.mark.stack)])
def directory(request: pytest.FixtureRequest) -> Found:
    if request.param == "fake":
        fake = InMemory()
        return fake.directory, fake.mailbox
    found: OnSimulator = request.getfixturevalue("on_simulator")
    return found.directory, found.mailbox


def box_of(world: World) -> OpenMailbox:
    return world.mail.open(world.mailbox)


def folder_of(world: World, role: Role = Role.INBOX) -> Folder:
    """A folder by its role."""
    return next(folder for folder in box_of(world).folders({}) if folder.role is role)


@dataclass(frozen=True, slots=True)
class Walk:
    """Everything a walk came by; an item may come several times, the last one counts."""

    heads: Mapping[ItemRef, MessageHead]
    partial: Sequence[ItemRef]
    cursor: str


def walk(
    world: World,
    folder: Folder,
    cursor: str = "",
    since: datetime | None = None,
    *,
    arrivals: bool = False,
) -> Walk:
    """Page after page until there are no more; mails that were shown without headers are read."""
    heads: dict[ItemRef, MessageHead] = {}
    partial: list[ItemRef] = []
    for _ in range(100):
        page = box_of(world).changes(folder.folder_id, cursor, since, arrivals=arrivals)
        heads |= {head.item: head for head in page.heads}
        read = box_of(world).heads([listed.item for listed in page.bare])
        heads |= {item: head for item, head in read.items() if isinstance(head, MessageHead)}
        partial += page.partial
        cursor = page.cursor
        if not page.more:
            assert page.is_complete
            return Walk(heads, partial, cursor)
    raise AssertionError("the walk does not end")


def whole(outcome: FetchedMessage | PermanentError) -> FetchedMessage:
    assert isinstance(outcome, FetchedMessage)
    return outcome


class TestDirectory:
    """The directory's contract."""

    def test_a_user_is_found_with_the_other_addresses_as_aliases(self, directory: Found) -> None:
        users, mailbox = directory
        user = users.user(mailbox)
        assert user.user_id
        assert (user.address, user.aliases) == (AGENT, (ALIAS,))

    def test_a_user_is_found_by_object_id_too(self, directory: Found) -> None:
        users, mailbox = directory
        user = users.user(mailbox)
        known = replace(mailbox, address="old@contoso.example", user_id=user.user_id)
        assert users.user(known) == user

    def test_a_user_is_found_by_an_alias(self, directory: Found) -> None:
        users, mailbox = directory
        assert users.user(replace(mailbox, address=ALIAS)) == users.user(mailbox)

    def test_a_user_that_is_nobody_is_not_found(self, directory: Found) -> None:
        users, mailbox = directory
        with pytest.raises(NotFound):
            users.user(replace(mailbox, address=UNKNOWN))


class TestMailAccess:
    """The contract of mail."""

    def test_the_mail_of_nobody_is_not_found(self, world: World) -> None:
        with pytest.raises(NotFound):
            world.mail.open(replace(world.mailbox, address=UNKNOWN)).folders({})

    def test_folders_are_told_by_their_role_and_by_what_they_hold(self, world: World) -> None:
        folders = box_of(world).folders({})
        roles = {Role.INBOX, Role.SENT, Role.DRAFTS, Role.TRASH, Role.JUNK, Role.ARCHIVE}
        assert roles <= {folder.role for folder in folders}
        states = classify(folders)
        kinds = {state.kind for state in states if state.captured}
        assert kinds == {"inbox", "sentitems", "archive", "folder"}
        others = {folder.holds for folder in folders} - {""}
        assert others
        assert others <= {state.kind for state in states if not state.captured}

    def test_folders_that_were_listed_before_keep_their_roles(self, world: World) -> None:
        folders = box_of(world).folders({})
        known = {folder.folder_id: folder.role for folder in folders}
        assert list(box_of(world).folders(known)) == list(folders)

    def test_a_folder_inside_another_is_listed_under_its_parent(self, world: World) -> None:
        inbox = folder_of(world).folder_id
        below = [folder for folder in box_of(world).folders({}) if folder.parent_id == inbox]
        assert [(folder.role, folder.holds) for folder in below] == [(None, "")]

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
        item = world.deliver(letter, Role.SENT)
        head = walk(world, folder_of(world, Role.SENT)).heads[item]
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
        folder = folder_of(world)
        cursor = walk(world, folder).cursor
        assert walk(world, folder, cursor).heads == {}
        new = world.deliver(Letter("2@fabrikam.example"))
        assert list(walk(world, folder, cursor).heads) == [new]

    def test_what_is_moved_in_later_has_arrived_however_old_it_is(self, world: World) -> None:
        long_ago = NOW - timedelta(days=95)
        world.deliver(Letter("lay@fabrikam.example", received=long_ago))
        folder, since = folder_of(world), NOW - timedelta(days=1)
        cursor = walk(world, folder, since=since, arrivals=True).cursor
        dragged = world.deliver(Letter("dragged@fabrikam.example", received=long_ago))
        found = walk(world, folder, cursor, arrivals=True)
        assert list(found.heads) == [dragged]
        assert walk(world, folder, found.cursor, arrivals=True).heads == {}

    def test_mail_that_nobody_has_read_is_listed_whatever_its_age(self, world: World) -> None:
        if isinstance(world, OnDisk):
            pytest.skip("files have no marks")
        times = [NOW - timedelta(days=days) for days in (95, 40, 9)]
        items = [
            world.deliver(Letter(f"{number}@fabrikam.example", received=received))
            for number, received in enumerate(times)
        ]
        world.touch(items[1])
        window = Window(NOW - timedelta(days=20_000), NOW - timedelta(days=2))
        listed = box_of(world).list(folder_of(world).folder_id, window, unread=True)
        assert [entry.item for entry in listed.items] == [items[0], items[2]]
        assert listed.cursor == ""

    def test_an_item_that_changed_a_little_is_named(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        folder = folder_of(world)
        cursor = walk(world, folder).cursor
        world.touch(item)
        found = walk(world, folder, cursor)
        # Over IMAP a number's mail never changes: nothing would be learnt from its flags.
        changed = [] if isinstance(world, OnDovecot) else [item]
        assert (found.heads, found.partial) == ({}, changed)

    def test_a_moved_mail_shows_in_its_new_folder(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        archive = folder_of(world, Role.ARCHIVE)
        cursor = walk(world, archive).cursor
        moved = world.move(item, Role.ARCHIVE)
        found = walk(world, archive, cursor).heads
        assert list(found) == [moved]
        assert (found[moved].folder_id, found[moved].message_id) == (archive.folder_id, "1@fabrikam.example")

    def test_an_id_holds_in_the_whole_mailbox_or_within_its_folder(self, world: World) -> None:
        """In the first case a move keeps the item; in the second nothing is left under the old one."""
        item = world.deliver(Letter("1@fabrikam.example"))
        assert item.folder in ("", folder_of(world).folder_id)
        moved = world.move(item, Role.ARCHIVE)
        found = box_of(world).heads([item, moved])
        assert isinstance(found[moved], MessageHead)
        if item.folder == "":
            assert moved == item
        else:
            assert isinstance(found[item], NotFound)
            assert moved.folder == folder_of(world, Role.ARCHIVE).folder_id

    def test_a_mail_that_left_the_folder_is_not_mentioned(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        inbox = folder_of(world)
        cursor = walk(world, inbox).cursor
        world.move(item, Role.ARCHIVE)
        found = walk(world, inbox, cursor)
        assert (found.heads, found.partial) == ({}, [])

    def test_a_draft_says_so(self, world: World) -> None:
        item = world.deliver(Letter("1@contoso.example"), Role.DRAFTS)
        assert walk(world, folder_of(world, Role.DRAFTS)).heads[item].is_draft

    def test_a_cursor_that_is_too_old_is_told_apart(self, world: World) -> None:
        inbox = folder_of(world)
        cursor = walk(world, inbox).cursor
        world.expire()
        with pytest.raises(CursorExpired):
            box_of(world).changes(inbox.folder_id, cursor, None)

    def test_a_folder_that_is_gone_is_not_found(self, world: World) -> None:
        with pytest.raises(PermanentError):
            box_of(world).changes("AQMkAGone", "", None)

    def test_a_window_is_listed_oldest_first_with_and_without_headers(self, world: World) -> None:
        ids = [
            world.deliver(Letter(f"{one}@fabrikam.example", received=NOW + timedelta(seconds=one)))
            for one in (4, 0, 2, 9)
        ]
        window, inbox = Window(NOW, NOW + timedelta(seconds=9)), folder_of(world).folder_id
        bare = box_of(world).list(inbox, window).items
        assert [one.item for one in bare] == [ids[1], ids[2], ids[0]]
        assert [one.received_at for one in bare] == [NOW + timedelta(seconds=one) for one in (0, 2, 4)]
        assert all(one.head is None for one in bare)
        shown = box_of(world).list(inbox, window, with_heads=True).items
        assert [one.head for one in shown if one.head] == list(
            box_of(world).heads([one.item for one in bare]).values()
        )
        assert box_of(world).count(inbox, window) == 3

    @pytest.mark.parametrize("with_heads", [False, True])
    def test_a_listed_window_has_each_mail_once(self, world: World, *, with_heads: bool) -> None:
        delivered = [
            world.deliver(Letter(f"{one}@fabrikam.example", received=NOW + timedelta(seconds=one // 70)))
            for one in range(170)
        ]
        rest: Window | None = Window.of(NOW, NOW + timedelta(seconds=5))
        found: list[ItemRef] = []
        while rest is not None:
            page = box_of(world).list(folder_of(world).folder_id, rest, with_heads=with_heads)
            rest = rest.after([one.received_at for one in page.items], page.cursor)
            found += [one.item for one in page.items if is_done(one.received_at, rest)]
        assert sorted(found) == sorted(delivered)

    def test_the_list_of_a_folder_that_is_gone_is_not_found(self, world: World) -> None:
        with pytest.raises(PermanentError):
            box_of(world).list("AQMkAGone", Window.of(NOW, NOW))

    def test_an_item_that_breaks_its_page_is_named(self, world: World) -> None:
        first = world.deliver(Letter("1@fabrikam.example"))
        ids = [world.deliver(Letter(f"x{one}@fabrikam.example")) for one in range(3)]
        inbox, cursor = folder_of(world), ""
        world.poison(ids[1])
        with pytest.raises(PageBroken):
            for _ in range(5):
                cursor = box_of(world).changes(inbox.folder_id, cursor, None).cursor
        window = Window.second(NOW)
        with pytest.raises(PageBroken):
            for _ in range(5):
                page_of = box_of(world).list(inbox.folder_id, window, with_heads=True)
                window = replace(window, cursor=page_of.cursor)
        listed = box_of(world).list(inbox.folder_id, Window.second(NOW))
        assert {one.item for one in listed.items} == {first, *ids}
        assert box_of(world).broken(inbox.folder_id, NOW) == {ids[1]}

    @pytest.mark.parametrize("count", [1, 3, 20])
    def test_headers_come_by_id(self, world: World, count: int) -> None:
        ids = [world.deliver(Letter(f"{one}@fabrikam.example")) for one in range(count)]
        found = box_of(world).heads(ids)
        assert list(found) == ids
        assert [one.message_id for one in found.values() if isinstance(one, MessageHead)] == [
            f"{one}@fabrikam.example" for one in range(count)
        ]

    def test_whole_messages_come_by_id_with_their_bodies(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        message = whole(box_of(world).messages([item])[item])
        assert message.head == box_of(world).heads([item])[item]
        assert "<p>Thursday?</p>" in message.html
        assert message.attachments == ()

    def test_a_message_that_is_gone_keeps_none_of_the_others(self, world: World) -> None:
        ids = [world.deliver(Letter(f"{one}@fabrikam.example")) for one in range(4)]
        world.delete(ids[0])
        world.delete(ids[2])
        found = box_of(world).messages(ids)
        assert [type(found[one]) for one in ids] == [NotFound, FetchedMessage, NotFound, FetchedMessage]

    def test_an_id_of_another_mailbox_finds_nothing(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        other = world.mail.open(replace(world.mailbox, address=OTHER))
        assert isinstance(other.messages([item])[item], PermanentError)

    def test_nothing_asked_is_nothing_found(self, world: World) -> None:
        assert box_of(world).messages([]) == {}

    def test_attachments_are_described_and_read_in_chunks(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example", attachment=PDF))
        message = whole(box_of(world).messages([item])[item])
        assert message.head.has_attachments
        (found,) = message.attachments
        assert (found.id, found.name, found.content_type) == ("0", "plan.pdf", "application/pdf")
        assert (found.kind, found.inline) == ("file", False)
        assert found.size >= len(PDF)
        with box_of(world).attachment(item, found.source_id) as chunks:
            assert b"".join(chunks) == PDF

    def test_an_attachment_that_is_not_there_is_told(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        with (
            pytest.raises(PermanentError),
            box_of(world).attachment(item, "none") as chunks,
        ):
            next(chunks)

    def test_a_message_comes_as_mime_cut_off_where_it_is_too_long(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example", attachment=PDF))
        whole = box_of(world).mime(item, 10_000_000)
        assert b"<1@fabrikam.example>" in whole
        assert len(whole) > len(PDF)
        assert len(box_of(world).mime(item, 1_000)) == 1_000

    def test_the_mime_of_a_message_that_is_not_there_is_told(self, world: World) -> None:
        item = world.deliver(Letter("1@fabrikam.example"))
        world.delete(item)
        with pytest.raises(NotFound):
            box_of(world).mime(item, 1_000)

    def test_a_user_may_sign_in_unless_the_directory_says_otherwise(self, directory: Found) -> None:
        users, mailbox = directory
        assert not users.is_disabled(mailbox)
