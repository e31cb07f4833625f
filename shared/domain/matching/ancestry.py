"""What a mail's thread lends it, and which mails of the thread it has to hear from: of the mails found, nearest first.

The nearest filed mail lends all of its records. A mail that answers others has theirs as well, so what stands behind
it is not asked. It is where the nearest mail answers nothing, as a forward, and stands on none of the affairs that no
address leads to: then those behind it lend affairs of the kinds that are missing, and no people. Another company may
have written them, and the nearest mail's people are known by their own addresses.
"""

from collections.abc import Collection, Iterator, Sequence, Set
from dataclasses import replace
from itertools import groupby
from typing import Final

from shared.domain.matching.candidates import ThreadHit
from shared.domain.records.records import RecordRef

# Contacts and clients are found by the people of each mail; affairs, a mail mostly has from its thread.
AFFAIRS: Final = frozenset({"property", "opportunity", "project", "case"})
PEOPLE: Final = frozenset({"contact", "client"})


def believed(siblings: Sequence[ThreadHit], outsiders: Collection[str]) -> Iterator[ThreadHit]:
    """Of stored mails with one Message-ID those that the answer may mean."""
    for hit in siblings:
        # Broken senders use a Message-ID for many mails: only people tell which conversation is meant.
        if len(siblings) == 1 or hit.among(outsiders):
            yield hit


def ancestors_to_ask(parents: Sequence[str], thread: Sequence[ThreadHit]) -> tuple[str, ...]:
    """The Message-IDs behind the nearest that are asked for, once `thread` is what stands under the nearest.

    None where that mail lends all that the others could, nor where a person took it out of its thread.
    """
    return () if any(is_enough for _, _, is_enough in _walk(thread)) else tuple(parents[1:])


def lenders(thread: Sequence[ThreadHit]) -> tuple[ThreadHit, ...]:
    """The mails that lend an answer records, nearest first, each with those that it lends and no others."""
    return tuple(replace(hit, links=lent, blind=frozenset()) for hit, lent, _ in _walk(thread) if lent)


def heard(parents: Sequence[str], thread: Sequence[ThreadHit]) -> tuple[str, ...]:
    """The Message-IDs of the mails that an answer leaves word with: whatever becomes of these may change its records.

    Those behind one that follows its own thread are not among them unless they lend, since that one may refuse it: what
    they gain and lose comes by way of it.
    """
    walked = list(_walk(thread))
    ends = {hit.evidence for hit, _, is_enough in walked if is_enough or hit.follows}
    end = next((place for place, name in enumerate(parents) if name in ends), len(parents))
    lending = {hit.evidence for hit, lent, _ in walked if lent}
    return tuple(name for place, name in enumerate(parents) if place <= end or name in lending)


def _walk(thread: Sequence[ThreadHit]) -> Iterator[tuple[ThreadHit, tuple[RecordRef, ...], bool]]:
    """Each mail with what it lends, and whether nothing is to be asked behind it; ends there.

    What a person took from a nearer mail does not come back by way of one behind it.
    """
    kinds: set[str] = set()
    refused: set[RecordRef] = set()
    for _, siblings in groupby(thread, key=lambda hit: hit.evidence):
        # Of several mails with one Message-ID the first that is filed counts.
        found = list(siblings)
        hit = next((hit for hit in found if hit.is_filed), found[0])
        lent = tuple(ref for ref in hit.lent if ref.kind not in kinds and ref not in refused)
        kinds.update(PEOPLE if hit.is_filed else (), (ref.kind for ref in hit.links))
        refused |= hit.refused
        is_enough = _is_enough(hit, kinds)
        yield hit, lent, is_enough
        if is_enough:
            return


def _is_enough(hit: ThreadHit, kinds: Set[str]) -> bool:
    """Whether nothing is asked behind a mail, once records of these kinds have been met."""
    return hit.is_apart or (hit.is_filed and (hit.follows or not kinds.isdisjoint(AFFAIRS)))
