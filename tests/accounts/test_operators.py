"""An operator's key begins sessions until the operator is removed; only hashes are stored."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from accounts.errors import InvalidAccountValue, NoSuchOperator, OperatorExists
from accounts.tables import OperatorRow, OperatorSessionRow

HOUR = timedelta(hours=1)


@pytest.fixture
def operators(accounts):
    return accounts.operators


def sessions_of(accounts):
    with accounts._database.session() as session:
        return session.scalar(select(func.count()).select_from(OperatorSessionRow))


def test_a_key_begins_a_session_that_names_its_operator(operators):
    keys = {name: operators.add(name) for name in ("maria", "j.smith@example.com")}
    for name, key in keys.items():
        assert operators.of_session(operators.begin_session(key, HOUR)) == name
    assert [operator.name for operator in operators.list()] == ["j.smith@example.com", "maria"]


def test_no_other_text_begins_a_session(accounts, operators):
    key = operators.add("maria")
    accounts.create_organisation("acme")
    for other in ("", "maria", key[:-1], key.swapcase(), accounts.create_key("acme", "manager"), "é\x00"):
        assert operators.begin_session(other, HOUR) is None
    assert accounts.authenticate(key) is None, "an operator's key is no API key"


def test_secrets_are_not_stored(accounts, operators):
    key = operators.add("maria")
    session_id = operators.begin_session(key, HOUR)
    with accounts._database.session() as session:
        stored = repr(
            [session.execute(select(row.__table__)).all() for row in (OperatorRow, OperatorSessionRow)]
        )
    assert key not in stored
    assert session_id not in stored


def test_sessions_end(accounts, operators):
    key = operators.add("maria")
    ended, other = operators.begin_session(key, HOUR), operators.begin_session(key, HOUR)
    operators.end_session(ended)
    operators.end_session(ended)
    assert (operators.of_session(ended), operators.of_session(other)) == (None, "maria")
    operators.remove("maria")
    assert operators.of_session(other) is None
    assert operators.begin_session(key, HOUR) is None
    assert sessions_of(accounts) == 0


def test_an_expired_session_is_refused_and_in_time_forgotten(accounts, operators):
    key = operators.add("maria")
    assert operators.of_session(operators.begin_session(key, -HOUR)) is None
    operators.begin_session(key, HOUR)
    assert sessions_of(accounts) == 1, "beginning a session forgets expired ones"
    operators.begin_session(key, -HOUR)
    assert accounts.forget_expired(datetime.now(UTC)) == 1


def test_names(operators):
    operators.add("maria")
    with pytest.raises(OperatorExists):
        operators.add("maria")
    for name in ("", " maria", "a b", "mária", "a\r\nX-Evil: 1", ".hidden", "x" * 65):
        with pytest.raises(InvalidAccountValue):
            operators.add(name)
    with pytest.raises(NoSuchOperator):
        operators.remove("nobody")
