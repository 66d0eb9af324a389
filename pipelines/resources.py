"""Dagster resources: they hold configuration and create the plain stores."""

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
        return Catalogue(catalogue_url(self.storage_url), frugal=True)


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
        keys = PipelineSettings().webhook_keys
        return Accounts(self.database_url, Vault([key for key in keys.get_secret_value().split(",") if key]))


RESOURCES = {
    "io_manager": StepOutputsResource(),
    "catalogue": CatalogueResource(storage_url=dg.EnvVar("LABELS_STORAGE_URL")),
    "artefacts": ArtefactStoreResource(storage_url=dg.EnvVar("LABELS_STORAGE_URL")),
    "accounts": AccountsResource(database_url=dg.EnvVar("LABELS_DATABASE_URL")),
}
