"""Waits that Graph asks for, remembered by mailbox."""

import pytest

from shared.adapters.graph.waits import Waits
from shared.domain.errors import NotFound, Throttled, Unavailable


def test_no_call_is_let_through_before_the_wait_is_over() -> None:
    now = [100.0]
    waits = Waits(lambda: now[0])
    waits.note("t", "/users/a%40x.example/messages/1", Throttled("slow", 2.5))
    now[0] = 102.0
    with pytest.raises(Throttled) as caught:
        waits.check(
            "t", "https://graph.example/v1.0/users/A%40X.example/mailFolders/inbox/messages/delta?$top=1"
        )
    assert caught.value.retry_after == 0.5
    now[0] = 102.5
    waits.check("t", "/users/a%40x.example/messages/1")


@pytest.mark.parametrize(("tenant", "path"), [("u", "/users/a/messages"), ("t", "/users/b/messages")])
def test_other_mailboxes_and_tenants_are_free(tenant: str, path: str) -> None:
    waits = Waits(lambda: 0.0)
    waits.note("t", "/users/a/messages", Throttled("slow", 60))
    waits.check(tenant, path)


@pytest.mark.parametrize("error", [Unavailable("down"), NotFound("gone"), Throttled("slow")])
def test_an_error_without_a_wait_blocks_nobody(error: Exception) -> None:
    waits = Waits(lambda: 0.0)
    waits.note("t", "/users/a/messages", error)
    waits.check("t", "/users/a/messages")


def test_the_longer_of_two_waits_counts() -> None:
    waits = Waits(lambda: 0.0)
    waits.note("t", "/users/a/messages", Throttled("slow", 60))
    waits.note("t", "/users/a/messages", Throttled("slow", 1))
    with pytest.raises(Throttled) as caught:
        waits.check("t", "/users/a/messages")
    assert caught.value.retry_after == 60
