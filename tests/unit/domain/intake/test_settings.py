"""Settings of an intake mailbox: what a request may say, and the sentence for what it may not."""

from typing import Any

import pytest

from shared.domain.connections.fields import Fields
from shared.domain.errors import InvalidInput
from shared.domain.intake.settings import Intake
from tests.builders import a_mailbox

DESK = {"kind": "intake", "agent": "ann@contoso.example"}


def changed(**intake: Any) -> Intake:
    return Intake().changed(Fields(intake))


def test_absent_settings_keep_their_value_and_lists_replace_theirs() -> None:
    first = changed(opens="project", type="t", routes=[{"to": "a@x.example"}], fields={"name": "{subject}"})
    second = first.changed(Fields({"fields": {"details": "{text}"}, "routes": [], "opens": None}))
    assert (second.opens, second.type, second.routes) == ("project", "t", ())
    assert (second.fields.name, second.fields.details) == ("{subject}", "{text}")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"opens": "contact"}, "'opens' must be one of"),
        ({"closed": "burn"}, "'closed' must be one of"),
        ({"routes": [{"to": "a@x.example"}, {"to": "A@X.example"}]}, "a@x.example more than once"),
        ({"routes": [{"opens": "case"}]}, "needs 'to'"),
        ({"routes": ["a@x.example"]}, "list of objects"),
        ({"routes": [{"to": "nobody"}]}, "no e-mail address"),
        ({"routes": [{"to": "a@x.example", "colour": "red"}]}, "Unknown: colour"),
        ({"routes": [{"to": f"a{n}@x.example"} for n in range(101)]}, "at most 100"),
        ({"fields": {"summary": "{nobody}"}}, "names nobody"),
        ({"fields": {"summary": "{% import 'os' %}"}}, "statement 'import'"),
        ({"fields": {"color": "{subject}"}}, "Unknown: color"),
        ({"data": {"a": "{case_id}"}}, "names case_id"),
        ({"data": {f"n{n}": "x" for n in range(21)}}, "at most 20"),
        ({"data": {"a": 7}}, "must be a template"),
        ({"cases_an_hour": 0}, "whole number"),
        ({"unknown": 1}, "Unknown: unknown"),
    ],
)
def test_what_is_refused_is_said(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        changed(**given)


def test_agents_of_an_intake_mailbox_have_a_first_one() -> None:
    desk = a_mailbox().changed(Fields({"kind": "intake", "agents": ["bo@x.example", "ann@x.example"]}))
    assert (desk.agent, desk.agents, desk.colleagues) == (
        "bo@x.example",
        ("bo@x.example", "ann@x.example"),
        ("ann@x.example",),
    )
    handed = desk.changed(Fields({"agent": "cy@x.example"}))
    assert (handed.agent, handed.agents) == ("cy@x.example", ("cy@x.example", "ann@x.example"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"agents": ["a@x.example"]}, "for intake mailboxes"),
        ({"intake": {"type": "x"}}, "for intake mailboxes"),
        ({**DESK, "agents": ["a@x.example"]}, "first of 'agents'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        a_mailbox().changed(Fields(given))


def test_a_mailbox_that_becomes_a_person_s_again_keeps_nothing_of_it() -> None:
    desk = a_mailbox().changed(Fields({**DESK, "intake": {"type": "x"}}))
    assert desk.opens == "case"
    assert desk.changed(Fields({"kind": "personal"})).intake == Intake()
