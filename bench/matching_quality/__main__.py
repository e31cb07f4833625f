"""Is every mail on the right timeline? A made-up organisation, another one for every seed, through the product.

    python -m bench.matching_quality [--seed N] [--mails 5000] [--examples 3]

Ends with 1 where a mail stands on a wrong record, a body was read that must not be, less than 99 % of what can
be decided is right, or a mail that cannot be decided waits for nobody. The truth comes from the story, before
anything is matched.
"""

import argparse
import random
import sys
import time

from bench.matching_quality.report import examples
from bench.matching_quality.run import run


def main() -> None:
    parser = argparse.ArgumentParser(description="How much mail lands where it belongs.")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--mails", type=int, default=5_000)
    parser.add_argument(
        "--examples", type=int, default=0, help="show so many mails of each kind that are not right"
    )
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    started = time.process_time()
    found, report = run(seed, options.mails)
    print(f"seed {seed}, {len(found)} mails, {time.process_time() - started:.0f} s of CPU\n")
    for line in (*report.lines(), *examples(found, options.examples)):
        print(line)
    sys.exit(0 if report.passes else 1)


if __name__ == "__main__":
    main()
