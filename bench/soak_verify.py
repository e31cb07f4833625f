"""Holds what was found against the truth. Pure: counts and names, prints nothing."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bench.soak_script import Expected, Place

_TOKEN = re.compile(r"#\d{5}")
_SENT_TOKEN = re.compile(r"~\d{5}~")
# Begins what an intake mailbox answers.
ACKNOWLEDGES = "We have it:"


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands where. `entries`: (subject, kind) by (domain, record), one for each row of its timeline;
    `rows`: (domain, subject) of every stored message; `bodies`: how often a body was read, by Message-ID.
    """

    entries: Mapping[Place, list[tuple[str, str]]]
    rows: list[tuple[str, str]]
    bodies: Mapping[str, int]


@dataclass(slots=True)
class Findings:
    """Each line says what is wrong with which mail. `deleted_early` counts mail that may end either way."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    deleted_early: Counter[str] = field(default_factory=Counter)
    expected: int = 0
    skipped: int = 0

    def tokens(self) -> set[str]:
        """Of the mails with which something is wrong."""
        lines = (*self.lost, *self.doubled, *self.wrong, *self.kinds, *self.bodies)
        return {token_of(line) for line in lines} - {""}


def token_of(subject: str) -> str:
    """The token in a subject, '' where there is none."""
    found = _TOKEN.search(subject)
    return found[0] if found else ""


def sent_token_of(text: str) -> str:
    """The token of a mail that an agent has sent through the outbox, '' where there is none."""
    found = _SENT_TOKEN.search(text)
    return found[0] if found else ""


def verify(truth: Mapping[str, Expected], seen: Seen) -> Findings:
    """Every mail exactly where it must be, as often as it must be, and nowhere else."""
    findings = Findings()
    seen = _without_sent(seen)
    standing = Counter((token_of(s), place) for place, rows in seen.entries.items() for s, _ in rows)
    for one in truth.values():
        findings.expected += sum(one.must.values())
        findings.skipped += one.is_skipped
        findings.lost += _lost(one, standing)
    for (token, place), count in standing.items():
        _judge(findings, truth.get(token), (token, place), count)
    _judge_rows(findings, truth, seen)
    findings.kinds += _kinds(truth, seen)
    findings.bodies += _bodies(truth, seen.bodies)
    findings.deleted_early += _deleted_early(truth, standing)
    return findings


def _without_sent(seen: Seen) -> Seen:
    """What leaves is counted by itself, see `sending_load` and `soak_door_verdict`."""
    entries = {place: [row for row in rows if not _is_sent(row[0])] for place, rows in seen.entries.items()}
    return replace(seen, entries=entries, rows=[row for row in seen.rows if not _is_sent(row[1])])


def _is_sent(subject: str) -> bool:
    return bool(sent_token_of(subject)) or subject.casefold().startswith(ACKNOWLEDGES.casefold())


def _lost(one: Expected, standing: Mapping[tuple[str, Place], int]) -> list[str]:
    return [
        f"{one.token} ({one.category}) on {'/'.join(place)}: {standing.get((one.token, place), 0)} of {times}"
        for place, times in one.must.items()
        if standing.get((one.token, place), 0) < times
    ]


def _judge(findings: Findings, one: Expected | None, where: tuple[str, Place], count: int) -> None:
    token, place = where
    most = one.most(place) if one else 0
    said = f"{token or 'a mail without token'} ({one.category if one else 'unknown'}) on {'/'.join(place)}"
    if not most:
        findings.wrong.append(said)
    elif count > most:
        findings.doubled.append(f"{said}: {count} of {most}")


def _judge_rows(findings: Findings, truth: Mapping[str, Expected], seen: Seen) -> None:
    for (domain, token), count in Counter((domain, token_of(s)) for domain, s in seen.rows).items():
        one = truth.get(token)
        places = {*one.must, *one.may} if one else set()
        most = max((one.most(place) for place in places if one and place[0] == domain), default=0)
        said = f"{token or 'a mail without token'} ({one.category if one else 'unknown'}) in {domain}"
        if not most:
            findings.wrong.append(f"{said}: stored, though nothing there keeps it")
        elif count > most:
            findings.doubled.append(f"{said}: {count} rows for {most}")


def _kinds(truth: Mapping[str, Expected], seen: Seen) -> list[str]:
    return [
        f"{subject} on {'/'.join(place)}: {kind}"
        for place, rows in seen.entries.items()
        for subject, kind in rows
        if kind != "reply" and (one := truth.get(token_of(subject))) and one.is_reply
    ]


def _bodies(truth: Mapping[str, Expected], bodies: Mapping[str, int]) -> list[str]:
    kept = {name for one in truth.values() if not one.is_skipped for name in one.message_ids}
    return [
        f"{one.token} ({one.category}): read {bodies[name]} times"
        for one in truth.values()
        if one.is_skipped
        for name in sorted(one.message_ids - kept)
        if bodies.get(name)
    ]


def _deleted_early(truth: Mapping[str, Expected], standing: Mapping[tuple[str, Place], int]) -> Counter[str]:
    either = [one for one in truth.values() if one.category == "deleted early"]
    return Counter(
        "filed" if any(standing.get((one.token, place)) for place in one.may) else "skipped" for one in either
    )
