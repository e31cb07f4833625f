"""Tokens of the app's identity: fetched once, replaced in time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.storage.direct.bearer import EARLY, SCOPE, Bearer
from shared.adapters.storage.direct.exchange import Request, Service
from shared.domain.errors import Unavailable

REQUEST = Request(Service.TABLE, "Rows", "GET", "/Rows()")


class Identity:
    """Gives a token of an hour, the next at each call; fails while `down`."""

    def __init__(self, clock):
        self.clock = clock
        self.asked = []
        self.down = False

    def get_token(self, *scopes, **_options):
        self.asked.append(scopes)
        if self.down:
            raise ClientAuthenticationError("carries a secret@contoso.example")
        return AccessToken(f"t{len(self.asked)}", int(self.clock() + 3_600))


@pytest.fixture
def now():
    return [1_000_000.0]


@pytest.fixture
def identity(now):
    return Identity(lambda: now[0])


@pytest.fixture
def bearer(identity, now):
    return Bearer(identity, clock=lambda: now[0])


def ask(bearer):
    return bearer.authorization(REQUEST, REQUEST.path, {})


def test_one_token_serves_until_shortly_before_its_end(bearer, identity, now):
    assert ask(bearer) == ask(bearer) == "Bearer t1"
    now[0] += 3_600 - EARLY
    assert ask(bearer) == "Bearer t1"
    now[0] += 1
    assert ask(bearer) == "Bearer t2"
    assert identity.asked == [(SCOPE,)] * 2


def test_a_token_that_was_refused_is_replaced(bearer):
    assert ask(bearer) == "Bearer t1"
    assert bearer.renewed() is True
    assert ask(bearer) == "Bearer t2"


def test_the_old_token_serves_while_the_identity_is_away(bearer, identity, now):
    ask(bearer)
    identity.down = True
    now[0] += 3_600 - EARLY + 1
    assert ask(bearer) == "Bearer t1"
    identity.down = False
    assert ask(bearer) == "Bearer t3"


def test_without_a_token_storage_is_unavailable(bearer, identity, now):
    identity.down = True
    with pytest.raises(Unavailable, match="no token for storage") as caught:
        ask(bearer)
    assert "secret" not in str(caught.value)


def test_an_ended_token_is_of_no_use(bearer, identity, now):
    ask(bearer)
    identity.down = True
    now[0] += 3_600
    with pytest.raises(Unavailable):
        ask(bearer)


def test_threads_wait_for_the_one_that_fetches(now):
    class Slow(Identity):
        def get_token(self, *scopes, **options):
            time.sleep(0.05)
            return super().get_token(*scopes, **options)

    identity = Slow(lambda: now[0])
    bearer = Bearer(identity, clock=lambda: now[0])
    start = threading.Barrier(8)

    def together(_):
        start.wait()
        return ask(bearer)

    with ThreadPoolExecutor(8) as workers:
        assert set(workers.map(together, range(8))) == {"Bearer t1"}
    assert len(identity.asked) == 1
