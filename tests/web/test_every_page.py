"""What holds of every page and every form. Cases are made from the routes, so that no new one is forgotten."""

from urllib.parse import quote

import pytest
from starlette.routing import Match, Route

import web.app
from tests.web.conftest import HOSTILE, HOSTILE_LOT, HOSTILE_SERIAL, LOTS_AS_QR, links_of

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_MOST_BYTES = 100_000


def _routes() -> list[Route]:
    """Return the routes, over nothing: their paths and methods do not depend on what is behind them."""

    class Nothing:
        def __getattr__(self, name):
            return Nothing()

    told = web.app.routes(
        exports=Nothing(), reads=Nothing(), imports=Nothing(), catalogue=Nothing(), accounts=Nothing(),
        session_of=Nothing(), cron=Nothing(), session_seconds=1, public_url=None, max_import_bytes=1,
    )  # fmt: skip
    return [route for route in told if isinstance(route, Route)]


ROUTES = _routes()
PAGES = [route for route in ROUTES if "GET" in route.methods]
FORMS = [route for route in ROUTES if "POST" in route.methods and route.path != "/sign-in"]
BY_ID = [route for route in ROUTES if {"{job_id}", "{id:int}", "{name}"} & set(route.path.split("/"))]


def named(route: Route) -> str:
    return route.path


@pytest.mark.parametrize("route", FORMS, ids=named)
@pytest.mark.parametrize("token", [None, "", "wrong", "\xf6"], ids=["none", "empty", "wrong", "odd"])
def test_a_form_without_the_sessions_token_changes_nothing(site, manager, things, route, token):
    before = len(site.exports.calls)
    fields = {} if token is None else {"csrf": token}
    answer = manager.http.post(things.path(route), data=fields)
    assert answer.status_code == 403
    assert "older than your session" in answer.text
    assert len(site.exports.calls) == before


@pytest.mark.parametrize("route", FORMS, ids=named)
def test_another_sessions_token_is_refused(site, manager, viewer, things, route):
    answer = manager.http.post(things.path(route), data={"csrf": viewer.csrf})
    assert answer.status_code == 403


@pytest.mark.parametrize("route", [r for r in ROUTES if r.path != "/sign-in"], ids=named)
def test_who_is_not_signed_in_is_sent_to_do_so(site, things, route):
    method = "GET" if "GET" in route.methods else "POST"
    path = things.path(route)
    answer = site.visitor().request(method, path)
    assert answer.status_code == 303
    expected = "/sign-in" if method == "POST" else f"/sign-in?next={path.replace('/', '%2F')}"
    assert answer.headers["location"] == expected
    by_htmx = site.visitor().request(method, path, headers={"hx-request": "true"})
    assert (by_htmx.status_code, by_htmx.headers["hx-redirect"]) == (204, "/sign-in")


@pytest.mark.parametrize("route", BY_ID, ids=named)
def test_what_another_organisation_has_is_not_there(stranger, things, route):
    if "GET" in route.methods:
        answer = stranger.get(things.path(route))
    else:
        answer = stranger.post(things.path(route), {"reason": "mine"})
    assert answer.status_code == 404
    assert HOSTILE_LOT not in answer.text


@pytest.mark.parametrize("route", BY_ID, ids=named)
@pytest.mark.parametrize("odd", ["0", "99999999999999999999", "AbCdEfGhJkLmNoPqRsTuVw"])
def test_an_id_that_nothing_has_is_not_there(manager, things, route, odd):
    path = things.path(route)
    for known in (
        things.job,
        things.imported,
        things.schedule,
        things.key,
        things.webhook,
        things.design,
        things.printer,
        things.saved,
    ):
        path = path.replace(f"/{known}", f"/{odd}")
    answer = manager.get(path) if "GET" in route.methods else manager.post(path, {"reason": "mine"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "route", [route for route in FORMS if route.path not in {"/sign-out", "/exports/new/preview"}], ids=named
)
def test_a_viewer_changes_nothing(viewer, things, route):
    answer = viewer.post(things.path(route), {"reason": "mine"})
    assert answer.status_code == 403
    assert "Sign in with" in answer.text


@pytest.mark.parametrize("path", ["/settings"])
def test_settings_are_for_managers(site, path):
    editor = site.browser(role="editor")
    assert editor.get(path).status_code == 403
    assert path not in editor.get("/jobs").text


@pytest.mark.parametrize("route", PAGES, ids=named)
def test_a_page_says_what_browsers_may_do_with_it(manager, things, route):
    answer = manager.get(things.path(route))
    assert answer.status_code in {200, 303}
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    if headers.get("content-type", "").startswith("text/html"):
        assert headers["content-security-policy"] == _POLICY
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "same-origin"
        for forbidden in ("<style", " style=", " onclick", " onload", "javascript:", "<script>"):
            assert forbidden not in answer.text


@pytest.mark.parametrize("route", ROUTES, ids=named)
@pytest.mark.parametrize("sent", ["nothing", "a form"])
def test_no_answer_may_be_framed_or_guessed_at(site, manager, things, route, sent):
    """Refusals and redirects too, whether somebody is signed in or not."""
    path = things.path(route)
    if sent == "nothing":
        answers = [site.visitor().request(method, path) for method in ("GET", "POST", "HEAD", "DELETE")]
    else:
        # A form without the session's token: nothing is changed by it.
        answers = [
            manager.http.post(path, data={"a": "b"}),
            manager.http.post(path, headers={"hx-request": "true"}),
        ]
    for answer in answers:
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.status_code < 500


@pytest.mark.parametrize("origin", ["cross-site", "same-site"])
@pytest.mark.parametrize("route", [*FORMS, *(r for r in ROUTES if r.path == "/sign-in")], ids=named)
def test_a_form_of_another_site_is_refused(site, manager, things, route, origin):
    """Even one that knows the token: browsers say where a form comes from."""
    before = len(site.exports.calls)
    answer = manager.post(things.path(route), headers={"sec-fetch-site": origin})
    assert answer.status_code == 403
    assert "older than your session" in answer.text
    assert len(site.exports.calls) == before


def pages(manager, things):
    """Yield the address and the text of every page, and of those that forms answer with."""
    for route in PAGES:
        answer = manager.get(things.path(route))
        assert answer.status_code in {200, 303, 403}
        if answer.headers.get("content-type", "").startswith("text/html"):
            yield things.path(route), answer.text
    for path in ("/catalogue/products", "/catalogue/serials", f"/jobs/{things.failed}"):
        yield path, manager.get(path).text
    for values in (
        LOTS_AS_QR,
        {**LOTS_AS_QR, "scope": "products"},
        {**LOTS_AS_QR, "export_type": "sheet_pdf"},
    ):
        yield "the preview", manager.post("/exports/new/preview", values).text
    yield "a refused export", manager.post("/exports/new", {**LOTS_AS_QR, "gtins": HOSTILE}).text
    yield (
        "a refused schedule",
        manager.post("/schedules", {"name": HOSTILE, "request": HOSTILE, "cron": HOSTILE}).text,
    )
    for scope in ("products", "serials"):
        yield "a design", manager.get(f"/designs/shelf?scope={scope}&sheet_template={quote(HOSTILE)}").text
        yield "a design", manager.get(f"/designs/shelf?scope={scope}").text
    looked = {"name": HOSTILE, "document": HOSTILE}
    yield "a refused design", manager.post("/new-design", looked).text
    yield "a refused design", manager.post("/new-design/preview", {"document": '{"<img src=x>": 1}'}).text
    yield "a refused printer", manager.post("/new-printer", {"name": HOSTILE, "dpi": HOSTILE}).text
    yield "a refused tray", manager.post("/printers/desk/tray", {"sheet_template": HOSTILE}).text
    yield "a refused request", manager.post("/new-request", {"name": HOSTILE, "request": HOSTILE}).text
    yield "a printer", manager.get("/new-printer?of=desk").text
    yield "a request", manager.get("/new-request?of=morning").text
    yield "a refused key", manager.post("/settings/keys", {"name": HOSTILE * 4, "role": HOSTILE}).text
    yield "a refused webhook", manager.post("/settings/webhooks", {"url": HOSTILE}).text
    for code in ("9506000134352", "(01)09506000134352(10)L2", "(01)09506000134352(21)7"):
        for path in ("/catalogue/lots?search=", "/history?code="):
            found = manager.get(path + code)
            assert found.status_code == 200
            yield path, found.text
    for path in ("/catalogue/lots?search=", "/history?code=", "/jobs?status=", "/exports/new?gtins="):
        yield path, manager.get(path + HOSTILE.replace("&", "%26").replace("'", "%27")).text


def test_no_text_of_anybody_becomes_a_part_of_a_page(manager, things):
    seen = ""
    for path, text in pages(manager, things):
        for hostile in (HOSTILE, HOSTILE_LOT, HOSTILE_SERIAL, "<img", "<b>'", "<i>", "<u>", "<s>"):
            if hostile == "<img":
                assert "<img src=x" not in text, path
            else:
                assert hostile not in text, path
        seen += text
    # They were there, as texts.
    for known in (
        "&lt;img src=x onerror",
        "&lt;b&gt;",
        "&lt;i&gt;",
        "&lt;s&gt;early",
        "&lt;s&gt;line",
    ):
        assert known in seen, known


def test_no_page_is_large(manager, things):
    sizes = {path: len(text.encode()) for path, text in pages(manager, things)}
    # Pictures of a preview are in its page.
    assert {path: size for path, size in sizes.items() if size > _MOST_BYTES} == {}


def test_no_link_and_no_form_leads_nowhere(site, manager, viewer, things):
    """Every address on every page belongs to a route that takes its method."""
    checked = set()
    for browser in (manager, viewer):
        for page, text in pages(browser, things):
            for method, address in links_of(text):
                path = address.partition("?")[0].partition("#")[0] or page.partition("?")[0]
                if path.startswith(("http:", "https:")) or not path.startswith("/"):
                    continue
                scope = {"type": "http", "method": method, "path": path, "root_path": ""}
                found = [route.matches(scope)[0] for route in site.routes]
                assert Match.FULL in found, f"{method} {address} on {page}"
                checked.add(path)
    assert len(checked) > 15


@pytest.mark.parametrize("route", [route for route in FORMS if route.path != "/catalogue/import"], ids=named)
def test_a_form_has_a_limit(manager, things, route):
    answer = manager.http.post(
        things.path(route),
        content=b"a" * (4 << 20),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413


def test_a_form_says_how_long_it_is(manager):
    answer = manager.http.post("/exports/new", content=iter([b"csrf=", b"a"]))
    assert answer.status_code == 413
