"""The figures, as tables: by kind of story, by rule, and in all."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from bench.matching_quality.findings import Finding
from bench.matching_quality.truth import Outcome, Verdict

ENOUGH: Final = 0.99


class Report:
    """What a run comes to.

    It passes when nothing is wrong, 99 % of what can be decided is right, and none of the rest is lost.
    """

    def __init__(self, found: Sequence[Finding]) -> None:
        self._found = found
        self.decidable = _count(found, Outcome.FILED)
        self.undecidable = _count(found, Outcome.TRIAGE)
        self.unwanted = _count(found, Outcome.DROPPED)
        self.wrong = sum(one.verdict is Verdict.WRONG for one in found)
        self.bodies_read = sum(_outcome(one) is Outcome.DROPPED and one.found.body_read for one in found)

    @property
    def share(self) -> float:
        """Of the mails that can be decided, those that stand exactly where they belong."""
        return self.decidable[Verdict.RIGHT] / max(1, self.decidable.total())

    @property
    def passes(self) -> bool:
        lost = self.undecidable[Verdict.MISSED]
        return not (self.wrong or self.bodies_read or lost) and self.share >= ENOUGH

    def lines(self) -> Iterator[str]:
        yield from self._kinds()
        yield from self._rules()
        yield ""
        yield f"decidable      {_row(self.decidable)}   right {self.share:.2%}"
        yield f"undecidable    {_row(self.undecidable)}   (right: they wait for an agent)"
        yield f"not to be kept {_row(self.unwanted)}   bodies read {self.bodies_read}"

    def _kinds(self) -> Iterator[str]:
        yield f"{'story':<20}{'mails':>7}" + "".join(f"{one:>9}" for one in Verdict)
        for kind in dict.fromkeys(one.mail.kind for one in self._found):
            verdicts = Counter(one.verdict for one in self._found if one.mail.kind == kind)
            yield f"{kind:<20}{verdicts.total():>7}" + "".join(f"{verdicts[one]:>9}" for one in Verdict)

    def _rules(self) -> Iterator[str]:
        right: Counter[str] = Counter()
        wrong: Counter[str] = Counter()
        for one in self._found:
            belongs = one.mail.truth.right | one.mail.truth.may if one.mail.truth else frozenset()
            for ref, rule in one.rules.items():
                (right if ref in belongs else wrong)[rule] += 1
        yield ""
        yield f"{'rule':<20}{'links':>7}{'right':>9}{'wrong':>9}"
        for rule in sorted(right | wrong):
            yield f"{rule:<20}{right[rule] + wrong[rule]:>7}{right[rule]:>9}{wrong[rule]:>9}"


def examples(found: Sequence[Finding], most: int) -> Iterator[str]:
    """The mails that are not right: at most so many of each kind of story."""
    shown: Counter[tuple[str, Verdict]] = Counter()
    for one in found:
        shown[one.mail.kind, one.verdict] += 1
        if one.verdict is not Verdict.RIGHT and shown[one.mail.kind, one.verdict] <= most:
            yield _example(one)


def _example(one: Finding) -> str:
    mail, truth = one.mail, one.mail.truth
    people = " ".join(f"{person.address}" for person in mail.people)
    belongs = f"{truth.outcome} {sorted(truth.right)} may {sorted(truth.may)}" if truth else ""
    waits = " in My Inbox" if one.found.in_inbox else ""
    return (
        f"#{mail.number} {mail.kind}: {one.verdict}\n  {people}\n  subject {mail.subject!r}, answers "
        f"{[before.number for before in mail.chain]}, {mail.threading.value}\n"
        f"  should be {belongs}\n  stands on {dict(sorted(one.rules.items()))}{waits}, "
        f"body {'read' if one.found.body_read else 'not read'}"
    )


def _outcome(one: Finding) -> Outcome:
    return one.mail.truth.outcome if one.mail.truth else Outcome.DROPPED


def _count(found: Sequence[Finding], outcome: Outcome) -> Counter[Verdict]:
    return Counter(one.verdict for one in found if _outcome(one) is outcome)


def _row(verdicts: Counter[Verdict]) -> str:
    return f"{verdicts.total():>6}: " + ", ".join(f"{one} {verdicts[one]}" for one in Verdict)
