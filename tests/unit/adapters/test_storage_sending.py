"""What is sent again and what is not, and which error a refusal becomes."""

import pytest

from shared.adapters.storage.direct.exchange import Patience, Request, Service
from shared.adapters.storage.direct.sending import LONGEST_WAIT, delay
from shared.domain.errors import Conflict, NotFound, Rejected, Throttled, Unavailable
from tests.unit.adapters.scripted_wire import LOST, NOT_SENT, ScriptedWire, answer

READ = Request(Service.TABLE, "Rows", "GET", "/Rows()", (("$filter", "a eq 'ü'"), ("$top", "5")))
REPLACE = Request(Service.TABLE, "Rows", "PUT", "/Rows(PartitionKey='p',RowKey='r')", body=b"{}")
INSERT = Request(Service.TABLE, "Rows", "POST", "/Rows", body=b"{}", repeatable=False)
BUSY = answer(503, b'{"odata.error":{"code":"ServerBusy","message":{"value":"busy"}}}')


def test_a_request_goes_where_its_service_is_with_its_query_encoded():
    wire = ScriptedWire(answer())
    wire.sender().send(READ)
    [parcel] = wire.parcels
    assert wire.origins == ["https://acc.table.core.windows.net"]
    assert (parcel.method, parcel.target) == ("GET", "/Rows()?$filter=a%20eq%20%27%C3%BC%27&$top=5")
    assert parcel.headers["x-ms-version"] == "2020-12-06"
    assert parcel.headers["x-ms-date"].endswith(" GMT")
    assert parcel.headers["Authorization"].startswith("SharedKey acc:")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("request_", [READ, REPLACE, INSERT])
def test_a_passing_fault_is_tried_three_times_more(status, request_):
    wire = ScriptedWire(answer(status), answer(status), answer(status), answer(204, ETag="new"))
    assert wire.sender().send(request_).headers["ETag"] == "new"
    assert wire.slept[0] == 0.0, "the first try again costs no wait"
    assert wire.heard == [(request_.method, status)] * 3 + [(request_.method, 204)]


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 501])
def test_what_will_not_change_is_asked_once(status):
    wire = ScriptedWire(answer(status))
    with pytest.raises((Rejected, NotFound, Conflict, Unavailable)):
        wire.sender().send(REPLACE)
    assert len(wire.parcels) == 1
    assert wire.slept == []


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirection_is_no_success(status):
    """A gateway's answer: nothing was written."""
    wire = ScriptedWire(answer(status, Location="https://elsewhere.example/"))
    with pytest.raises(Unavailable, match=f"Rows: {status}"):
        wire.sender().send(REPLACE)
    assert wire.origins == ["https://acc.table.core.windows.net"]


def test_a_fault_that_stays_is_told_with_its_code():
    wire = ScriptedWire(BUSY, BUSY)
    with pytest.raises(Throttled, match="Rows: 503 ServerBusy"):
        wire.sender(retries=1).send(READ)


def test_a_short_wait_that_storage_asks_for_is_kept():
    wire = ScriptedWire(answer(503, Retry_After="2"), answer())
    wire.sender().send(READ)
    assert wire.slept == [2.0]


def test_a_long_one_is_handed_on_instead_of_holding_a_worker():
    wire = ScriptedWire(answer(503, Retry_After="30"))
    with pytest.raises(Throttled) as caught:
        wire.sender().send(READ)
    assert caught.value.retry_after == 30.0
    assert wire.slept == []


@pytest.mark.parametrize("request_", [READ, REPLACE])
def test_a_lost_answer_is_asked_for_again(request_):
    wire = ScriptedWire(LOST, answer(204, ETag="new"))
    assert wire.sender().send(request_).headers["ETag"] == "new"
    assert wire.heard == [(request_.method, 204)], "what was not answered is not counted"


def test_an_update_may_meet_its_own_write():
    """The first try was carried out and its answer lost: the caller reads again and compares."""
    wire = ScriptedWire(LOST, answer(412, x_ms_error_code="UpdateConditionNotSatisfied"))
    with pytest.raises(Conflict, match="Rows: 412 UpdateConditionNotSatisfied"):
        wire.sender().send(REPLACE)


def test_an_insert_whose_answer_was_lost_is_not_sent_again():
    wire = ScriptedWire(LOST)
    with pytest.raises(Unavailable, match="Rows: no answer"):
        wire.sender().send(INSERT)
    assert len(wire.parcels) == 1


def test_an_insert_that_was_refused_as_busy_may_meet_itself():
    """A 500 says nothing about what was done; the insert is tried again, as Azure's packages do."""
    wire = ScriptedWire(answer(500), answer(409, x_ms_error_code="EntityAlreadyExists"))
    with pytest.raises(Conflict, match="409 EntityAlreadyExists"):
        wire.sender().send(INSERT)


@pytest.mark.parametrize("request_", [READ, REPLACE, INSERT])
def test_what_never_left_is_sent_again_whatever_it_is(request_):
    wire = ScriptedWire(NOT_SENT, NOT_SENT, answer())
    wire.sender().send(request_)
    assert len(wire.parcels) == 3


def test_a_service_that_stays_away_is_unavailable():
    wire = ScriptedWire(*[NOT_SENT] * 4)
    with pytest.raises(Unavailable, match="Rows: no answer"):
        wire.sender().send(READ)
    assert len(wire.slept) == 3


def test_patience_of_its_own_goes_before():
    wire = ScriptedWire(LOST)
    with pytest.raises(Unavailable):
        wire.sender().send(READ, Patience(0.2, 0.3, retries=0))
    assert wire.patience == [Patience(0.2, 0.3, retries=0)]


def test_every_try_is_dated_and_signed_anew():
    wire = ScriptedWire(BUSY, answer())
    wire.sender().send(READ)
    first, second = wire.parcels
    assert first.headers is not second.headers


class Tokens:
    """Gives out `first`, and `second` once the first was refused."""

    def __init__(self) -> None:
        self.left = ["first", "second"]

    def authorization(self, request, path, headers):
        return f"Bearer {self.left[0]}"

    def renewed(self):
        self.left = self.left[1:] or self.left
        return True


def test_a_refused_token_is_renewed_once():
    wire = ScriptedWire(answer(401), answer(200), answer(401), answer(401))
    sender = wire.sender(retries=0, authority=Tokens())
    sender.send(READ)
    assert [parcel.headers["Authorization"] for parcel in wire.parcels] == ["Bearer first", "Bearer second"]
    with pytest.raises(Unavailable, match="401"):
        sender.send(READ)


@pytest.mark.parametrize(
    "body",
    [
        b'{"odata.error":{"code":"TableNotFound","message":{"lang":"en-US","value":"secret@contoso.example"}}}',
        b'<?xml version="1.0"?><Error><Code>QueueNotFound</Code><Message>secret@contoso.example</Message></Error>',
    ],
)
def test_the_code_is_read_from_json_and_xml_and_the_text_is_not_told(body):
    with pytest.raises(Unavailable, match="provisioned") as caught:
        ScriptedWire(answer(404, body)).sender().send(READ)
    assert "secret" not in str(caught.value)


def test_waits_grow_up_to_a_limit():
    assert delay(0) == 0.0
    assert 0.6 <= delay(1) <= 0.8
    assert 1.2 <= delay(2) <= 1.6
    assert delay(30) <= LONGEST_WAIT
