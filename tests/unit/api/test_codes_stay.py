"""Reference codes cannot be switched off: by no field of a request, no setting of an organisation, no app setting.

And they outlive the keys that signed them, as do the links by which recipients leave campaigns.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any, Final

import pytest

from shared.bootstrap.compose import UseCases, compose
from shared.config import SETTINGS
from shared.domain.commands.commands import RunCampaign, SendMail
from shared.domain.mail import codes
from tests.builders import AGENT, CODE_KEYS, CONTACT, NOW, TENANT, a_record, rewrite
from tests.composed import SETTINGS as COMPOSED
from tests.fakes import FakePorts
from tests.unit.api.test_campaigns import links, start
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api

Json = dict[str, Any]
OID: Final = "0a0a0a0a-0000-4000-8000-00000000000a"
SENDS: Final = ("/messages", "/messages/{id}/reply", "/messages/{id}/forward", "/campaigns")
# Of codes requests say with which letters they begin and have begun, and no more.
KNOWN: Final = {"code_prefix", "earlier_code_prefixes"}
SPEAKS_OF_CODES: Final = re.compile(r"code|reference|suffix", re.IGNORECASE)
NEW: Final = b"\x77" * 32


@pytest.fixture
def token(issuer: Issuer, storage: FakePorts) -> str:
    rewrite(storage.mailboxes, next(iter(storage.mailboxes.of(TENANT))), agent_id=OID)
    storage.records.put_many(TENANT, [a_record("contact/C-1", addresses=(CONTACT,))])
    return issuer.user("Agent", preferred_username=AGENT, oid=OID)


def fields(document: Json, schema: Json, seen: frozenset[str] = frozenset()) -> Iterator[tuple[str, Json]]:
    """The fields of a schema, at every depth."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name in seen:
        return
    found = document["components"]["schemas"][name] if name else schema
    inside = seen | {name} if name else seen
    for field, inner in found.get("properties", {}).items():
        yield field, inner
        yield from fields(document, inner, inside)
    for inner in (*found.get("anyOf", ()), *found.get("allOf", ()), found.get("items")):
        if isinstance(inner, dict):
            yield from fields(document, inner, inside)


def asked(document: Json) -> Iterator[tuple[str, str, Json]]:
    """The fields of every request: path, name and schema."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for name, schema in fields(document, content.get("schema", {})):
                    yield path, name, schema


def test_no_field_of_any_request_switches_the_code_off(api: Api) -> None:
    document: Json = api.get("openapi.json").json()
    found = list(asked(document))
    assert {"subject", "html", "records"} <= {name for path, name, _ in found if path == "/messages"}
    assert {name for _, name, _ in found if SPEAKS_OF_CODES.search(name)} == KNOWN
    switches = {(path, name) for path, name, schema in found if schema.get("type") == "boolean"}
    assert not [path for path, _ in switches if path in SENDS], "nothing of a mail is switched on or off"


def test_no_app_setting_switches_the_code_off() -> None:
    assert {name for name in SETTINGS if SPEAKS_OF_CODES.search(name)} == {"POSTLEDGER_CODE_KEYS"}


@pytest.mark.parametrize("prefix", ["", " ", "P", "PL-", "[PL]", "TOOLONGPREFIX"])
def test_no_prefix_makes_a_code_that_is_none(api: Api, issuer: Issuer, prefix: str) -> None:
    answer = api.put("organisation", issuer.user("Admin"), json={"code_prefix": prefix})
    assert answer.status_code == 422, answer.text


def process(storage: FakePorts, *keys: bytes) -> UseCases:
    """The product with these code keys."""
    numbers = count(10**6)
    return compose(storage, replace(COMPOSED, code_keys=keys), lambda: NOW, lambda: f"{next(numbers):032x}")


def test_a_code_outlives_the_key_that_signed_it_until_that_is_taken_away(api: Api, token: str) -> None:
    body = {"to": [{"name": "Bo", "address": CONTACT}], "subject": "Viewing", "text": "Thursday."}
    taken = api.post("messages", token, json=body, headers={"Idempotency-Key": "key"}).json()
    [found] = codes.find(taken["subject"], (NEW, *CODE_KEYS), TENANT).codes
    assert found.text == taken["code"]
    assert codes.find(taken["subject"], (NEW,), TENANT).codes == ()
    later = codes.issue(found.number, (NEW, *CODE_KEYS), TENANT).text
    assert later != found.text
    assert codes.find(later, CODE_KEYS, TENANT).codes == ()


def test_a_link_out_of_a_campaign_outlives_every_change_of_the_code_keys(
    api: Api, token: str, storage: FakePorts
) -> None:
    started = start(api, token, contacts=["C-1"])
    assert started.status_code == 202, started.text
    before = process(storage, *CODE_KEYS)
    for command in storage.queue.take(RunCampaign):
        before.run_campaign(command)
    for mail in storage.queue.take(SendMail):
        before.send_due(mail)
    [link] = links(storage)
    assert process(storage, NEW).unsubscribe(link)
    assert len(storage.silences.rows) == 1
