"""The lines of docs/sending.md, as a CRM's developer copies them, over the demo organisation."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from dev.demo_organisation import Demo, seed
from dev.stack import Stack, StackOptions
from dev.tenant import Api, eventually

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# As on a desk, but that whatever the API refuses ends the script.
PREAMBLE = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; echo; }\n'


def run(script: str, directory: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", PREAMBLE + script],
        cwd=directory,
        env={**os.environ, **environment, "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_line_of_the_page_about_sending_works_on_the_demo(tmp_path: Path) -> None:
    demos: list[Demo] = []
    blocks = BLOCK.findall((ROOT / "docs/sending.md").read_text("utf-8"))
    assert len(blocks) >= 5
    with Stack(StackOptions(seed=lambda ready: demos.append(seed(ready, lambda _: None)))) as stack:
        demo = demos[0]
        token = demo.agent_token(demo.busiest)
        environment = {
            "API": str(stack.ready["api_url"]),
            "AUTH": f"Authorization: Bearer {demo.admin_token()}",
            "AGENT": f"Authorization: Bearer {token}",
        }
        said = run("\n".join(blocks), tmp_path, environment)
        answers = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        api = Api(environment["API"], token)

        def ended() -> list[dict[str, Any]] | None:
            mails: list[dict[str, Any]] = api.call("GET", "outbox")["items"]
            return mails if mails and all(mail["state"] == "confirmed" for mail in mails) else None

        mails = eventually(ended, what="the end of the page's mails")
        left = demo.control.outbound()
    assert sorted(mail["subject"].startswith("RE: ") for mail in mails) == [False, True]
    assert len(left) == 2
    taken = [answer for answer in answers if "outbox_id" in answer]
    assert all(answer["code"] in answer["subject"] for answer in taken)
    assert any(answer.get("received") == 10 for answer in answers), "the whole file came"
