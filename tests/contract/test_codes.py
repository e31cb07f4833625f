"""What every `ports.Codes` must do."""

from tests.builders import KEY, a_ref

REFS = (a_ref("opportunity/O.1:~-"), a_ref("contact/C-1"))
OTHER = "1e" * 16
SENDER = "5a" * 16


class TestCodes:
    def test_a_claimed_code_leads_to_its_records(self, storage, tenant):
        assert storage.codes.claim(tenant, 0, REFS, KEY)
        assert storage.codes.claim(tenant, (1 << 30) - 1, REFS[:1], KEY)
        found = storage.codes.get_many(tenant, [0, (1 << 30) - 1, 7])
        assert found == {0: REFS, (1 << 30) - 1: REFS[:1]}

    def test_a_number_is_taken_once(self, storage, tenant):
        assert storage.codes.claim(tenant, 7, REFS, KEY)
        assert not storage.codes.claim(tenant, 7, REFS[:1], OTHER)
        assert storage.codes.get_many(tenant, [7]) == {7: REFS}

    def test_claiming_again_for_the_same_mail_is_a_success(self, storage, tenant):
        assert storage.codes.claim(tenant, 7, REFS, KEY)
        assert storage.codes.claim(tenant, 7, REFS, KEY)

    def test_codes_of_another_organisation_are_not_found(self, storage, tenant):
        storage.codes.claim("another-tenant" + tenant, 7, REFS, KEY)
        assert storage.codes.get_many(tenant, [7]) == {}

    def test_forged_codes_are_counted_by_sender_and_each_mail_once(self, storage, tenant):
        assert storage.codes.note_forged(tenant, SENDER, KEY, 2) == 2
        assert storage.codes.note_forged(tenant, SENDER, KEY, 2) == 2
        assert storage.codes.note_forged(tenant, SENDER, OTHER, 1) == 3
        assert storage.codes.note_forged(tenant, SENDER[:-1] + "b", KEY, 1) == 1
