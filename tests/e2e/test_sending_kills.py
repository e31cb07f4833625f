"""Agents send while the host is killed, under both readings of Graph: a few of the kills of `bench.send_kills`."""

from bench.send_kills import run
from dev.stack import Stack, StackOptions

# What a killed worker was about to hand over is sent again after ten minutes only.
ON_THEIR_WAY = {"queued", "held", "drafted", "sending", "sent"}


def test_hosts_that_are_killed_while_they_send_send_nothing_twice_and_lose_nothing() -> None:
    with Stack(StackOptions(shorten=4, invisibility=5)) as stack:
        ran = run(stack, kills=4, mails=24, seed=5, wait=90)
        found = ran.load.verdict(ran.tenant.control.outbound())
    assert (ran.killed, ran.load.refused, len(ran.load.asked)) == (4, [], 24)
    assert (found.twice, found.without_code) == ([], [])
    waiting = {mail.token: mail.row["state"] for mail in ran.waiting}
    assert set(waiting.values()) <= ON_THEIR_WAY
    assert {line[:7] for line in found.lost} <= set(waiting)
    assert {line[:7] for line in found.entries} <= set(waiting)
    assert len(waiting) < len(ran.load.asked)
