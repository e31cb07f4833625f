"""What starting a worker costs: CPU milliseconds of a fresh Python process, the least of several runs.

python -m bench.cold_start [--runs 7] [--against COMMIT]
"""

import argparse
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.checkout import checkout
from dev.azurite import ROOT

NOTIFIED = (
    "import function_app\n"
    "from shared.bootstrap import webhook_use_cases as use_cases\n"
    "use_cases().take_notifications\n"
    "use_cases().ports.connection.calls"
)
STEPS = (
    ("python alone", "pass"),
    ("import azure.functions", "import azure.functions"),
    ("import function_app", "import function_app"),
    ("... and the first notification", NOTIFIED),
    ("... and the first mail", f"{NOTIFIED}\nuse_cases().take_turn"),
    ("... the same with Azure's packages", f"{NOTIFIED}\nimport azure.data.tables, azure.storage.queue"),
    ("function_app and the client API", "import function_app, shared.api.app, shared.adapters.entra"),
)
# Nothing is asked of storage: its clients are only made.
SETTINGS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "POSTLEDGER_CLIENT_ID": "12121212-3434-4565-8787-909090909090",
    "POSTLEDGER_HOME_TENANT_ID": "12121212-3434-4565-8787-909090909090",
    "POSTLEDGER_CLIENT_SECRET": "secret",
    "POSTLEDGER_PUBLIC_URL": "https://app.contoso.example",
    "POSTLEDGER_HASH_KEY": "0f" * 32,
    "POSTLEDGER_CODE_KEYS": "0f" * 32,
}


def least_cpu_ms(runs: int, *roots: Path) -> list[dict[str, float]]:
    """The least CPU time of a process for each step in each working copy; all take turns, so noise hits all alike."""
    rounds = [[{name: _once(code, root) for name, code in STEPS} for root in roots] for _ in range(runs)]
    return [
        {name: min(copies[number][name] for copies in rounds) for name, _ in STEPS}
        for number in range(len(roots))
    ]


def _once(code: str, root: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, env={**os.environ, **SETTINGS})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1_000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def show(totals: Mapping[str, float]) -> None:
    """A table of one working copy."""
    alone = totals[STEPS[0][0]]
    yardstick = totals[STEPS[1][0]] - alone
    print(f"{'':<34}{'CPU ms':>9}{'over python':>13}{'x azure.functions':>19}")
    for name, total in totals.items():
        print(f"{name:<34}{total:>9.0f}{total - alone:>13.0f}{(total - alone) / yardstick:>19.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU cost of starting a worker.")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--against", help="a commit that is measured in turn with this copy")
    given = parser.parse_args()
    if not given.against:
        show(*least_cpu_ms(given.runs, ROOT))
        return
    here, there = least_cpu_ms(given.runs, ROOT, checkout(given.against))
    show(here)
    print(f"\n{given.against}:")
    show(there)
    alone = STEPS[0][0]
    print()
    for name, _ in STEPS[2:]:
        ratio = (here[name] - here[alone]) / (there[name] - there[alone])
        print(f"{name:<34}{ratio:>9.2f} times {given.against[:9]}")


if __name__ == "__main__":
    main()
