"""The pages over real accounts, a real catalogue and real artefacts, behind the middleware of the API."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

import web.app
import web.error_pages
from accounts.identity import Role
from accounts.store import Accounts
from accounts.vault import Vault, derived_keys
from api.app import create_app
from api.auth.callers import known_session
from api.auth.settings import AuthSettings
from api.settings import ApiSettings
from catalogue.imports import ingest
from catalogue.tables import Catalogue
from exports.artefacts import ArtefactStore
from exports.printers.trays import Trays
from exports.reads import ExportReads
from pipelines.automation.schedules import CRON
from tests.api.imports_at_once import ImportsAtOnce
from tests.web.exports_at_once import ExportsAtOnce

SECRET = "a secret key of these tests, long enough for anything"

#: A text that would be an element of the page, or break out of an attribute, if it were not escaped.
HOSTILE = "\"'><img src=x onerror=alert(1)>&lt;"

#: The same within what a lot or a serial may hold: at most 20 characters, no spaces.
HOSTILE_LOT, HOSTILE_SERIAL = "<b>'\"&lt;</b>", "\"><i>&amp;'</i>"

PRODUCTS = 'gtin,name\n9506000134352,"{}"\n00012345678905,Beans\n4006381333931,Ink\n'.format(
    HOSTILE.replace('"', '""')
)
LOTS = 'gtin,lot_number,expiration_date\n9506000134352,"{}",2027-03-31\n00012345678905,L2,\n'.format(
    HOSTILE_LOT.replace('"', '""')
)
SERIALS = 'gtin,lot_number,serial_number\n9506000134352,"{}","{}"\n00012345678905,L2,S2\n'.format(
    HOSTILE_LOT.replace('"', '""'), HOSTILE_SERIAL.replace('"', '""')
)

LOTS_AS_QR = {
    "scope": "lots",
    "export_type": "qr_codes",
    "file_format": "svg",
    "printing": "any",
    "record_printed": "on",
}


@dataclass
class Browser:
    """A signed-in browser: each form that it sends has the session's token."""

    http: TestClient
    csrf: str

    def get(self, path, **options):
        return self.http.get(path, **options)

    def post(self, path, fields=(), **options):
        return self.http.post(path, data={"csrf": self.csrf, **dict(fields)}, **options)


@dataclass
class Site:
    """The pages, what is behind them, and browsers of several visitors."""

    app: object
    routes: list[Route]
    accounts: Accounts
    exports: ExportsAtOnce
    imports: ImportsAtOnce
    reads: ExportReads
    catalogue: Catalogue

    def browser(self, slug="acme", role=Role.MANAGER, ttl=timedelta(hours=1), key=None) -> Browser:
        key = key or self.accounts.create_key(slug, role)
        session = self.accounts.sessions.begin(self.accounts.authenticate(key), ttl)
        http = self.visitor()
        http.cookies.set("sessionid", session.session_id, domain="testserver.local")
        http.cookies.set("csrftoken", session.csrf_token, domain="testserver.local")
        return Browser(http, session.csrf_token)

    def visitor(self) -> TestClient:
        return TestClient(self.app, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    accounts = Accounts(f"sqlite:///{folder}/accounts.db", Vault(derived_keys([SECRET])))
    accounts.create_organisation("acme", "Acme " + HOSTILE)
    accounts.create_organisation("other")
    imports = ImportsAtOnce(folder)
    for slug in ("acme", "other"):
        files = {}
        for table, text in {"products": PRODUCTS, "lots": LOTS, "serials": SERIALS}.items():
            files[table] = folder / f"{table}.csv"
            files[table].write_text(text, encoding="utf-8")
        report = ingest.import_files(imports.catalogue, slug, rejects_dir=folder, **files)
        assert not any(table.rejected or table.held for table in report.tables)
    store = ArtefactStore(str(folder / "artefacts"))
    exports = ExportsAtOnce(folder, imports.catalogue, store)
    templates = ExportReads(imports.catalogue, store).templates
    trays = Trays(accounts.printers, templates, exports.job)
    reads = ExportReads(imports.catalogue, store, designs=accounts.designs, trays=trays)
    routes = web.app.routes(
        exports=exports,
        reads=reads,
        imports=imports,
        catalogue=imports.catalogue,
        accounts=accounts,
        session_of=known_session,
        cron=CRON,
        session_seconds=3600,
        public_url=None,
        max_import_bytes=100_000,
    )
    app = create_app(
        exports=exports,
        reads=reads,
        imports=imports,
        catalogue=imports.catalogue,
        accounts=accounts,
        settings=ApiSettings(secret_key=SECRET, rate_per_minute=100_000, rate_per_day=1_000_000),
        auth_settings=AuthSettings(),
        cron=CRON,
        pages=routes,
        error_page=web.error_pages.error_page(known_session),
    )
    yield Site(
        app, [each for each in routes if isinstance(each, Route)], accounts, exports, imports, reads, imports.catalogue
    )  # fmt: skip
    accounts.close()


@pytest.fixture(scope="module")
def manager(site) -> Browser:
    return site.browser()


@pytest.fixture(scope="module")
def viewer(site) -> Browser:
    return site.browser(role=Role.VIEWER)


@pytest.fixture(scope="module")
def stranger(site) -> Browser:
    return site.browser("other")


@dataclass(frozen=True)
class Things:
    """One thing of `acme` behind each id of a path."""

    job: str
    failed: str
    imported: str
    schedule: int
    key: int
    webhook: int
    design: str
    printer: str
    saved: str

    def path(self, route: Route) -> str:
        """Return an address of the route that leads to one of the things."""
        id_ = (
            self.key if "/keys/" in route.path else self.webhook if "/webhooks/" in route.path else self.schedule
        )  # fmt: skip
        job_id = self.imported if route.path.startswith("/catalogue/") else self.job
        name = {"printers": self.printer, "requests": self.saved}.get(route.path.split("/")[1], self.design)
        return route.path.replace("{id:int}", str(id_)).format(
            job_id=job_id, rows="refused", scope="lots", report="manifest", suffix="csv", name=name
        )


@pytest.fixture(scope="module")
def things(site, manager) -> Things:
    job = manager.post("/exports/new", LOTS_AS_QR).headers["location"].rpartition("/")[2]
    failed = manager.post("/exports/new", {**LOTS_AS_QR, "gtins": "4006381333931"})
    upload = {"file": ("<i>.csv", b"gtin,name\n9506000134353,<u>wrong</u>\n4006381333931,Ink\n")}
    sent = manager.post("/catalogue/import", files=upload)
    schedule = site.accounts.schedules.add(
        "acme", "<s>early</s>", cron="0 6 * * *", time_zone="UTC",
        request='{"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}',
    )  # fmt: skip
    site.accounts.create_key("acme", Role.EDITOR, name="<s>line 1</s>")
    document = json.dumps({"version": 1, "lines": [{"text": f"{HOSTILE} {{name}}"}]})
    assert manager.post("/new-design", {"name": "shelf", "document": document}).status_code == 303
    desk = {"name": "desk", "dpi": "300", "sheet_template": "avery_5160", "next_position": "7"}
    assert manager.post("/new-printer", desk).status_code == 303
    saved = {
        "name": "morning",
        "request": '{"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}',
    }
    assert manager.post("/new-request", saved).status_code == 303
    hook = site.accounts.webhooks.add("acme", "https://example.com/?a='b'&c")
    keys = site.accounts.keys_of("acme")
    return Things(
        job,
        failed.headers["location"].rpartition("/")[2],
        sent.headers["location"].rpartition("/")[2],
        schedule.id,
        keys[-1].id,
        hook.id,
        "shelf",
        "desk",
        "morning",
    )


def links_of(text: str) -> list[tuple[str, str]]:
    """Return method and address of each link and form of a page."""
    found = [("GET", html.unescape(href)) for href in re.findall(r'<a [^>]*href="([^"]*)"', text)]
    found += [("GET", html.unescape(href)) for href in re.findall(r'hx-get="([^"]*)"', text)]
    found += [("POST", html.unescape(href)) for href in re.findall(r'(?:hx-post|formaction)="([^"]*)"', text)]
    for form in re.findall(r"<form [^>]*>", text):
        action = re.search(r'action="([^"]*)"', form)
        found.append(
            ("POST" if 'method="post"' in form else "GET", html.unescape(action[1]) if action else "")
        )
    return found
