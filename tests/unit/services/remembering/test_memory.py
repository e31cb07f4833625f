"""What is remembered: for how long, how much of it, and what a write at the same time makes of it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from shared.services.remembering.memory import Memory
from tests.builders import NOW


class Source:
    """Numbers by key, each read one more than the last one; counts what is read."""

    def __init__(self) -> None:
        self.now = NOW
        self.asked: list[list[str]] = []

    def memory(self, size: int = 10) -> Memory[str, int]:
        return Memory(timedelta(seconds=30), size, lambda: self.now, lambda value: value < 100)

    def __call__(self, keys: list[str]) -> Mapping[str, int]:
        self.asked.append(keys)
        return {key: len(self.asked) for key in keys if key != "absent"}


def test_a_value_is_read_once_until_its_time_is_over() -> None:
    source = Source()
    memory = source.memory()
    assert memory.read(["a"], source) == {"a": 1}
    source.now += timedelta(seconds=29, milliseconds=999)
    assert memory.read(["a"], source) == {"a": 1}
    source.now += timedelta(milliseconds=1)
    assert memory.read(["a"], source) == {"a": 2}


def test_reading_it_again_does_not_make_it_younger() -> None:
    source = Source()
    memory = source.memory()
    memory.read(["a"], source)
    source.now += timedelta(seconds=20)
    memory.read(["a"], source)
    source.now += timedelta(seconds=20)
    assert memory.read(["a"], source) == {"a": 2}


def test_its_age_counts_from_before_the_read() -> None:
    source = Source()
    memory = source.memory()

    def slow(keys: list[str]) -> Mapping[str, int]:
        source.now += timedelta(seconds=30)
        return source(keys)

    memory.read(["a"], slow)
    assert memory.read(["a"], source) == {"a": 2}


def test_a_clock_that_is_set_back_makes_nothing_last() -> None:
    source = Source()
    memory = source.memory()
    memory.read(["a"], source)
    source.now -= timedelta(hours=1)
    assert memory.read(["a"], source) == {"a": 2}


def test_only_what_is_missing_is_read_and_each_key_once() -> None:
    source = Source()
    memory = source.memory()
    memory.read(["a"], source)
    assert memory.read(["a", "b", "c", "b"], source) == {"a": 1, "b": 2, "c": 2}
    assert source.asked == [["a"], ["b", "c"]]


def test_who_does_not_go_by_it_reads_and_serves_who_does() -> None:
    source = Source()
    memory = source.memory()
    memory.read(["a"], source)
    assert memory.read(["a"], source, is_remembered=False) == {"a": 2}
    assert memory.read(["a"], source) == {"a": 2}


def test_nothing_goes_before_there_are_too_many() -> None:
    source = Source()
    memory = source.memory(size=10)
    for key in "abcdefghij":
        memory.read([key], source)
    memory.read(list("abcdefghij"), source)
    assert len(source.asked) == 10


def test_neither_what_is_absent_nor_what_may_not_be_kept_is_remembered() -> None:
    source = Source()
    memory = source.memory()
    memory.read(["absent"], source)
    memory.read(["absent"], source)
    assert memory.read(["big"], lambda keys: dict.fromkeys(keys, 100)) == {"big": 100}
    assert memory.read(["big"], source) == {"big": 3}


def test_of_too_many_those_read_first_go() -> None:
    source = Source()
    memory = source.memory(size=2)
    memory.read(["a", "b"], source)
    source.now += timedelta(seconds=1)
    memory.read(["c"], source)
    assert memory.read(["b", "c"], source) == {"b": 1, "c": 2}
    assert memory.read(["a"], source) == {"a": 3}


def test_a_write_drops_what_it_changes_and_nothing_else() -> None:
    source = Source()
    memory = source.memory()
    memory.read(["a", "b"], source)
    memory.forget(lambda key, value: (key, value) == ("a", 1))
    assert memory.read(["a", "b"], source) == {"a": 2, "b": 1}


def test_what_was_being_read_during_a_write_is_not_remembered() -> None:
    source = Source()
    memory = source.memory()

    def overtaken(keys: list[str]) -> Mapping[str, int]:
        read = source(keys)
        memory.forget(lambda _key, _value: False)
        return read

    assert memory.read(["a"], overtaken) == {"a": 1}
    assert memory.read(["a"], source) == {"a": 2}


def test_threads_that_read_and_forget_at_once_stay_within_the_size() -> None:
    memory: Memory[int, int] = Memory(timedelta(seconds=30), 5, lambda: NOW, lambda _: True)
    together = Barrier(8)

    def work(number: int) -> dict[int, int]:
        together.wait()
        for start in range(200):
            memory.forget(lambda key, _: key % 8 == number)
            read = memory.read(range(start, start + 4), lambda keys: {key: -key for key in keys})
            assert read == {key: -key for key in range(start, start + 4)}
        return memory.read([], lambda _: {})

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [{}] * 8
    unread: list[int] = []

    def load(keys: list[int]) -> Mapping[int, int]:
        unread.extend(keys)
        return {}

    memory.read(range(204), load)
    assert len(unread) >= 204 - 5
