"""Holds cases, acknowledgements and marks against the truth. Pure: counts and names, prints nothing."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from bench.soak_doors import Door
from bench.soak_letters import asks
from bench.soak_replies import Acknowledged
from bench.soak_report import Report
from bench.soak_script import Expected
from bench.soak_verify import token_of

Lying = tuple[str, str, bool]


@dataclass(slots=True)
class DoorVerdict:
    """A line for each mail with which something is wrong."""

    without_case: list[str] = field(default_factory=list)
    second_cases: list[str] = field(default_factory=list)
    unacknowledged: list[str] = field(default_factory=list)
    second_acknowledgements: list[str] = field(default_factory=list)
    unmarked: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)

    def tokens(self) -> set[str]:
        """Of the mails whose history is asked for."""
        lines = [
            *self.without_case,
            *self.second_cases,
            *self.unacknowledged,
            *self.second_acknowledgements,
            *self.unmarked,
            *self.touched,
        ]
        return {token_of(line) for line in lines} - {""}

    def report(self, report: Report) -> None:
        report.zero("enquiries without a case", len(self.without_case), self.without_case)
        report.zero("second cases", len(self.second_cases), self.second_cases)
        report.zero("enquiries not acknowledged", len(self.unacknowledged), self.unacknowledged)
        report.zero(
            "second acknowledgements", len(self.second_acknowledgements), self.second_acknowledgements
        )
        report.zero("enquiries unread though their case stands", len(self.unmarked), self.unmarked)
        report.zero("mails of personal IMAP mailboxes touched", len(self.touched), self.touched)


def judge_cases(verdict: DoorVerdict, truth: Mapping[str, Expected], names: Iterable[str]) -> None:
    """An enquiry opens one case, no other mail any. `names` are those of the cases: their mails' subjects."""
    opened = Counter(map(token_of, names))
    for token, expected in truth.items():
        if asks(expected) and not opened[token]:
            verdict.without_case.append(f"{token} ({expected.category})")
    for token, count in opened.items():
        said, most = _most(truth, token)
        if count > most:
            verdict.second_cases.append(f"{said}: {count} cases for {most}")


def judge_acknowledgements(
    verdict: DoorVerdict,
    truth: Mapping[str, Expected],
    left: Iterable[Acknowledged],
    unknown: Collection[str],
) -> None:
    """Each case's writer is told once. `unknown`: tokens of which the product says that it cannot know."""
    told = Counter(mail.token for mail in left)
    for token, expected in truth.items():
        if asks(expected) and not told[token] and token not in unknown:
            verdict.unacknowledged.append(f"{token} ({expected.category})")
    for token, count in told.items():
        said, most = _most(truth, token)
        if count > most:
            verdict.second_acknowledgements.append(f"{said}: left {count} times for {most}")


def judge_marks(
    verdict: DoorVerdict, truth: Mapping[str, Expected], door: Door, lying: Iterable[Lying]
) -> None:
    """Mail of an intake mailbox is read once its case stands, and what waits is unread. (folder, subject, is read)."""
    for folder, subject, is_read in lying:
        expected = truth.get(token_of(subject))
        if expected is None or (not expected.must and expected.category != "machine"):
            continue
        if is_read != bool(expected.must):
            state = "read" if is_read else "unread"
            verdict.unmarked.append(
                f"{expected.token} ({expected.category}) in {door.address} {folder}: {state}"
            )


def judge_untouched(
    verdict: DoorVerdict, door: Door, expected: Mapping[Lying, int], lying: Iterable[Lying]
) -> None:
    """A personal mailbox holds what people have put there, where they have put it, as unread as it was."""
    found = Counter(lying)
    for key in sorted(found.keys() | expected.keys()):
        if found[key] != expected.get(key, 0):
            folder, subject, is_read = key
            state = "read" if is_read else "unread"
            verdict.touched.append(
                f"{subject} in {door.address} {folder}, {state}: {found[key]} for {expected.get(key, 0)}"
            )


def _most(truth: Mapping[str, Expected], token: str) -> tuple[str, int]:
    expected = truth.get(token)
    said = f"{token or 'a mail without token'} ({expected.category if expected else 'unknown'})"
    return said, int(expected is not None and asks(expected))
