"""Dagster resources, which hold configuration and create the plain stores.

A process opens the catalogue and the accounts once for all its runs, because opening takes longer than drawing a small
export. Connections must not cross a fork, so a child opens its own.
"""

import os
from functools import lru_cache

import dagster as dg

from accounts.store import Accounts
from accounts.vault import Vault
from catalogue.tables import Catalogue, catalogue_url
from exports.artefacts import ArtefactStore
from pipelines.settings import PipelineSettings
from pipelines.storage.step_outputs import StepOutputsResource


class CatalogueResource(dg.ConfigurableResource[Catalogue]):
    """The catalogue's Delta tables below `storage_url`."""

    storage_url: str

    def create_resource(self, context: dg.InitResourceContext) -> Catalogue:
        del context
        return _catalogue(self.storage_url, os.getpid())


class ArtefactStoreResource(dg.ConfigurableResource[ArtefactStore]):
    """The jobs' manifests, parts and artefacts below `storage_url`."""

    storage_url: str

    def create_resource(self, context: dg.InitResourceContext) -> ArtefactStore:
        del context
        return ArtefactStore(self.storage_url)


class AccountsResource(dg.ConfigurableResource[Accounts]):
    """The SQL database. Only the code server has the keys for webhook secrets, and only it sends to webhooks."""

    database_url: str

    def create_resource(self, context: dg.InitResourceContext) -> Accounts:
        del context
        return _accounts_at(self.database_url)


def accounts() -> Accounts:
    """Return the accounts of this process. Its runs use the same object."""
    return _accounts_at(os.environ["LABELS_DATABASE_URL"])


def _accounts_at(database_url: str) -> Accounts:
    return _accounts(database_url, os.getpid())


@lru_cache(maxsize=1)
def _catalogue(storage_url: str, pid: int) -> Catalogue:
    del pid
    return Catalogue(catalogue_url(storage_url), frugal=True)


@lru_cache(maxsize=1)
def _accounts(database_url: str, pid: int) -> Accounts:
    del pid
    keys = PipelineSettings().webhook_keys.get_secret_value()
    return Accounts(database_url, Vault([key for key in keys.split(",") if key]))


RESOURCES = {
    "io_manager": StepOutputsResource(storage_url=dg.EnvVar("LABELS_STORAGE_URL")),
    "catalogue": CatalogueResource(storage_url=dg.EnvVar("LABELS_STORAGE_URL")),
    "artefacts": ArtefactStoreResource(storage_url=dg.EnvVar("LABELS_STORAGE_URL")),
    "accounts": AccountsResource(database_url=dg.EnvVar("LABELS_DATABASE_URL")),
}
