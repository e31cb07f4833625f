"""What tells one request from another survives an update that brings new fields."""

from dataclasses import dataclass, replace

from shared.domain.campaigns.plans import CampaignWanted
from shared.domain.mail.addresses import Person
from shared.domain.mail.templates import MailTemplate
from shared.domain.sending.wanted import FileWanted, MailWanted, fingerprint

MAIL = MailWanted(
    to=(Person("Ann", "ann@example.com"),), subject="Viewing", attachments=(FileWanted(upload_id="u"),)
)


@dataclass(frozen=True, slots=True)
class Before:
    to: tuple[Person, ...]
    subject: str


@dataclass(frozen=True, slots=True)
class After:
    to: tuple[Person, ...]
    # A release may bring a field and put it anywhere.
    colour: str = ""
    names: tuple[str, ...] = ()
    subject: str = ""


def test_a_field_that_a_release_brings_changes_nothing_for_who_does_not_fill_it_in() -> None:
    before = Before(MAIL.to, "Viewing")
    assert fingerprint(before) == fingerprint(After(MAIL.to, subject="Viewing"))
    assert fingerprint(before) != fingerprint(After(MAIL.to, colour="blue", subject="Viewing"))


def test_every_change_of_a_request_is_another_one() -> None:
    files = (FileWanted(message_id="u"),)
    changes = (
        replace(MAIL, subject="Viewing "),
        replace(MAIL, subject="", text="Viewing"),
        replace(MAIL, to=(), cc=MAIL.to),
        replace(MAIL, attachments=files),
        replace(MAIL, is_signed=False),
        replace(MAIL, subject="\ud800"),
    )
    assert len({fingerprint(each) for each in (MAIL, *changes)}) == len(changes) + 1
    assert fingerprint(MAIL) == fingerprint(replace(MAIL))


def test_a_campaigns_defaults_are_part_of_it() -> None:
    template = MailTemplate(subject="News", html="", text="Hello")
    campaign = CampaignWanted("June", template)
    assert fingerprint(campaign) == fingerprint(CampaignWanted("June", template, defaults={}))
    assert fingerprint(campaign) != fingerprint(CampaignWanted("June", template, defaults={"name": "you"}))
