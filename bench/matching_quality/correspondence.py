"""Stories of people who write to each other: threads, copies, edited subjects, odd headers, several addresses."""

from dataclasses import replace

from bench.matching_quality.mail import Mail, Threading
from bench.matching_quality.story import Story
from bench.matching_quality.truth import DROPPED, Refs, filed, undecidable
from bench.matching_quality.world import OWN, SISTER, Company, Person

_ODD = (
    Threading.BARE,
    Threading.COMMAS,
    Threading.MANY,
    Threading.SEVERAL,
    Threading.REPLY_ONLY,
    Threading.REFERENCES_ONLY,
)


def who(*people: Person) -> Refs:
    """Where mail with them belongs."""
    return frozenset().union(*(one.records for one in people))


def agent(story: Story, role: str = "plain") -> Person:
    return story.chance.choice(story.world.of(role)).person


def company(story: Story) -> Company:
    return story.chance.choice(story.world.plain)


def known(story: Story) -> Person:
    """Somebody with a card, or at the domain of a client."""
    client = company(story)
    someone = story.chance.choice((*client.people, client.free, client.loose, client.second, None))
    return someone or story.settling.colleague_of(client)


def opening(story: Story, kind: str, sender: Person, to: Person) -> Mail:
    """A mail that answers nothing, not yet posted."""
    return Mail(kind, story.moment(), sender, (to,), story.topic())


def reply(story: Story, mail: Mail, sender: Person, *to: Person) -> Mail:
    """An answer with the subject as some mail program writes it, not yet posted."""
    return Mail(mail.kind, story.later(mail), sender, to, story.answering(mail), answers=mail)


def thread(story: Story) -> None:
    """A client and an agent write to and fro; colleagues get copies, one leaves, another client's man comes in."""
    us, them, others = agent(story), known(story), agent(story)
    mail = opening(story, "thread", *story.chance.choice(((us, them), (them, us))))
    mail = story.post(replace(mail, cc=story.chance.choice(((), (others,), (known(story),)))))
    for _ in range(story.chance.randrange(1, 7)):
        writer, reader = (them, us) if mail.sender == us else (us, them)
        answer = reply(story, mail, writer, reader)
        mail = story.post(replace(answer, cc=story.chance.choice((mail.cc, mail.cc, (), (others,)))))


def copies(story: Story) -> None:
    """One mail to many of us: by their own addresses, an alias, a distribution list."""
    lists = [Person("", one) for one in story.world.lists]
    plain = story.world.of("plain")
    aliases = [Person("", one) for member in plain for one in member.others]
    to = tuple(story.chance.sample([*lists, *aliases, *(one.person for one in plain)], 3))
    mail = story.post(replace(opening(story, "copies", known(story), to[0]), to=to))
    story.post(reply(story, mail, story.chance.choice(plain).person, mail.sender))


def edited_subject(story: Story) -> None:
    """Somebody unknown is brought in and answers under another subject: the ids alone tell."""
    us, them = agent(story), known(story)
    mail = story.post(opening(story, "edited_subject", us, them))
    newcomer = story.settling.stranger()
    answer = reply(story, mail, newcomer, us)
    mail = story.post(replace(answer, subject=story.topic(), threading=story.chance.choice(list(_ODD))))
    story.post(replace(reply(story, mail, us, newcomer), threading=Threading.USUAL))


def odd_references(story: Story) -> None:
    """Ids without brackets, with commas, among many, in one header only; the writer is not known.

    The last one answers a mail that came to nobody here, which answers one that did.
    """
    us = agent(story)
    mail = story.post(opening(story, "odd_references", known(story), us))
    for threading in story.chance.sample(_ODD, 2):
        answer = reply(story, mail, story.settling.stranger(), us)
        story.post(replace(answer, threading=threading))
    unseen = replace(reply(story, mail, mail.sender, story.settling.stranger()), truth=DROPPED)
    unseen = replace(unseen, message_id=f"{mail.number}.unseen@elsewhere.example")
    story.post(reply(story, unseen, unseen.to[0], us))


def equal_subjects(story: Story) -> None:
    """One subject, three threads: of two clients, and of somebody whom nobody knows."""
    us, subject = agent(story), story.topic()
    for writer in (known(story), known(story), story.settling.stranger()):
        mail = story.post(replace(opening(story, "equal_subjects", writer, us), subject=subject))
        story.post(reply(story, mail, us, writer))


def forwards(story: Story) -> None:
    """A forward is no answer, though its headers name the mail that it passes on."""
    us, them = agent(story), known(story)
    mail = story.post(opening(story, "forwards", them, us))
    for writer in (known(story), story.settling.stranger()):
        onward = Mail("forwards", story.later(mail), writer, (us,), story.forwarding(mail), answers=mail)
        story.post(replace(onward, truth=filed(writer.records) if writer.records else DROPPED))


def several_clients(story: Story) -> None:
    """People of two clients on one mail: it belongs to both."""
    writer, other = known(story), known(story)
    story.post(replace(opening(story, "several_clients", writer, agent(story)), cc=(other,)))


def free_mail(story: Story) -> None:
    """A contact at a free mail domain, and somebody else there, whom that does not make known."""
    client, us = company(story), agent(story)
    story.post(opening(story, "free_mail", client.free, us))
    other = story.settling.stranger(client.free.address.rpartition("@")[2])
    story.post(opening(story, "free_mail", other, us))
    story.post(opening(story, "free_mail", story.chance.choice(story.world.solos), us))


def sub_domains(story: Story) -> None:
    """Below a client's domain is the client; beside it is not. A domain may be written in other letters."""
    foreign = story.chance.choice(story.world.foreign)
    for writer in (foreign.people[0], story.settling.colleague_of(foreign)):
        story.post(opening(story, "sub_domains", writer, agent(story)))
    client, branch, us = company(story), story.chance.choice(story.world.branches), agent(story)
    below = story.settling.person(f"mail.{client.domain}", client.ref)
    beside = story.settling.stranger(f"hr.{branch.domain.partition('.')[2]}")
    for writer in (below, story.settling.colleague_of(branch), beside):
        story.post(opening(story, "sub_domains", writer, us))


def blind_copies(story: Story) -> None:
    """Bcc shows in the sender's own copy only; who was copied blindly finds the mail in the own mailbox."""
    us, them, hidden = agent(story), known(story), known(story)
    story.post(replace(opening(story, "blind_copies", us, them), bcc=(hidden,)))
    mail = opening(story, "blind_copies", them, story.settling.stranger())
    story.post(replace(mail, bcc=(us,)))
    story.post(replace(opening(story, "blind_copies", them, us), to=(), bcc=(us,)))


def reply_to(story: Story) -> None:
    """A form on a web site writes for a client; a client wants answers elsewhere."""
    us, them = agent(story), known(story)
    portal, elsewhere = story.settling.stranger(), story.settling.stranger()
    story.post(replace(opening(story, "reply_to", portal, us), reply_to=(them,)))
    story.post(replace(opening(story, "reply_to", them, us), reply_to=(elsewhere,)))


def conversation_index(story: Story) -> None:
    """Outlook answers without ids: the conversation tells, but only where somebody known to it takes part."""
    deal = story.chance.choice(story.world.opportunities)
    us, everything = agent(story, "subject"), agent(story, "everything")
    seed = f"{story.chance.random()}"
    mail = Mail("conversation_index", story.moment(), us, deal.contacts[:1], deal.summary)
    beside = story.settling.stranger()
    mail = story.post(replace(mail, conversation=seed, cc=(everything, beside), about=deal.records))
    answer = replace(reply(story, mail, deal.contacts[0], everything), at=story.long_after(mail))
    answer = replace(answer, conversation=seed, threading=Threading.INDEX)
    for writer in (answer.sender, beside):
        story.post(replace(answer, sender=writer, subject=story.topic()))
    passer_by = replace(answer, sender=story.settling.stranger(), subject=story.topic())
    story.post(replace(passer_by, truth=undecidable()))


def closed_records(story: Story) -> None:
    """Closed and excluded cards are passed over by address; their threads go on."""
    us, nobody = agent(story), story.chance.choice(story.world.closed)
    card = frozenset({f"contact/{nobody.contact}"})
    story.post(replace(opening(story, "closed_records", nobody, us), truth=undecidable()))
    mail = replace(
        opening(story, "closed_records", us, nobody), subject=f"{story.topic()} {story.issue(card)}"
    )
    mail = story.post(replace(mail, about=card))
    story.post(reply(story, mail, nobody, us))


def closed_clients(story: Story) -> None:
    """A closed client's contact is open: its mail is its own. Of the domain nothing is left but a question."""
    client, us = story.chance.choice(story.world.gone), agent(story)
    story.post(opening(story, "closed_clients", story.chance.choice((*client.people, client.free)), us))
    someone = story.settling.person(client.domain)
    story.post(replace(opening(story, "closed_clients", someone, us), truth=undecidable()))


def closing(story: Story) -> None:
    """A contact's card is closed while a thread goes on: answers still stand on it, a new mail does not."""
    us, settling = agent(story), story.settling
    them = settling.solo()
    mail = story.post(opening(story, "closing", them, us))
    first = story.post(reply(story, mail, us, them))
    story.closings.append((story.long_after(first), f"contact/{them.contact}"))
    at = story.closings[-1][0]
    last = reply(story, first, them, us)
    last = replace(last, at=story.long_after(replace(last, at=at)))
    story.post(last)
    fresh = replace(opening(story, "closing", them, us), at=story.long_after(last), truth=undecidable())
    story.post(fresh)


def reused_ids(story: Story) -> None:
    """A scanner gives every mail the same Message-ID; each belongs to its own people all the same."""
    us, one, other = agent(story), known(story), known(story)
    first = story.post(replace(opening(story, "reused_ids", one, us), subject="Scan 1"))
    second = replace(
        opening(story, "reused_ids", other, us), subject="Contract as agreed", message_id=first.message_id
    )
    second = story.post(second)
    story.post(
        replace(reply(story, second, us, other), at=max(story.long_after(first), story.long_after(second)))
    )


def no_message_id(story: Story) -> None:
    """A mail without Message-ID, in two mailboxes."""
    mail = opening(story, "no_message_id", known(story), agent(story))
    story.post(replace(mail, message_id="", cc=(agent(story),)))


def private(story: Story) -> None:
    """Private mail is kept as an answer only."""
    us, them = agent(story), known(story)
    marked = (("Sensitivity", story.chance.choice(("Private", "Company-Confidential"))),)
    story.post(replace(opening(story, "private", them, us), headers=marked, truth=DROPPED))
    mail = story.post(opening(story, "private", us, them))
    story.post(replace(reply(story, mail, them, us), headers=marked))


def own_aliases(story: Story) -> None:
    """Colleagues among themselves, by whatever address, are nobody's business."""
    plain = story.world.of("plain")
    names = [Person("", one) for member in plain for one in member.addresses]
    sender = story.chance.choice(plain).person
    to = story.chance.sample([*names, *(Person("", one) for one in story.world.lists)], 2)
    mail = Mail("own_aliases", story.moment(), sender, tuple(to), story.topic(), truth=DROPPED)
    mail = story.post(mail)
    story.post(replace(reply(story, mail, plain[-1].person, sender), truth=DROPPED))
    story.post(
        replace(
            mail,
            at=story.later(mail),
            sender=Person("", f"printer@{story.chance.choice((OWN, SISTER))}"),
            message_id=None,
        )
    )
