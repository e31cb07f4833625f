"""What every `ports.MessageStore` must do with mails that are written together."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.filing.filing import DONE, StoredMessage
from shared.domain.mail.messages import Direction
from shared.ports.stores.filing import NewMail, Word
from tests.builders import (
    NOW,
    a_copy,
    a_dependent,
    a_document,
    a_stored_message,
    a_triaged_message,
    an_item,
)

LATER = NOW + timedelta(hours=1)
# Two in each of two partitions.
A, B, C, D = "0a" * 16, "1b" * 16, "8c" * 16, "9d" * 16


def a_mail(key, *, after=(), dependents=(), document=None, **changes):
    copy = a_copy(item=an_item(f"item-{key}"))
    message = a_stored_message(key=key, **changes)
    return NewMail(message, document or a_document(), copy, tuple(dependents), frozenset(after))


def create(storage, tenant, *mails):
    return storage.messages.create_together(tenant, list(mails))


def dependents(storage, tenant, key):
    return set(storage.messages.dependents(tenant, key))


def noise(size, seed):
    """Text that does not compress."""
    return random.Random(seed).randbytes(size // 2).hex()


class TestInserts:
    def test_each_comes_back_as_it_was_created(self, storage, tenant):
        document = a_document(subject="Another subject")
        mails = [a_mail(A), a_mail(B, document=document), a_mail(C), a_mail(D, conversation="c" * 32)]
        created = create(storage, tenant, *mails)
        assert created == {key: storage.messages.get(tenant, key) for key in (A, B, C, D)}
        assert replace(created[B], etag="") == mails[1].message
        assert storage.messages.document(tenant, B) == document
        assert storage.messages.copies(tenant, C) == [mails[2].copy]

    def test_what_is_there_is_left_as_it_is_and_so_is_what_comes_after_it(self, storage, tenant):
        standing = storage.messages.create(tenant, a_triaged_message(key=A), a_document(), a_copy()).message
        created = create(
            storage, tenant, a_mail(A), a_mail(C, after=(A,)), a_mail(D, after=(C,)), a_mail("cc" * 16)
        )
        assert created.keys() == {"cc" * 16}
        assert storage.messages.get(tenant, A) == standing
        assert storage.messages.copies(tenant, A) == [a_copy()]
        assert storage.messages.get(tenant, C) is storage.messages.get(tenant, D) is None

    def test_one_that_is_there_keeps_no_other_from_its_place(self, storage, tenant):
        storage.messages.create(tenant, a_triaged_message(key=A), a_document(), a_copy())
        assert create(storage, tenant, a_mail(A), a_mail(B), a_mail(C)).keys() == {B, C}

    def test_an_awaited_mail_counts_as_there(self, storage, tenant):
        storage.messages.wait_for(tenant, A, a_dependent())
        assert create(storage, tenant, a_mail(A)) == {}
        assert storage.messages.is_awaited(tenant, A)

    def test_what_comes_after_a_mail_that_is_not_among_them_is_left_out(self, storage, tenant):
        assert create(storage, tenant, a_mail(B, after=(A,))) == {}
        assert storage.messages.get(tenant, B) is None

    def test_dependents_come_along_and_stay_when_the_mail_is_saved(self, storage, tenant):
        created = create(
            storage, tenant, a_mail(A, dependents=(a_dependent(1), a_dependent(2))), a_mail(C, after=(A,))
        )
        assert not created[A].has_dependents
        assert storage.messages.get(tenant, A).has_dependents
        storage.messages.save(tenant, replace(created[A], state=DONE))
        assert storage.messages.get(tenant, A).has_dependents
        assert dependents(storage, tenant, A) == {a_dependent(1), a_dependent(2)}

    @pytest.mark.parametrize("keys", [(A, B, C, D), (A, C, B, D), (D, C, B, A)])
    def test_a_chain_is_inserted_whole(self, storage, tenant, keys):
        parents = [(), *((key,) for key in keys)]
        chain = [a_mail(key, after=after) for key, after in zip(keys, parents, strict=False)]
        assert create(storage, tenant, *chain).keys() == set(keys)

    def test_more_than_a_transaction_takes_are_all_inserted(self, storage, tenant):
        mails = [
            a_mail(f"{number:032x}", document=a_document(text=noise(40_000, number))) for number in range(40)
        ]
        mails += [a_mail("c" * 32, document=a_document(text=noise(200_000, 1)), after={mails[-1].key})]
        assert create(storage, tenant, *mails).keys() == {mail.key for mail in mails}
        assert storage.messages.document(tenant, mails[-1].key) == mails[-1].document

    def test_each_is_in_its_conversation_at_once(self, storage, tenant):
        conversation = "c" * 32
        unfiled = replace(a_mail(C), message=a_triaged_message(key=C, conversation=conversation))
        create(storage, tenant, a_mail(A, conversation=conversation), unfiled)
        sent = a_stored_message(key=D, conversation=conversation, direction=Direction.OUT)
        storage.messages.create(tenant, sent, a_document(), a_copy())
        found = storage.messages.of_conversation(tenant, conversation, until=LATER, apart_from=())
        assert {hit.key for hit in found} == {A, D}


def word(message: StoredMessage, number=1):
    return Word(message.key, message.etag, a_dependent(number))


class TestWords:
    def test_word_stands_with_mails_that_nobody_has_changed(self, storage, tenant):
        created = create(storage, tenant, a_mail(A), a_mail(B), a_mail(C))
        words = [word(created[A], 1), word(created[A], 2), word(created[B]), word(created[C])]
        assert storage.messages.leave_words(tenant, words) == set(words)
        assert dependents(storage, tenant, A) == {a_dependent(1), a_dependent(2)}
        assert storage.messages.get(tenant, C).has_dependents

    def test_no_word_stands_with_a_mail_that_has_changed(self, storage, tenant):
        created = create(storage, tenant, a_mail(A), a_mail(B))
        storage.messages.save(tenant, replace(created[A], state=DONE))
        words = [word(created[A]), word(created[B])]
        assert storage.messages.leave_words(tenant, words) == {words[1]}
        assert dependents(storage, tenant, A) == set()

    def test_whoever_saves_a_mail_as_it_was_before_the_word_reads_it_again(self, storage, tenant):
        created = create(storage, tenant, a_mail(A))
        storage.messages.leave_words(tenant, [word(created[A])])
        assert storage.messages.save_together(tenant, [created[A]]) == {}

    def test_two_that_have_read_a_mail_differently_both_leave_none(self, storage, tenant):
        before = create(storage, tenant, a_mail(A))[A]
        after = storage.messages.save(tenant, replace(before, state=DONE))
        words = [word(before, 1), word(after, 2)]
        assert words[0] not in storage.messages.leave_words(tenant, words)

    def test_word_with_a_mail_that_is_not_there_makes_it_awaited(self, storage, tenant):
        words = [Word(A, "", a_dependent(1)), Word(A, "", a_dependent(2))]
        assert storage.messages.leave_words(tenant, words) == set(words)
        assert storage.messages.is_awaited(tenant, A)
        assert dependents(storage, tenant, A) == {a_dependent(1), a_dependent(2)}

    def test_no_word_stands_where_a_mail_is_that_was_not_found(self, storage, tenant):
        create(storage, tenant, a_mail(A))
        assert storage.messages.leave_words(tenant, [Word(A, "", a_dependent())]) == set()
        assert not storage.messages.get(tenant, A).has_dependents

    def test_no_word_stands_with_a_mail_that_has_gone(self, storage, tenant):
        assert storage.messages.leave_words(tenant, [Word(A, 'W/"1"', a_dependent())]) == set()
        assert storage.messages.get(tenant, A) is None


class TestSaves:
    def test_all_are_written_but_those_that_have_changed(self, storage, tenant):
        created = create(storage, tenant, a_mail(A), a_mail(B), a_mail(C))
        changed = storage.messages.save(tenant, replace(created[B], kind="reply"))
        done = [replace(message, state=DONE) for message in created.values()]
        saved = storage.messages.save_together(tenant, done)
        assert saved == {key: storage.messages.get(tenant, key) for key in (A, C)}
        assert {message.state for message in saved.values()} == {DONE}
        assert storage.messages.get(tenant, B) == changed

    def test_one_that_is_not_there_is_not_written(self, storage, tenant):
        assert storage.messages.save_together(tenant, [a_stored_message(etag='W/"1"')]) == {}
        assert storage.messages.get(tenant, a_stored_message().key) is None


def blobs(azure, tenant):
    names = azure.connection.container("bodies").list_blob_names(name_starts_with=f"{tenant}/")
    return sorted(names)


@pytest.mark.stack
class TestLargeBodies:
    def test_the_body_of_an_insert_that_was_refused_is_removed(self, azure, tenant):
        create(azure, tenant, a_mail(A, document=a_document(text=noise(200_000, 1))))
        before = blobs(azure, tenant)
        other = a_mail(A, document=a_document(text=noise(200_000, 2)))
        behind = a_mail(C, after=(A,), document=a_document(text=noise(200_000, 3)))
        assert len(before) == 1
        assert create(azure, tenant, other, behind) == {}
        assert blobs(azure, tenant) == before

    def test_the_body_that_the_row_names_stays_whoever_tries_again(self, azure, tenant):
        mail = a_mail(A, document=a_document(text=noise(200_000, 1)))
        create(azure, tenant, mail)
        assert create(azure, tenant, mail) == {}
        assert azure.messages.document(tenant, A) == mail.document


@pytest.mark.stack
class TestRequests:
    def test_a_group_is_inserted_by_a_request_a_bucket(self, azure, tenant):
        azure.requests.clear()
        create(azure, tenant, a_mail(A), a_mail(B), a_mail(C), a_mail(D, after=(C,)))
        assert len(azure.requests) == 2

    def test_a_mail_that_is_there_costs_a_request_more(self, azure, tenant):
        create(azure, tenant, a_mail(A))
        azure.requests.clear()
        create(azure, tenant, a_mail(A), a_mail(B), a_mail(C), a_mail(D))
        assert len(azure.requests) == 3

    def test_words_and_saves_are_written_by_a_request_a_bucket(self, azure, tenant):
        created = create(azure, tenant, a_mail(A), a_mail(B), a_mail(C))
        azure.requests.clear()
        azure.messages.save_together(tenant, list(created.values()))
        assert len(azure.requests) == 2
        fresh = [azure.messages.get(tenant, key) for key in (A, B, C)]
        azure.requests.clear()
        azure.messages.leave_words(tenant, [word(message) for message in fresh])
        assert len(azure.requests) == 2
