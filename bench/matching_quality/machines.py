"""Stories of machines: lists, absences, bounces, mail gateways that doubt the sender, folders that do not count."""

from dataclasses import replace
from datetime import timedelta

from bench.matching_quality.correspondence import agent, company, known, opening, reply
from bench.matching_quality.mail import Mail, Threading
from bench.matching_quality.story import START, Story, truth_of
from bench.matching_quality.truth import DROPPED, NOWHERE, Outcome, Truth, filed, undecidable
from bench.matching_quality.words import ABSENCES
from bench.matching_quality.world import OWN, Person

_AUTOMATIC = (("Auto-Submitted", "auto-replied"), ("X-Auto-Response-Suppress", "All"))


def lists(story: Story) -> None:
    """A mailing list writes itself into From: who wrote stands in Reply-To, X-Original-From or Cc."""
    them, us = known(story), agent(story)
    own = company(story)
    host = story.chance.choice(
        ("googlegroups.com", "lists.civics.example", "groups.io", f"lists.{own.domain}")
    )
    address = f"{story.settling.names.word().lower()}@{host}"
    marks = (("List-Id", f"<{address.replace('@', '.')}>"), ("Precedence", "list"))
    shown = Person(f"{them.name} via List", address)
    mail = replace(opening(story, "lists", them, Person("List", address)), shown_as=shown, bcc=(us,))
    # A client that keeps the list may have the mail as well: it went to an address of that client.
    mail = replace(
        mail, truth=Truth(Outcome.FILED, them.records, own.records if own.domain in host else NOWHERE)
    )
    how = story.chance.randrange(3)
    if how == 0:
        story.post(replace(mail, headers=marks, reply_to=(them,)))
    elif how == 1:
        origin = ("X-Original-From", f"{them.name.encode('ascii', 'ignore').decode()} <{them.address}>")
        story.post(replace(mail, headers=(*marks, origin)))
    else:
        story.post(replace(mail, headers=marks, cc=(them,)))
    stranger = story.settling.stranger()
    if own.domain not in host:
        by_stranger = replace(
            mail, sender=stranger, reply_to=(stranger,), shown_as=Person("A via List", address)
        )
        story.post(replace(by_stranger, at=story.later(mail), headers=marks, truth=DROPPED))


def lists_and_direct(story: Story) -> None:
    """To a list and to one of us: another of us has it from the list, under its From. It is one mail all the same."""
    them, us, other = known(story), *(one.person for one in story.chance.sample(story.world.of("plain"), 2))
    address = f"{story.settling.names.word().lower()}@lists.civics.example"
    mail = opening(story, "lists_and_direct", them, Person("List", address))
    story.post(replace(mail, cc=(us,), bcc=(other,), listed=True))


def out_of_office(story: Story) -> None:
    """An absence answers: filed like its person's mail. One of somebody unknown goes by the ids."""
    us, them = agent(story), known(story)
    mail = story.post(replace(opening(story, "out_of_office", us, them), cc=(story.settling.stranger(),)))
    subject = story.chance.choice(ABSENCES) + mail.subject
    for writer in (them, mail.cc[0]):
        story.post(replace(reply(story, mail, writer, us), subject=subject, headers=_AUTOMATIC))
    story.post(replace(opening(story, "out_of_office", them, us), subject=subject, headers=_AUTOMATIC))


def bounces(story: Story) -> None:
    """A report names the mail that did not arrive: it belongs where that mail stands."""
    us, them = agent(story), known(story)
    mail = story.post(opening(story, "bounces", us, them))
    daemon = Person("Mail Delivery System", f"mailer-daemon@{story.settling.names.word().lower()}.example")
    if story.chance.randrange(3) == 0:  # the organisation's own server: nobody from outside is named
        daemon = Person(
            "Microsoft Outlook", f"MicrosoftExchange{story.chance.getrandbits(64):x}@{OWN}".lower()
        )
    report = replace(reply(story, mail, daemon, us), subject="Undeliverable: " + mail.subject, lost=them)
    report = replace(report, headers=(("Auto-Submitted", "auto-replied"),), truth=truth_of(mail))
    if daemon.address.endswith(OWN) or story.chance.randrange(2):
        story.post(report)
    else:  # what some servers say instead of the ids
        failed = ("X-Failed-Recipients", them.address)
        story.post(replace(report, headers=(*report.headers, failed), threading=Threading.NONE))


def doubtful(story: Story) -> None:
    """The sender's domain says that the mail is not its own: never on the client, an agent must look."""
    client, us = company(story), agent(story)
    them = story.chance.choice((*client.people, client.free, story.settling.colleague_of(client)))
    domain = them.address.rpartition("@")[2]
    verdict = f"spf=fail smtp.mailfrom={domain}; dkim=none; dmarc=fail action=none header.from={domain}"
    sound = verdict.replace("fail", "pass")
    # The receiving server writes on top; what stands below came with the mail.
    marks = (("Authentication-Results", verdict), ("Authentication-Results", sound))
    story.post(replace(opening(story, "doubtful", them, us), headers=marks, truth=undecidable()))
    mail = replace(opening(story, "doubtful", them, us), headers=(("Authentication-Results", sound),))
    mail = story.post(mail)
    # With the id of a mail that was filed: whoever writes this may have got hold of it.
    story.post(replace(reply(story, mail, them, us), headers=marks, truth=undecidable()))


def feigned_colleagues(story: Story) -> None:
    """Mail from outside under a colleague's name, to a colleague: with a client in copy, or with a code of ours.

    The last one only claims that a list has passed a colleague's mail on.
    """
    client, us = company(story), agent(story)
    verdict = f"spf=fail smtp.mailfrom={OWN}; dkim=none; dmarc=fail action=none header.from={OWN}"
    mail = opening(story, "feigned_colleagues", agent(story), us)
    mail = replace(mail, headers=(("Authentication-Results", verdict),), feigned=True, truth=undecidable())
    if story.chance.randrange(2):
        story.post(replace(mail, cc=(client.people[0],)))
    coded = replace(mail, subject=f"{mail.subject} {story.issue(client.records)}", at=story.later(mail))
    story.post(coded)
    thief = story.settling.stranger()
    original = (("X-Original-From", f"{mail.sender.address}"), ("List-Id", "<any.list.example>"))
    story.post(replace(coded, sender=thief, shown_as=Person("A via List", thief.address), headers=original))


def other_folders(story: Story) -> None:
    """A contact's mail in junk or deleted items, and from before the mailbox was connected."""
    them, us = known(story), agent(story)
    folder = story.chance.choice(("junkemail", "deleteditems"))
    story.post(replace(opening(story, "other_folders", them, us), folder=folder, truth=DROPPED))
    long_ago = START - timedelta(days=story.chance.randrange(3, 300))
    story.post(replace(opening(story, "other_folders", them, us), at=long_ago, truth=DROPPED))


def strangers(story: Story) -> None:
    """Nobody knows them: not kept, and in My Inbox where the mailbox keeps everything."""
    them, us = story.settling.stranger(), agent(story)
    mail = story.post(opening(story, "strangers", them, us))
    story.post(reply(story, mail, us, them))
    host = story.chance.choice(("contoso.onmicrosoft.com", "someone.github.io", "googlegroups.com"))
    story.post(opening(story, "strangers", story.settling.stranger(host), us))
    everything = agent(story, "everything")
    story.post(replace(opening(story, "strangers", them, everything), truth=undecidable()))


def look_alikes(story: Story) -> None:
    """A name that reads like a client's address, and an address that looks like it."""
    them, us = known(story), agent(story)
    named = Person(them.address, story.settling.stranger().address)
    local, _, domain = them.address.partition("@")
    near = Person(them.name, f"{local}@{domain}.{story.settling.names.word().lower()}.example")
    for writer in (named, near):
        mail = Mail("look_alikes", story.moment(), writer, (us,), story.topic())
        story.post(mail)


def newsletters(story: Story) -> None:
    """Bulk mail of a stranger is not kept; a client's own is the client's."""
    us, client = agent(story), company(story)
    marks = (("List-Unsubscribe", "<https://example.com/leave>"), ("Precedence", "bulk"))
    for sender in (story.settling.stranger(), story.settling.person(client.domain, client.ref)):
        truth = filed(sender.records) if sender.records else DROPPED
        story.post(replace(opening(story, "newsletters", sender, us), headers=marks, truth=truth))
