"""Names of those who ask for exports, instead of the ids that jobs keep."""

from collections.abc import Mapping

from accounts.store import Accounts


def names_of(accounts: Accounts, organisation: str) -> Mapping[str, str]:
    """Return names by id: of the organisation's keys, whether sent or signed in with, and of its schedules."""
    names = dict[str, str]()
    for key in accounts.keys_of(organisation):
        name = key.name or f"key {key.id}"
        names |= {f"key:{key.id}": name, f"session:{key.id}": name}
    names |= {
        f"schedule:{each.id}": f"schedule {each.name}" for each in accounts.schedules.list(organisation)
    }
    return names
