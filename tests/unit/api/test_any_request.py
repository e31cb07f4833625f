"""Requests made up from the API's own description: every answer is one that the description names.

Schemathesis makes them, some as described and some that are not, the same in every run. Each operation starts over
with an organisation, its mailbox and a contact.
"""

from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.builders import TENANT, a_mailbox, a_record, an_organisation
from tests.fakes import FakePorts
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Served

EXAMPLES = 8
load_all_checks()
# A call of Schemathesis may be slow on a machine that others use, and what it makes up is not narrowed down: the
# request that failed is shown as it is.
BOUNDED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Current:
    """An app that can be exchanged: the description is read once, each operation has storage of its own."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def fresh(issuer: Issuer) -> ASGIApp:
    storage = FakePorts()
    storage.organisations.put(an_organisation())
    storage.mailboxes.save(a_mailbox())
    storage.records.put_many(TENANT, [a_record()])
    return Served(storage, issuer)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.name
)
def test_every_answer_is_one_that_the_description_names(
    mode: GenerationMode, issuer: Issuer, subtests: pytest.Subtests
) -> None:
    current = Current(fresh(issuer))
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", current)
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 40
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and operation.label in NOTHING_TO_BREAK:
            continue
        current.app = fresh(issuer)
        with subtests.test(operation.label):
            call(operation, mode, issuer.user("Admin"))


@pytest.mark.slow
def test_an_answer_that_the_description_does_not_name_is_found(issuer: Issuer) -> None:
    current = Current(fresh(issuer))
    described = schemathesis.openapi.from_asgi("/api/v1/openapi.json", current)
    current.app = PlainTextResponse("I am a teapot", 418)
    with pytest.raises(FailureGroup, match="Undocumented Content-Type"):
        call(described["/mailboxes"]["GET"], GenerationMode.POSITIVE, "")


# Not asked for: that each request is taken that the description allows, since it cannot say which cursors there are,
# that a date has a zone, or which fields want each other; such a request gets 422 and a sentence. Nor that each one is
# refused that it forbids: Schemathesis judges what it made up, and some of that is lost on the way into a URL.
NOT_ASKED = CHECKS.get_by_names(["positive_data_acceptance", "negative_data_rejection"])
# Nothing can be wrong with a request that has no parameter.
NOTHING_TO_BREAK = {"GET /health"}
# Seconds: a request is in this process, and waits for nobody; the machine may be busy.
PATIENT = 600.0


def call(operation: Any, mode: GenerationMode, token: str) -> None:
    @BOUNDED
    @given(case=operation.as_strategy(generation_mode=mode))
    def calls(case: Case) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        case.call_and_validate(headers=headers, excluded_checks=NOT_ASKED, timeout=PATIENT)

    calls()
