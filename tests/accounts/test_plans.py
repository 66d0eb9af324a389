"""Plans belong to one organisation, have one name each, and can rest."""

import pytest

from accounts.errors import InvalidAccountValue, NoSuchOrganisation, NoSuchPlan, PlanExists

WHAT = {"cron": "0 6 * * 1-5", "time_zone": "Europe/Berlin", "request": '{"scope":"lots"}'}


@pytest.fixture
def acme(accounts):
    accounts.create_organisation("acme")
    accounts.create_organisation("other")
    return accounts


def test_a_plan_can_be_read_again(acme):
    made = acme.plans.add("acme", "Morning lots", **WHAT)
    assert (made.organisation, made.name, made.active, made.last_tick_at) == (
        "acme", "Morning lots", True, None,
    )  # fmt: skip
    assert {field: getattr(made, field) for field in WHAT} == WHAT
    assert acme.plans.list("acme") == [made]
    assert acme.plans.list("other") == []


def test_a_name_is_taken_once_in_an_organisation(acme):
    acme.plans.add("acme", "Morning", **WHAT)
    with pytest.raises(PlanExists):
        acme.plans.add("acme", "Morning", **WHAT)
    acme.plans.add("other", "Morning", **WHAT)
    with pytest.raises(NoSuchOrganisation):
        acme.plans.add("nobody", "Morning", **WHAT)


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "UTC\x00"]
)
def test_an_unknown_time_zone_is_refused(acme, zone):
    with pytest.raises(InvalidAccountValue) as refused:
        acme.plans.add("acme", "Morning", **(WHAT | {"time_zone": zone}))
    assert refused.value.field == "time_zone"


def test_a_plan_rests_goes_on_and_is_removed(acme):
    plan_id = acme.plans.add("acme", "Morning", **WHAT).id
    acme.plans.pause("acme", plan_id)
    assert not acme.plans.list("acme")[0].active
    acme.plans.resume("acme", plan_id)
    assert acme.plans.list("acme")[0].active
    acme.plans.remove("acme", plan_id)
    assert acme.plans.list("acme") == []


@pytest.mark.parametrize("verb", ["pause", "resume", "remove"])
def test_another_organisations_plan_is_an_unknown_one(acme, verb):
    theirs = acme.plans.add("other", "Morning", **WHAT)
    for plan_id in (theirs.id, theirs.id + 1):
        with pytest.raises(NoSuchPlan):
            getattr(acme.plans, verb)("acme", plan_id)
    assert acme.plans.list("other") == [theirs]
