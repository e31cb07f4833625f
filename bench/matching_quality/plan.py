"""The whole story for a seed: stories are told, the likely ones more often, until there are mails enough."""

import random
from collections.abc import Callable
from typing import Final

from bench.matching_quality import affairs, correspondence, machines
from bench.matching_quality.story import Codes, Story
from bench.matching_quality.world import Settling

Scenario = Callable[[Story], None]

SCENARIOS: Final[dict[Scenario, int]] = {
    correspondence.thread: 30,
    correspondence.copies: 4,
    correspondence.edited_subject: 5,
    correspondence.odd_references: 5,
    correspondence.equal_subjects: 4,
    correspondence.forwards: 5,
    correspondence.several_clients: 3,
    correspondence.free_mail: 4,
    correspondence.sub_domains: 3,
    correspondence.blind_copies: 3,
    correspondence.reply_to: 4,
    correspondence.conversation_index: 4,
    correspondence.closed_records: 3,
    correspondence.closed_clients: 2,
    correspondence.closing: 2,
    correspondence.reused_ids: 2,
    correspondence.no_message_id: 2,
    correspondence.private: 2,
    correspondence.own_aliases: 4,
    affairs.by_subject: 6,
    affairs.other_subject: 3,
    affairs.twin_deals: 2,
    affairs.closed_deal: 2,
    affairs.by_domain: 5,
    affairs.several_projects: 3,
    affairs.no_project: 2,
    affairs.coded: 6,
    affairs.two_codes: 1,
    affairs.claimed_codes: 3,
    affairs.forged_codes: 3,
    affairs.taught: 3,
    affairs.matching_off: 3,
    affairs.opened: 3,
    affairs.intake: 3,
    affairs.never_logged: 2,
    machines.lists: 5,
    machines.lists_and_direct: 2,
    machines.out_of_office: 4,
    machines.bounces: 4,
    machines.doubtful: 3,
    machines.feigned_colleagues: 2,
    machines.other_folders: 2,
    machines.strangers: 6,
    machines.look_alikes: 3,
    machines.newsletters: 3,
}


def tell(seed: int, mails: int, codes: Codes) -> Story:
    """At least `mails` mails of an organisation that this seed alone has; every kind of story occurs."""
    chance = random.Random(seed)
    settling = Settling(chance, mails)
    settling.settle()
    story = Story(chance, codes, settling)
    for scenario in SCENARIOS:
        scenario(story)
    weights = list(SCENARIOS.values())
    while len(story.mails) < mails:
        chance.choices(list(SCENARIOS), weights)[0](story)
    return story
