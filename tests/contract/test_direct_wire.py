"""The direct client against a server that behaves badly: resets, silence, answers cut short, connections gone stale."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest

from dev.processes import PATIENCE
from shared.adapters.storage.calls import Operation
from shared.adapters.storage.connection import Connection
from shared.adapters.storage.direct.exchange import Patience
from shared.adapters.storage.direct.wire import NoAnswerError, Parcel, Wire
from shared.adapters.storage.settings import StorageSettings
from shared.domain.errors import Conflict, Unavailable

pytestmark = pytest.mark.stack

ROW = {"PartitionKey": "p", "RowKey": "r"}
DONE = b"HTTP/1.1 204 No Content\r\nETag: W/2\r\n\r\n"
CHANGED = b"HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n"
CUT_SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
RESET = b""

Behaviour = Callable[[socket.socket], None]


def answers(content: bytes) -> Behaviour:
    """Reads a request, sends this and hangs up."""

    def behave(peer: socket.socket) -> None:
        peer.recv(65_536)
        peer.sendall(content)

    return behave


def keeps_open_then_hangs_up(peer: socket.socket) -> None:
    peer.recv(65_536)
    peer.sendall(DONE)
    # The next request may already be under way when the connection ends.
    peer.recv(65_536)


def says_nothing(peer: socket.socket) -> None:
    with suppress(OSError):
        peer.recv(65_536)
        peer.recv(65_536)


class Server:
    """Gives each connection the next behaviour; a connection ends with it."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.behaviours: list[Behaviour] = []
        self.served = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                peer, _ = self.listening.accept()
                with closing(peer):
                    self.served += 1
                    self.behaviours.pop(0)(peer)

    def stop(self) -> None:
        # Closing alone does not wake an accept on Linux.
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self._thread.join(PATIENCE)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def table(server: Server, retries: int = 3):
    settings = StorageSettings(f"AccountName=acc;AccountKey=bm90aGluZw==;TableEndpoint={server.origin}/acc")
    return Connection(settings, retries=retries).calls.table("Rows")


def exchange(origin: str, wire: Wire | None = None, *, patience: Patience | None = None):
    parcel = Parcel("GET", "/", {}, b"")
    return (wire or Wire(size=2)).exchange(origin, parcel, patience or Patience(PATIENCE, PATIENCE, 0))


@pytest.mark.parametrize("content", [RESET, CUT_SHORT, b"nonsense\r\n\r\n"], ids=["reset", "cut", "nonsense"])
def test_no_whole_answer_is_none(server, content):
    server.behaviours.append(answers(content))
    with pytest.raises(NoAnswerError) as caught:
        exchange(server.origin)
    assert caught.value.was_sent is True


def test_silence_ends_in_time(server):
    server.behaviours.append(says_nothing)
    with pytest.raises(NoAnswerError, match="ReadTimeoutError") as caught:
        exchange(server.origin, patience=Patience(PATIENCE, 0.1, 0))
    assert caught.value.was_sent is True


def test_nobody_listening_means_that_nothing_was_sent():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(NoAnswerError) as caught:
            exchange(origin)
    assert caught.value.was_sent is False


def test_a_reset_connection_is_replaced_at_once(server):
    server.behaviours += [answers(RESET), answers(DONE)]
    assert table(server).submit(Operation("upsert", ROW)) == "W/2"
    assert server.served == 2


def test_a_kept_connection_that_went_stale_is_replaced(server):
    server.behaviours += [keeps_open_then_hangs_up, answers(DONE)]
    rows = table(server)
    assert rows.submit(Operation("upsert", ROW)) == "W/2"
    assert rows.submit(Operation("upsert", ROW)) == "W/2"


@pytest.mark.parametrize("verb", ["merge", "replace"])
def test_an_update_whose_answer_was_lost_meets_its_own_write(server, verb):
    server.behaviours += [answers(RESET), answers(CHANGED)]
    with pytest.raises(Conflict):
        table(server).submit(Operation(verb, ROW, "W/1"))


def test_an_insert_whose_answer_was_lost_is_not_sent_again(server):
    server.behaviours += [answers(RESET), answers(DONE)]
    with pytest.raises(Unavailable):
        table(server).submit(Operation("create", ROW))
    assert server.served == 1


def test_a_transaction_whose_answer_was_lost_is_not_sent_again(server):
    server.behaviours += [answers(RESET), answers(DONE)]
    with pytest.raises(Unavailable):
        table(server).transact([Operation("upsert", ROW)])
    assert server.served == 1


def test_proxies_of_the_environment_are_not_asked(server, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    server.behaviours.append(answers(DONE))
    assert table(server).submit(Operation("upsert", ROW)) == "W/2"
