"""Mails that are meant to cost: each is filed or fails alone, at few calls, and mail beside it is filed.

What hostile text costs the parsers, `test_hostile_text.py` measures; what hostile bodies do, `tests/unit/bench`.
"""

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.builders import AGENT, CONTACT, NOW, TENANT, a_record, an_attachment, people
from tests.cpu import check_cost
from tests.security.house import ANN_ID
from tests.unit.api.direct import Direct
from tests.unit.api.tokens import Issuer
from tests.unit.api.wiring import Api, Served
from tests.unit.services.world import World

HEAVY_ID: Final = "heavy@fabrikam.example"
# Of the heavy mail and the ordinary one beside it: up to 500 attachments are fetched and stored.
MOST_READS: Final = 50
MOST_WRITES: Final = 520
MOST_MAIL_CALLS: Final = 520
MOST_ROUNDS: Final = 20.0


def addresses(number: int, domain: str = "d{}.example") -> tuple[Any, ...]:
    return people(*(f"a{count}@{domain.format(count)}" for count in range(number)))


def files(number: int) -> dict[str, Any]:
    attached = tuple(
        an_attachment(id=str(count), source_id=f"f{count}", name=f"{count}.pdf") for count in range(number)
    )
    return {"attachments": attached, "contents": {f"f{count}": b"x" for count in range(number)}}


HEAVY: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "5,000 recipients": lambda: {"to": (*people(AGENT), *addresses(5_000))},
    "5,000 copies of one recipient": lambda: {"cc": people(*[CONTACT] * 5_000)},
    "5,000 people to answer to": lambda: {"reply_to": addresses(5_000)},
    "recipients below one domain": lambda: {"cc": addresses(3_000, "x{}.deep.fabrikam.example")},
    "names of a megabyte": lambda: {"sender": CONTACT, "subject": "x" * 1_000_000},
    "a subject of prefixes": lambda: {"subject": "Re: AW: " * 50_000},
    "a subject of codes": lambda: {"subject": "[PL-000000-ABCD] " * 20_000},
    "10,000 references": lambda: {"references": tuple(f"r{count}@x.example" for count in range(10_000))},
    "10,000 mails that it answers": lambda: {
        "in_reply_to": tuple(f"p{count}@x.example" for count in range(10_000))
    },
    "references to itself": lambda: {"in_reply_to": (HEAVY_ID,), "references": (HEAVY_ID,) * 5_000},
    "2,000 attachments": lambda: files(2_000),
    "10,000 headers": lambda: {"headers": tuple((f"x-{count}", "y" * 100) for count in range(10_000))},
    "1,000 results of authentication": lambda: {
        "headers": (("authentication-results", "dmarc=fail; " * 900),) * 1_000
    },
    "a thread index without end": lambda: {"conversation_index": "A" * 1_000_000},
    "a body of 100,000 tags": lambda: {"html": "<div>" * 100_000, "text": ""},
    "a body of 5 MB": lambda: {"text": "word " * 1_000_000, "html": ""},
    "a body of codes": lambda: {"text": "[PL-000000-ABCD]\n" * 30_000, "html": ""},
    "a body of addresses": lambda: {"text": "bo@fabrikam.example, " * 50_000, "html": ""},
    "quotes within quotes": lambda: {"text": "> " * 500_000, "html": ""},
    "a Message-ID of a megabyte": lambda: {"message_id": "x" * 1_000_000 + "@x.example"},
    "a report of 5,000 failures": lambda: {
        "sender": "MAILER-DAEMON@fabrikam.example",
        "headers": (
            ("x-failed-recipients", ",".join(f"a{count}@fabrikam.example" for count in range(5_000))),
        ),
    },
}


def a_world() -> World:
    world = World()
    world.rewrite(capture="everything", agent_id=ANN_ID)
    world.records(a_record(), a_record("client/K-1", domains=("fabrikam.example",)))
    return world


def deliver(world: World, name: str) -> Any:
    return world.deliver(**{"message_id": HEAVY_ID, "received_at": NOW, **HEAVY[name]()})


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_mail_is_filed_or_fails_alone_at_few_calls(name: str, issuer: Issuer) -> None:
    world = a_world()
    heavy = deliver(world, name)
    good = world.deliver(message_id="good@fabrikam.example")
    world.storage.faults.clear()
    world.mail.calls.clear()
    world.walk()
    world.work()
    assert world.outcome(good)[0] == "filed"
    assert world.outcome(heavy)[0] in ("filed", "triage", "failed")
    assert {failure.code for failure in world.storage.exceptions.all} <= {"unreadable"}
    assert len(world.storage.faults.reads) < MOST_READS
    assert len(world.storage.faults.writes) < MOST_WRITES
    assert world.mail.calls.total() < MOST_MAIL_CALLS
    check_reading(world, issuer)


def check_reading(world: World, issuer: Issuer) -> None:
    """Whatever shows the mail answers."""
    api = Api(Direct(Served(world.storage, issuer)), world.storage, issuer)
    token = issuer.user("Agent", "Admin", oid=ANN_ID)
    stored = world.storage.messages.rows.items()
    # A mail that is answered and not there has a row for those that wait for it.
    keys = [key for (tenant, key), row in stored if tenant == TENANT and row.message]
    paths = [f"messages/{key}{part}" for key in keys for part in ("", "/thread")]
    for path in ("inbox", "timelines/contact/C-1", "timelines/contact/C-1?q=word", *paths):
        answer = api.get(path, token)
        assert answer.status_code == 200, (path, answer.text[:300])


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_mail_costs_the_processor_seconds_at_most(name: str) -> None:
    world = a_world()
    deliver(world, name)

    def capture() -> None:
        world.walk()
        world.work()

    check_cost(capture, at_most=MOST_ROUNDS, name=name)
