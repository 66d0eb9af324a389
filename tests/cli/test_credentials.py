"""`labels org|keys|operators|webhooks` on the command line."""

import re
from datetime import timedelta

import pytest
from click.testing import CliRunner

from accounts.store import Accounts
from cli.main import main
from cli.settings import Settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LABELS_HOME", str(tmp_path))
    monkeypatch.delenv("LABELS_DATABASE_URL", raising=False)
    return tmp_path


@pytest.fixture
def accounts(home):
    store = Accounts(f"sqlite:///{home}/accounts.sqlite", Settings().resolved().vault())
    store.create_organisation("acme")
    store.create_organisation("other")
    yield store
    store.close()


def run(*arguments, exit_code=0):
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == exit_code, done.output
    return done


def last_line(done):
    return done.stdout.splitlines()[-1]


def test_a_first_organisation_and_key(home):
    assert "acme" in run("org", "create", "acme", "--name", "Acme Foods").stdout
    plain = last_line(run("keys", "create", "--org", "acme"))
    store = Accounts(f"sqlite:///{home}/accounts.sqlite")
    assert store.authenticate(plain).organisation.name == "Acme Foods"
    store.close()


def test_a_resolver_is_changed(accounts):
    told = run("org", "resolver", "acme", "https://id.acme.example/").stdout
    assert told == "acme has the resolver https://id.acme.example\n"
    assert accounts.organisation("acme").resolver == "https://id.acme.example"
    refused = run("org", "resolver", "acme", "https://acme.example/10/shop", exit_code=1).stderr
    assert "'https://acme.example/10/shop'" in refused
    assert "'10'" in refused
    assert accounts.organisation("acme").resolver == "https://id.acme.example"
    assert accounts.organisation("other").resolver is None


def test_a_key_with_everything_is_listed_without_itself(accounts):
    plain = last_line(
        run("keys", "create", "--org", "acme", "--role", "editor", "--expires", "2099-12-31T12:00:00+02:00",
            "--name", "Line 3", "--per-minute", "10", "--per-day", "100")
    )  # fmt: skip
    key = accounts.authenticate(plain)
    assert (key.role, key.per_minute, key.per_day) == ("editor", 10, 100)
    header, row = run("keys", "list", "--org", "acme").stdout.splitlines()
    assert re.split(r"  +", header) == ["id", "name", "role", "created", "last used", "expires", "active"]
    cells = re.split(r"  +", row)
    assert cells[:3] == [str(key.id), "Line 3", "editor"]
    assert cells[5:] == ["2099-12-31T10:00:00+00:00", "yes"]
    assert plain not in row
    assert len(run("keys", "list", "--org", "other").stdout.splitlines()) == 1


def test_a_key_is_revoked(accounts):
    plain = accounts.create_key("acme", "editor")
    key_id = str(accounts.authenticate(plain).id)
    run("keys", "revoke", "--org", "other", key_id, exit_code=1)
    assert accounts.authenticate(plain) is not None
    run("keys", "revoke", "--org", "acme", key_id)
    assert accounts.authenticate(plain) is None
    assert run("keys", "list", "--org", "acme").stdout.splitlines()[1].endswith(" no")


def test_a_key_is_rotated(accounts):
    first = accounts.create_key("acme", "viewer")
    key_id = accounts.authenticate(first).id
    second = last_line(run("keys", "rotate", "--org", "acme", "--grace", "5", str(key_id)))
    assert accounts.authenticate(first) is not None
    third = last_line(run("keys", "rotate", "--org", "acme", str(key_id)))
    assert accounts.authenticate(first) is None
    assert {accounts.authenticate(plain).role for plain in (second, third)} == {"viewer"}
    assert "no longer active" in run("keys", "rotate", "--org", "acme", str(key_id), exit_code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["org", "create", "new", "--resolver", "https://acme.example/lot"], 1),
        (["org", "resolver", "nobody", "https://id.acme.example"], 1),
        (["keys", "create", "--org", "nobody"], 1),
        (["keys", "create", "--org", "acme", "--expires", "soon"], 2),
        (["keys", "create", "--org", "acme", "--expires", "2099-12-31"], 2),
        (["keys", "create", "--org", "acme", "--per-minute", "0"], 2),
        (["keys", "create", "--org", "acme", "--name", "a\tb"], 1),
        (["keys", "create", "--org", "acme", "--role", "owner"], 2),
        (["keys", "revoke", "--org", "acme", "1"], 1),
        (["keys", "revoke", "--org", "acme", "99999999999999999999"], 2),
        (["keys", "rotate", "--org", "acme", "x"], 2),
        (["keys", "list", "--org", "nobody"], 1),
        (["webhooks", "add", "--org", "acme", "http://hooks.example/"], 1),
        (["webhooks", "remove", "--org", "acme", "1"], 1),
        (["operators", "add", "two words"], 1),
        (["operators", "remove", "nobody"], 1),
    ],
)
def test_a_mistake_is_told_in_a_line(accounts, arguments, exit_code):
    done = run(*arguments, exit_code=exit_code)
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_an_organisation_is_suspended_and_resumed(accounts):
    keys = [last_line(run("keys", "create", "--org", slug)) for slug in ("acme", "other")]
    assert "labels org resume acme" in run("org", "suspend", "acme").stdout
    assert [accounts.authenticate(key) is None for key in keys] == [True, False]
    run("org", "resume", "acme")
    assert [accounts.authenticate(key) is None for key in keys] == [False, False]
    assert "nobody" in run("org", "suspend", "nobody", exit_code=1).stderr


def test_operators_are_added_listed_and_removed(accounts):
    key = last_line(run("operators", "add", "maria"))
    session_id = accounts.operators.begin_session(key, timedelta(hours=1))
    assert accounts.operators.of_session(session_id) == "maria"
    assert "maria" in run("operators", "add", "maria", exit_code=1).stderr
    header, row = run("operators", "list").stdout.splitlines()
    assert [re.split(r"  +", line)[0] for line in (header, row)] == ["name", "maria"]
    assert key not in row
    assert run("operators", "remove", "maria").stdout == "removed operator maria\n"
    assert accounts.operators.of_session(session_id) is None


def test_webhooks_are_added_listed_and_removed(accounts):
    secret = last_line(run("webhooks", "add", "--org", "acme", "https://hooks.example/x"))
    assert secret.startswith("whsec_")
    run("webhooks", "add", "--org", "acme", "--allow-http", "http://receiver.example/")
    made = accounts.webhooks.list("acme")
    assert made[0].secret == secret
    listed = run("webhooks", "list", "--org", "acme").stdout
    assert "https://hooks.example/x" in listed
    assert "whsec_" not in listed
    run("webhooks", "remove", "--org", "other", str(made[0].id), exit_code=1)
    run("webhooks", "remove", "--org", "acme", str(made[0].id))
    assert accounts.webhooks.list("acme") == made[1:]
