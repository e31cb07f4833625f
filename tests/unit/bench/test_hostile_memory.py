"""A mail's memory is bounded: the worst bodies are filed and shown within an address space that is limited."""

import subprocess
import sys

import pytest

from shared.adapters.graph.session import LARGEST_ANSWER

# What an instance of 512 MB has beside the worker (87 MB), the host and other commands.
ROOM = 300_000_000
CHILD = f"""
import json, resource, sys
from bench.hostile import bodies, costs, texts
from shared.domain.foreign_text import json_value

name = sys.argv[1]
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + {ROOM}
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
if name in texts():
    costs(text=texts()[name]())
elif name in bodies():
    costs(html=bodies()[name]())
else:
    answer = json.dumps({{"body": {{"content": "<p>words</p>" * ({LARGEST_ANSWER} // 13)}}}}).encode()
    read = json_value(answer)
    del answer
    costs(html=read["body"]["content"])
"""


@pytest.mark.parametrize(
    "name",
    [
        "the largest answer that is read",
        "20 MB of paragraphs",
        "20 MB of <",
        "20 MB of open comments",
        "20 MB of embedded images",
        "text: 20 MB of words",
        "text: a quote 10 million levels deep",
        "199,000 unclosed tags",
        "100,000 nested tables",
        "90 tags of 2,000 attributes",
    ],
)
def test_a_hostile_body_fits_into_a_small_instance(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", CHILD, name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
