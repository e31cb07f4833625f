"""Two contacts turn out to be one person, on the whole house."""

from dev.tenant import Tenant, a_mail, eventually


def subjects(tenant: Tenant, ref: str) -> list[str]:
    return sorted(one["subject"] for one in tenant.timeline(ref))


def test_old_mail_moves_and_new_mail_of_either_address_finds_the_survivor(tenant: Tenant) -> None:
    ann = tenant.agent("ann")
    tenant.connect(ann)
    tenant.contact("C-1", "bo@fabrikam.example")
    tenant.contact("C-2", "bo@home.example")
    tenant.deliver(ann, a_mail("bo@fabrikam.example", ann, "Before"))
    eventually(lambda: subjects(tenant, "contact/C-1") == ["Before"], what="the first mail")
    survivor = tenant.admin.call("POST", "records/contact/C-1/merge", json={"into": "C-2"})
    assert survivor["addresses"] == ["bo@home.example", "bo@fabrikam.example"]
    eventually(lambda: subjects(tenant, "contact/C-2") == ["Before"], what="the move")
    tenant.deliver(ann, a_mail("bo@fabrikam.example", ann, "From work"))
    tenant.deliver(ann, a_mail("bo@home.example", ann, "From home"))
    wanted = ["Before", "From home", "From work"]
    eventually(lambda: subjects(tenant, "contact/C-2") == wanted, what="mail after the merge")
    assert tenant.admin.raw("GET", "timelines/contact/C-1").status_code == 404
