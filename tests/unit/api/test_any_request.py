"""Requests made up from the API's own description: every answer is one that the description names.

Schemathesis makes them, some as described and some that are not, the same in every run. Each operation starts over
with an organisation, its mailbox, a contact and a mail; what is as described is asked about these.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.api.openapi import TAGS
from tests.builders import (
    AGENT,
    KEY,
    TENANT,
    a_copy,
    a_document,
    a_failure,
    a_mailbox,
    a_record,
    a_stored_message,
    an_attachment,
    an_entry,
    an_inbox_item,
    an_organisation,
)
from tests.fakes import FakePorts
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Served

EXAMPLES: Final = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 5}
# What is there, in the place of what is made up for these.
KNOWN: Final = {"kind": "contact", "id": "C-1", "address": AGENT, "attachment_id": "0"}
# Nobody can make up a cursor, and only the vendor names an organisation.
LEFT_OUT: Final = ("cursor", "after", "Postledger-Organisation", "mailbox")
load_all_checks()


@dataclass
class Current:
    """An app that can be exchanged: the description is read once, each operation has storage of its own."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def fresh(issuer: Issuer) -> ASGIApp:
    storage = FakePorts()
    storage.organisations.put(an_organisation())
    storage.mail.add_mailbox(AGENT)
    storage.mailboxes.save(a_mailbox())
    storage.records.put_many(TENANT, [a_record()])
    storage.timeline.put(TENANT, [an_entry()])
    document = a_document(attachments=(an_attachment(),))
    storage.messages.create(TENANT, a_stored_message(), document, a_copy())
    storage.attachments.put(TENANT, KEY, "0", iter([b"%PDF"]))
    storage.inbox.put(TENANT, [an_inbox_item()])
    storage.exceptions.record(a_failure(id=KEY))
    return Served(storage, issuer)


CURRENT: Final = Current(PlainTextResponse("nothing yet"))


@cache
def described() -> Any:
    """Schemathesis' view of the description."""
    CURRENT.app = fresh(Issuer())
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", CURRENT)


def operations(tag: str) -> list[Any]:
    found = [found.ok() for found in described().get_all_operations()]
    assert len(found) > 40
    return [operation for operation in found if operation.definition.raw["tags"] == [tag]]


@pytest.mark.slow
@pytest.mark.parametrize("mode", EXAMPLES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("tag", TAGS)
def test_every_answer_is_one_that_the_description_names(
    mode: GenerationMode, tag: str, issuer: Issuer, subtests: pytest.Subtests
) -> None:
    for operation in operations(tag):
        if mode is GenerationMode.NEGATIVE and operation.label in NOTHING_TO_BREAK:
            continue
        CURRENT.app = fresh(issuer)
        with subtests.test(operation.label):
            call(operation, mode, issuer.user("Admin", "Agent"))


@pytest.mark.slow
def test_an_answer_that_the_description_does_not_name_is_found() -> None:
    operation = described()["/mailboxes"]["GET"]
    CURRENT.app = PlainTextResponse("I am a teapot", 418)
    with pytest.raises(FailureGroup, match="Undocumented Content-Type"):
        call(operation, GenerationMode.POSITIVE, "")


# Not asked for: that each request is taken that the description allows, since it cannot say which cursors there are,
# that a date has a zone, or which fields want each other; such a request gets 422 and a sentence. Nor that each one is
# refused that it forbids: Schemathesis judges what it made up, and some of that is lost on the way into a URL.
NOT_ASKED = CHECKS.get_by_names(["positive_data_acceptance", "negative_data_rejection"])
# Nothing can be wrong with a request that has no parameter.
NOTHING_TO_BREAK = {"GET /health"}
# Seconds: a request is in this process, and waits for nobody; the machine may be busy.
PATIENT = 600.0


def call(operation: Any, mode: GenerationMode, token: str) -> None:
    # A call of Schemathesis may be slow on a machine that others use, and what it makes up is not narrowed down: the
    # request that failed is shown as it is.
    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=EXAMPLES[mode],
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def calls(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            about_what_is_there(case)
        headers = {"Authorization": f"Bearer {token}"}
        case.call_and_validate(headers=headers, excluded_checks=NOT_ASKED, timeout=PATIENT)

    calls()


def about_what_is_there(case: Case) -> None:
    by_key = case.operation.path.startswith(("/messages", "/inbox", "/exceptions"))
    known = {**KNOWN, "id": KEY} if by_key else KNOWN
    for name in case.path_parameters or {}:
        case.path_parameters[name] = known[name]
    for given_values in (case.query, case.headers):
        for name in LEFT_OUT:
            if given_values and name in given_values:
                del given_values[name]
