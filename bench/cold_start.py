"""What starting a worker costs: CPU milliseconds of a fresh Python process, the least of several runs.

python -m bench.cold_start [--runs 7]
"""

import argparse
import resource
import subprocess
import sys

STEPS = (
    ("python alone", "pass"),
    ("import azure.functions", "import azure.functions"),
    ("import function_app", "import function_app"),
    (
        "... and what the webhook uses",
        "import function_app, azure.data.tables, azure.storage.queue",
    ),
    (
        "... and what a worker uses",
        "import function_app, azure.data.tables, azure.storage.queue, azure.storage.blob, requests, msal",
    ),
    ("function_app and the client API", "import function_app, shared.api.app, shared.adapters.entra"),
)


def least_cpu_ms(runs: int) -> dict[str, float]:
    """The least CPU time of a process for each step; the steps take turns, so that noise hits all alike."""
    rounds = [{name: _once(code) for name, code in STEPS} for _ in range(runs)]
    return {name: min(one[name] for one in rounds) for name, _ in STEPS}


def _once(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1_000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU cost of starting a worker.")
    parser.add_argument("--runs", type=int, default=7)
    totals = least_cpu_ms(parser.parse_args().runs)
    alone = totals[STEPS[0][0]]
    yardstick = totals[STEPS[1][0]] - alone
    print(f"{'':<34}{'CPU ms':>9}{'over python':>13}{'x azure.functions':>19}")
    for name, total in totals.items():
        print(f"{name:<34}{total:>9.0f}{total - alone:>13.0f}{(total - alone) / yardstick:>19.2f}")


if __name__ == "__main__":
    main()
