"""The façade's process reports invalid stored resolvers."""

import logging

from sqlalchemy import update

from accounts.store import Accounts
from accounts.tables import OrganisationRow
from cli.service.facade import report_resolvers


def test_stored_resolvers_that_are_none_are_reported(tmp_path, caplog):
    accounts = Accounts(f"sqlite:///{tmp_path}/accounts.sqlite")
    for slug, stored in (
        ("bad", "https://example.com/10/shop"),
        ("good", "https://id.good.example"),
        ("none", None),
        ("worse", "https://example.com/?gtin="),
    ):
        accounts.create_organisation(slug)
        with accounts._database.session() as session:
            # As a release stored it that knew fewer rules, or a hand in the database.
            session.execute(
                update(OrganisationRow).where(OrganisationRow.slug == slug).values(resolver=stored)
            )
    with caplog.at_level(logging.ERROR):
        report_resolvers(accounts)
    first, second = caplog.messages
    assert "'https://example.com/10/shop'" in first
    assert first.endswith("labels org resolver bad URL")
    assert "'https://example.com/?gtin='" in second
    assert second.endswith("labels org resolver worse URL")
    accounts.set_resolver("bad", "https://id.gs1.org")
    accounts.set_resolver("worse", "https://id.gs1.org")
    caplog.clear()
    report_resolvers(accounts)
    assert not caplog.messages
    accounts.close()
