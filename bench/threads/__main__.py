"""Do all mails of a thread reach its records, whether they come one by one, in bursts or in no order?

    python -m bench.threads [--seed N] [--threads 300] [--examples 5]

Threads of many lengths and branches, through the product in memory: openings that an agent files by hand when answers
have come, forwards in between, mails that the house does not have, copies in several mailboxes. Ends with 1 where a
mail stands on a record of another thread, or less than 99.8 % are right; nothing is decided anew by a rematch.
"""

import argparse
import sys
import time

from bench.threads.run import WAYS, run, written


def main() -> None:
    parser = argparse.ArgumentParser(description="How many mails of a thread reach its records.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=300)
    parser.add_argument("--examples", type=int, default=0, help="show so many mails that are not right")
    options = parser.parse_args()
    threads = written(options.seed, options.threads)
    print(f"{'taken in':<12}{'mails':>7}{'right':>8}{'right %':>9}{'wrong':>7}{'CPU s':>7}")
    passes = True
    for name, groups in WAYS.items():
        started = time.process_time()
        found = run(threads, groups, options.seed)
        spent = time.process_time() - started
        figures = f"{found.letters:>7}{found.right:>8}{found.share:>9.2%}{found.wrong:>7}{spent:>7.0f}"
        print(f"{name:<12}{figures}", flush=True)
        passes &= found.passes
        for line in found.amiss[: options.examples]:
            print(f"  {line}")
    sys.exit(0 if passes else 1)


if __name__ == "__main__":
    main()
