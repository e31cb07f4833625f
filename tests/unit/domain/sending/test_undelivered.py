"""What a report of non-delivery proves of an address."""

import pytest

from shared.domain.mail.bounces import Bounce
from shared.domain.sending.undelivered import Meaning, undelivered

JANE = "jane@client.example"


@pytest.mark.parametrize(
    ("status", "diagnostic", "meaning"),
    [
        ("5.1.1", "550 5.1.1 no such user", Meaning.DEAD),
        ("5.1.10", "RecipientNotFound", Meaning.DEAD),
        ("5.2.1", "mailbox disabled", Meaning.DEAD),
        ("5.1.7", "bad sender address", Meaning.OF_US),
        ("5.1.8", "sender's domain not found", Meaning.OF_US),
        ("5.7.1", "client host blocked by a block list; poor reputation", Meaning.OF_US),
        ("5.7.515", "", Meaning.OF_US),
        ("5.1.1", "550 rejected: SPF fail", Meaning.OF_US),
        ("5.0.0", "554 message looks like spam", Meaning.OF_US),
        ("5.2.2", "mailbox full", Meaning.UNCLEAR),
        ("5.4.1", "", Meaning.UNCLEAR),
        ("", "unknown user", Meaning.UNCLEAR),
        ("4.4.7", "delivery time expired", Meaning.PASSING),
    ],
)
def test_only_a_dead_address_is_kept_out_of_campaigns(status: str, diagnostic: str, meaning: Meaning) -> None:
    [found] = undelivered([Bounce(JANE, status, not status.startswith("4"), diagnostic)], [JANE])
    assert found.meaning is meaning
    assert found.silenced is (meaning is Meaning.DEAD)
    assert JANE in found.sentence


def test_a_report_that_names_somebody_whom_nobody_wrote_to_is_a_forward() -> None:
    bounces = [Bounce("j.d@private.example", "5.1.1", True, "no such user"), Bounce(JANE, "5.1.1", True, "")]
    forwarded, dead = undelivered(bounces, ["Carl@client.example", JANE])
    assert (forwarded.meaning, forwarded.silenced) == (Meaning.FORWARDED, False)
    assert (dead.meaning, dead.silenced) == (Meaning.DEAD, True)
    assert "to whom nobody wrote" in forwarded.sentence
