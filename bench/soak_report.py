"""The soak's table: figures with their names, those that must be zero marked, and what is behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.soak_verify import Findings

SHOWN = 12


@dataclass(slots=True)
class Report:
    """Lines in order. `failures` names the figures that had to be zero and were not."""

    lines: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def title(self, text: str) -> None:
        self.lines += ["", text]

    def figure(self, name: str, value: object) -> None:
        shown = f"{value:.1f}" if isinstance(value, float) else str(value)
        self.lines.append(f"  {name:<52}{shown:>12}")

    def zero(self, name: str, count: int, behind: Sequence[str] = ()) -> None:
        """A figure that must be zero; `behind` are the cases, of which some are shown."""
        self.lines.append(
            f"  {name:<52}{count:>12}{'' if count else '  ok'}{'  <-- MUST BE 0' if count else ''}"
        )
        self.lines += [f"      {one}" for one in behind[:SHOWN]]
        if len(behind) > SHOWN:
            self.lines.append(f"      ... and {len(behind) - SHOWN} more")
        if count:
            self.failures.append(name)

    def findings(self, title: str, findings: Findings) -> None:
        self.title(title)
        self.zero("lost", len(findings.lost), findings.lost)
        self.zero("doubled", len(findings.doubled), findings.doubled)
        self.zero("on a wrong record", len(findings.wrong), findings.wrong)
        self.zero("answers to an agent's mail not shown as replies", len(findings.kinds), findings.kinds)
        self.zero("bodies of skipped mail read", len(findings.bodies), findings.bodies)

    def counts(self, title: str, counts: Mapping[str, int]) -> None:
        self.title(title)
        for name, count in sorted(counts.items()):
            self.figure(name, count)

    @property
    def verdict(self) -> str:
        return f"FAILED: {', '.join(dict.fromkeys(self.failures))}" if self.failures else "PASSED"

    def __str__(self) -> str:
        return "\n".join([*self.lines, "", self.verdict])
