"""Stories about opportunities and projects: by subject, by domain, by code, by what an agent has taught."""

from dataclasses import replace

from bench.matching_quality.correspondence import agent, company, known, opening, reply, who
from bench.matching_quality.mail import Mail, Threading
from bench.matching_quality.story import Story
from bench.matching_quality.truth import DROPPED, Outcome, Refs, Truth, undecidable

_SPELLINGS = (
    str,
    str.lower,
    str.upper,
    lambda text: text.replace(" ", "  "),
    lambda text: text.replace(" ", "\u00a0"),
    lambda text: f" {text} ",
)
_DASHES = ("-", "\u2010", "\u2011", "\u2013", "\u2212")


def by_subject(story: Story) -> None:
    """A contact of an opportunity writes under its name: the opportunity, though each mail is a new thread."""
    deal = story.chance.choice(story.world.opportunities)
    us, them = agent(story, "subject"), story.chance.choice(deal.contacts)
    spelled = story.chance.choice(_SPELLINGS)(deal.summary)
    mail = Mail("by_subject", story.moment(), them, (us,), spelled, about=deal.records)
    mail = story.post(replace(mail, cc=story.chance.choice(((), (agent(story),)))))
    answer = replace(reply(story, mail, us, them), threading=Threading.NONE, about=deal.records)
    story.post(answer)
    story.post(reply(story, mail, them, agent(story)))


def other_subject(story: Story) -> None:
    """The same people under another subject, and another client's people under this one: not the opportunity."""
    deal = story.chance.choice(story.world.opportunities)
    us, them = agent(story, "subject"), story.chance.choice(deal.contacts)
    story.post(opening(story, "other_subject", them, us))
    colleague = replace(opening(story, "other_subject", deal.company.free, us), subject=deal.summary)
    # Of the same client, but not on the opportunity: nobody would call either answer wrong.
    story.post(replace(colleague, truth=Truth(Outcome.FILED, colleague.sender.records, deal.records)))
    outsider = story.chance.choice([one for one in story.world.solos if one not in deal.contacts])
    story.post(replace(opening(story, "other_subject", outsider, us), subject=deal.summary))
    stranger = story.settling.stranger()
    story.post(replace(opening(story, "other_subject", stranger, us), subject=deal.summary))


def twin_deals(story: Story) -> None:
    """Two open opportunities of one name and the same people: the name does not tell which."""
    deal = story.chance.choice(story.world.twins)
    them, us = story.chance.choice(deal.contacts), agent(story, "subject")
    mail = replace(opening(story, "twin_deals", them, us), subject=deal.summary)
    story.post(replace(mail, truth=undecidable(them.records)))


def closed_deal(story: Story) -> None:
    """Under the name of a closed opportunity: its people only. With its code: the opportunity too."""
    deal = story.chance.choice(story.world.shut)
    us, them = agent(story, "subject"), story.chance.choice(deal.contacts)
    story.post(replace(opening(story, "closed_deal", them, us), subject=deal.summary))
    coded = f"{story.topic()} {story.issue(deal.records)}"
    story.post(replace(opening(story, "closed_deal", them, us), subject=coded, about=deal.records))


def by_domain(story: Story) -> None:
    """Somebody at the domain of a contact of the only open project; somebody who is on it.

    A free mail domain is no contact's domain: the contact there is filed as such, the neighbour is nobody.
    """
    deal = story.chance.choice(story.world.projects)
    us = agent(story, "domain")
    for writer in (story.settling.colleague_of(deal.company), story.chance.choice(deal.company.people)):
        mail = replace(opening(story, "by_domain", writer, us), about=deal.records)
        mail = story.post(replace(mail, cc=story.chance.choice(((), (agent(story),)))))
        story.post(reply(story, mail, us, writer))
    free = deal.company.free
    story.post(opening(story, "by_domain", free, us))
    story.post(opening(story, "by_domain", story.settling.stranger(free.address.rpartition("@")[2]), us))


def several_projects(story: Story) -> None:
    """Several open projects at one domain: only an agent can tell which."""
    client = story.chance.choice(story.world.several)
    writer = story.chance.choice((story.settling.colleague_of(client), client.people[0]))
    mail = opening(story, "several_projects", writer, agent(story, "domain"))
    story.post(replace(mail, truth=undecidable(writer.records)))


def no_project(story: Story) -> None:
    """A client without project, by domain and at a free mail address: the client and its contact."""
    client, us = company(story), agent(story, "domain")
    for writer in (story.settling.colleague_of(client), client.free, client.people[0]):
        story.post(opening(story, "no_project", writer, us))
    story.post(
        opening(story, "no_project", story.settling.stranger(client.free.address.rpartition("@")[2]), us)
    )


def coded(story: Story) -> None:
    """An answer that has lost its headers, not its code: in the subject, mangled or not, or in the body."""
    deal = story.chance.choice(story.world.opportunities)
    client, us = deal.company, agent(story)
    them = story.chance.choice((*deal.contacts, story.settling.colleague_of(client)))
    code = story.issue(deal.records, *(one.records for one in deal.contacts))
    about = who(*deal.contacts) | deal.records
    sent = Mail("coded", story.moment(), us, deal.contacts, f"{story.topic()} {code}", about=about)
    sent = story.post(sent)
    answer = replace(reply(story, sent, them, us), threading=Threading.NONE, about=about)
    where = story.chance.randrange(3)
    if where == 0:
        story.post(replace(answer, subject=story.answering(sent)))
    elif where == 1:
        story.post(replace(answer, subject=f"{story.topic()} {mangled(story, code)}"))
    else:
        body = f"Agreed.\r\n\r\n-----Original Message-----\r\nSubject: {sent.subject}\r\n"
        story.post(replace(answer, subject=story.topic(), body=body))
    among_us = Mail("coded", story.later(sent), us, (agent(story, "everything"),), story.forwarding(sent))
    story.post(replace(among_us, about=about))


def two_codes(story: Story) -> None:
    """Two codes in one subject: both, for somebody known to both."""
    client, us = story.chance.choice(story.world.opportunities).company, agent(story)
    first, second = (story.settling.deal("opportunity", client, client.people) for _ in range(2))
    subject = f"{story.topic()} {story.issue(first.records)} {story.issue(second.records)}"
    mail = replace(opening(story, "two_codes", client.people[0], us), subject=subject)
    story.post(replace(mail, about=first.records | second.records))


def mangled(story: Story, code: str) -> str:
    """A code as it comes back: other case, blanks, line wraps, other dashes, other brackets."""
    dash = story.chance.choice(_DASHES)
    text = code.replace("-", story.chance.choice((dash, f" {dash} ", f"{dash} ")))
    text = story.chance.choice((text, text.lower(), text.replace("[", "[ ").replace("]", " ]")))
    return story.chance.choice((text, text.replace("[", "(").replace("]", ")")))


def claimed_codes(story: Story) -> None:
    """A stranger, or another client, quotes a code of ours: never on the code's records, an agent must look."""
    client = company(story)
    code = story.issue(client.records, client.people[0].records)
    thief, us = story.settling.stranger(), agent(story, story.chance.choice(("plain", "everything")))
    mail = replace(opening(story, "claimed_codes", thief, us), subject=f"Re: {story.topic()} {code}")
    story.post(replace(mail, truth=undecidable()))
    other = known(story)
    if not other.records & client.records:
        mail = replace(mail, sender=other, at=story.moment(), subject=f"Fwd: {story.topic()} {code}")
        story.post(replace(mail, truth=undecidable(other.records)))


def forged_codes(story: Story) -> None:
    """Codes that were never issued, and another organisation's: they mean nothing, whoever writes them."""
    client = company(story)
    number = story.chance.getrandbits(30)
    written = (story.codes.others(number), f"[PL-{number % 10**6:06}-ZZZZ]")
    for writer in (story.settling.stranger(), story.chance.choice(client.people)):
        subject = f"Re: {story.topic()} {story.chance.choice(written)}"
        story.post(replace(opening(story, "forged_codes", writer, agent(story)), subject=subject))


def taught(story: Story) -> None:
    """An agent has said where an unknown address belongs."""
    person, refs = story.chance.choice(story.world.taught)
    story.post(replace(opening(story, "taught", person, agent(story)), about=refs))


def matching_off(story: Story) -> None:
    """A mailbox that matches no people: incoming mail waits, answers and what it sends are filed, as is a copy."""
    us, them = agent(story, "off"), known(story)
    story.post(replace(opening(story, "matching_off", them, us), truth=undecidable()))
    story.post(replace(opening(story, "matching_off", them, us), cc=(agent(story),)))
    mail = story.post(opening(story, "matching_off", agent(story), them))
    story.post(reply(story, mail, them, us))
    story.post(opening(story, "matching_off", us, them))


def opened(story: Story) -> None:
    """A mailbox that opens an opportunity for what is new, a client's mail too; answers belong on that record.

    Nothing is opened for what belongs to an opportunity, or for bulk mail. An answer that is seen before the
    mail it answers would open one of its own, so these come well after.
    """
    us, them = agent(story, "opener"), story.settling.stranger()
    mail = opening(story, "opened", them, us)
    mail = story.post(replace(mail, subject=story.settling.names.deal(), about=next_new(story)))
    answer = story.post(reply(story, mail, us, them))
    story.post(replace(reply(story, answer, them, us), at=story.long_after(answer)))
    mail = opening(story, "opened", known(story), us)
    story.post(replace(mail, subject=story.settling.names.deal(), about=next_new(story)))
    deal = story.chance.choice(story.world.opportunities)
    mail = Mail("opened", story.moment(), deal.contacts[0], (us,), deal.summary, about=deal.records)
    story.post(mail)
    bulk = replace(opening(story, "opened", story.settling.stranger(), us), headers=(("Precedence", "bulk"),))
    story.post(replace(bulk, truth=undecidable()))


def next_new(story: Story) -> Refs:
    """The record that the next mail opens."""
    return frozenset({f"new:{len(story.mails) + 1}"})


def intake(story: Story) -> None:
    """A designated mailbox: a stranger's mail becomes a case, and so does a contact's beside the contact."""
    us, them = agent(story, "intake"), story.settling.stranger()
    mail = opening(story, "intake", them, us)
    mail = story.post(replace(mail, about=next_new(story)))
    story.post(replace(reply(story, mail, them, us), at=story.long_after(mail)))
    mail = opening(story, "intake", known(story), us)
    story.post(replace(mail, about=next_new(story)))


def never_logged(story: Story) -> None:
    """An address and a domain that are never kept, with a client's people on the mail all the same.

    One agent's own list is about that agent's mailbox alone.
    """
    person = story.chance.choice(story.world.never)
    mail = opening(story, "never_logged", person, agent(story))
    story.post(replace(mail, cc=story.chance.choice(((), (known(story),))), truth=DROPPED))
    [private], discreet = story.world.discreet, agent(story, "discreet")
    story.post(replace(opening(story, "never_logged", private, discreet), truth=DROPPED))
    story.post(opening(story, "never_logged", private, agent(story)))
