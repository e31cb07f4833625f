"""What comes into an intake mailbox's inbox has arrived, whatever its dates and marks say; dates count at the start."""

from datetime import timedelta

from shared.domain.connections.mailboxes import Mailbox
from shared.domain.mail.items import ItemRef
from tests.unit.services.intake.desk import AGENT, SERVICE, DeskOffice, a_mail

OLD = timedelta(days=95)
DAY = timedelta(days=1)


class ConnectedOffice(DeskOffice):
    """An office whose intake mailbox is read by walks alone, from its connection on."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self.world.rewrite(self.desk, connected_at=self.world.now, last_sync_at=None)

    @property
    def desk(self) -> Mailbox:
        return self._mailboxes[SERVICE]

    def lay(
        self,
        subject: str,
        *,
        age: timedelta = timedelta(0),
        sent: timedelta | None = None,
        is_read: bool = False,
        folder: str = "inbox",
    ) -> ItemRef:
        """A mail as it lies in the mailbox, or comes to lie there; nobody is notified."""
        name = subject.replace(" ", "-")
        return self.world.deliver(
            SERVICE,
            folder,
            sender=f"{name.lower()}@x.example",
            to=(SERVICE,),
            subject=subject,
            message_id=f"{name}@x.example",
            received_at=self.world.now - age,
            sent_at=self.world.now - (age if sent is None else sent),
            is_read=is_read,
        )

    def poll(self) -> None:
        self.world.now += timedelta(minutes=1)
        self.world.walk(self.desk)
        self.world.work()

    def names(self) -> list[str]:
        return sorted(case.name for case in self.cases())


class TestAColleagueDragsAnOldMailIn:
    def test_it_is_a_case_once_though_it_is_read_and_old(self) -> None:
        office = ConnectedOffice()
        office.poll()
        item = office.lay("Boiler", age=OLD, is_read=True)
        office.poll()
        assert office.names() == ["Boiler"]
        assert office.case.opened_at is not None
        assert office.case.opened_at > office.desk.connected_at  # type: ignore[operator]
        for folder in ("archive-folder", "inbox-folder"):
            office.world.mail.touch(SERVICE, item)
            office.world.mail.move(SERVICE, item, folder)
            office.poll()
        assert len(office.timeline(str(office.case.ref))) == len(office.cases()) == 1

    def test_a_notification_finds_it_as_well(self) -> None:
        office = ConnectedOffice()
        office.poll()
        office.world.notify(office.lay("Boiler", age=OLD, is_read=True), mailbox=office.desk)
        office.world.work()
        assert office.names() == ["Boiler"]

    def test_it_is_written_by_its_client(self) -> None:
        office = ConnectedOffice()
        office.poll()
        office.lay("Boiler", age=OLD)
        office.poll()
        [entry] = office.timeline(str(office.case.ref))
        assert entry.sender.address == "boiler@x.example"

    def test_neither_in_another_folder_nor_in_a_personal_mailbox(self) -> None:
        office = ConnectedOffice()
        office.poll()
        office.lay("Boiler", age=OLD, folder="archive")
        office.poll()
        item = office.receive(a_mail("kim@x.example", AGENT, "Roof"), AGENT, at=office.world.now - OLD)
        assert office.outcome(item, AGENT) == ("skipped", "before_window")
        assert office.cases() == []


class TestWhatLayThereBefore:
    def test_opens_nothing_however_often_it_is_touched(self) -> None:
        office = ConnectedOffice(backlog="none")
        item = office.lay("Boiler", age=OLD)
        office.poll()
        for folder in ("archive-folder", "inbox-folder"):
            office.world.mail.touch(SERVICE, item)
            office.world.mail.move(SERVICE, item, folder)
            office.poll()
        assert (office.cases(), office.waiting()) == ([], [])
        assert office.world.outcome(item, office.desk) == ("skipped", "before_window")

    def test_is_taken_unread_whatever_its_age_and_not_answered(self) -> None:
        office = ConnectedOffice(backlog="unread")
        for number in range(60):
            office.lay(f"Unread {number:02}", age=OLD + number * DAY)
        office.lay("Read", age=OLD, is_read=True)
        office.lay("Yesterday", age=timedelta(hours=2), is_read=True)
        office.poll()
        assert office.names() == [*(f"Unread {number:02}" for number in range(60)), "Yesterday"]
        stored = office.world.storage.messages.rows.values()
        held = [row.message.unanswered for row in stored if row.message is not None]
        assert sorted(held) == ["", *["backlog"] * 60]
        office.poll()
        assert len(office.cases()) == 61

    def test_is_left_alone_without_a_backlog_even_from_the_hour_before(self) -> None:
        office = ConnectedOffice(backlog="none")
        office.lay("Before", age=timedelta(hours=1))
        office.lay("After", age=-timedelta(seconds=1))
        office.poll()
        assert office.names() == ["After"]

    def test_an_archive_that_came_with_its_provider_waits_as_a_whole(self) -> None:
        office = ConnectedOffice(backlog="unread")
        for number in range(3):
            office.lay(f"Archive {number}", age=timedelta(hours=3), sent=OLD)
        office.lay("Today", age=timedelta(hours=3))
        office.poll()
        assert (office.names(), office.waiting()) == (["Today"], ["old_mail"] * 3)


def test_an_archive_is_one_line_of_my_inbox_and_unanswered_until_an_agent_says_so() -> None:
    office = ConnectedOffice(backlog="unread")
    for number in range(30):
        office.lay(f"Archive {number:02}", age=timedelta(hours=3), sent=OLD)
    office.poll()
    [line] = office.lines(AGENT)
    assert (line.item.reason, line.alike) == ("old_mail", 30)
    assert len(office.lines(AGENT, reason="old_mail")) == 30
    office.open_by_hand(line.item.message_key)
    [line] = office.lines(AGENT)
    assert (line.alike, len(office.cases())) == (29, 1)
    assert office.world.storage.sender.outbound == []


def test_a_mailbox_that_was_personal_notes_what_lies_there_and_takes_what_comes() -> None:
    office = ConnectedOffice()
    office.world.rewrite(office.desk, kind="personal", capture="everything")
    office.lay("Lay there", age=OLD)
    office.poll()
    office.world.rewrite(office.desk, kind="intake")
    office.poll()
    office.lay("Dragged", age=OLD)
    office.poll()
    office.world.mail.expire(SERVICE)
    office.poll()
    assert (office.names(), office.waiting()) == (["Dragged"], [])


class TestAfterALostPosition:
    def parked(self) -> ConnectedOffice:
        """Connected thirty days ago, and not read in the last ten."""
        office = ConnectedOffice()
        office.lay("Long ago", age=OLD)
        office.world.now += 30 * DAY
        office.poll()
        office.world.now += 10 * DAY
        return office

    def test_after_days_of_parking_all_since_is_read(self) -> None:
        office = self.parked()
        office.lay("Nine days ago", age=9 * DAY)
        office.lay("Today")
        office.poll()
        assert office.names() == ["Nine days ago", "Today"]

    def test_all_since_is_read_though_the_position_is_lost_as_well(self) -> None:
        office = self.parked()
        office.lay("Nine days ago", age=9 * DAY)
        office.lay("Today")
        office.world.mail.expire(SERVICE)
        office.poll()
        assert (office.names(), office.waiting()) == (["Nine days ago", "Today"], [])

    def test_what_was_dragged_in_meanwhile_waits_and_what_lay_there_does_not(self) -> None:
        office = self.parked()
        office.lay("Dragged", age=OLD)
        office.lay("Archive", age=DAY, sent=OLD)
        office.world.mail.expire(SERVICE)
        office.poll()
        assert (office.cases(), office.waiting()) == ([], ["old_mail"] * 2)
        office.lay("Later", age=OLD)
        office.poll()
        assert office.names() == ["Later"]

    def test_what_retention_has_made_the_ledger_forget_does_not_wait(self) -> None:
        office = self.parked()
        office.world.configure(retention_days=60)
        office.world.storage.sightings.rows.clear()
        office.lay("Dragged", age=50 * DAY)
        office.world.mail.expire(SERVICE)
        office.poll()
        assert [item.subject for item in office.desk_items()] == ["Dragged"]


def test_a_poll_without_mail_writes_nothing_but_how_far_it_has_read() -> None:
    office = ConnectedOffice(backlog="unread", mark_read=True)
    office.lay("Boiler")
    office.lay("Waits", is_read=True, age=OLD)
    office.poll()
    office.world.storage.faults.clear()
    office.poll()
    written = office.world.storage.faults.writes
    assert sorted(written) == ["FolderStates.put"] * 3 + ["Mailboxes.change"]
    assert office.world.storage.queue.sent == office.world.worklist(office.desk) == []
