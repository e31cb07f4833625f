"""The count of shown lines: what it takes for shown, for exact, and for lost."""

import json
from pathlib import Path

import pytest

from bench import own_text

MAIL = "Thursday suits us.\n\nAnn\n\nOn 1 March 2026 Bo wrote:\n> Does Thursday suit you?\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mail.txt").write_text(MAIL, "utf-8")
    (tmp_path / "mail.eml").write_text(f"Content-Type: text/plain\n\n{MAIL}", "utf-8")
    wanted = ["Thursday suits us."]
    expectations = [
        {"file": "mail.txt", "kind": "reply_text", "expected": "Thursday suits us.\n\nAnn"},
        {"file": "mail.eml", "kind": "reply_contains", "must_contain": wanted, "must_not_contain": ["Does"]},
        {"file": "mail.txt", "kind": "bounce", "expected": "nothing of ours"},
    ]
    lines = "\n".join(map(json.dumps, expectations))
    (tmp_path / "expectations.jsonl").write_text(lines, "utf-8")
    return tmp_path


def test_what_is_shown_and_nothing_else_is_exact(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = list(own_text.cases(folder))
    assert [(case.shown, case.is_exact) for case in found] == [
        (["Thursday suits us.", "Ann"], True),
        (["Thursday suits us."], True),
    ]
    own_text.report(found)
    assert "reply_text" in capsys.readouterr().out


def test_a_line_that_was_shown_before_is_missed(folder: Path) -> None:
    found = list(own_text.cases(folder))
    before = {"mail.txt": ["Ann", "> Does Thursday suit you?"]}
    assert own_text.lost(before, found) == [("mail.txt", "> Does Thursday suit you?")]
