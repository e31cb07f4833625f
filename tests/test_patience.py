"""No test judges how fast a machine is: what waits, waits for a state, and no less than `PATIENCE`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.processes import PATIENCE

HERE = Path(__file__).resolve().parent
# With a limit as their first argument.
WAITS = {"wait", "result", "join"}
# With a limit as `timeout`: calls of this kind go to threads, processes and servers of the test.
ASKS = WAITS | {"run", "request", "get", "post", "put", "patch", "delete", "head", "urlopen", "Barrier"}


def limits(tree: ast.AST) -> Iterator[tuple[int, float]]:
    """The line and the limit of each call that gives up after a number of seconds."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = [keyword.value for keyword in node.keywords if keyword.arg == "timeout" and name in ASKS]
        given += node.args[:1] if name in WAITS else []
        for value in given:
            if isinstance(value, ast.Constant) and isinstance(value.value, int | float):
                yield node.lineno, value.value


@pytest.mark.parametrize("path", sorted(HERE.rglob("*.py")), ids=lambda path: str(path.relative_to(HERE)))
def test_nothing_is_given_up_because_it_is_slow(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert [(line, limit) for line, limit in limits(tree) if limit < PATIENCE] == []


def test_a_limit_would_be_found() -> None:
    planted = (
        "child.process.wait(30)\nrequests.get(url, timeout=5)\nqueue.send(text, timeout=0.5)\n','.join(a)"
    )
    assert list(limits(ast.parse(planted))) == [(1, 30), (2, 5)]
