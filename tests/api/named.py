"""What holds of everything that an organisation keeps by name."""

from tests.api.problem import is_problem


def changes_nothing_for_a_viewer(client, viewer, method, url, body):
    """Assert that a viewer may not make the request, and that nobody may without a key."""
    is_problem(client.request(method, url, json=body, headers=viewer), 403, "forbidden")
    assert client.request(method, url, json=body).status_code == 401


def is_unknown_to_others(client, editor, stranger, root, name, method, tail, body=None):
    """Assert that another organisation gets the answer that an unknown name gets, and that nothing changed."""
    before = client.get(f"{root}{name}/", headers=editor)
    assert before.status_code == 200
    theirs = client.request(method, f"{root}{name}/{tail}", json=body, headers=stranger)
    unknown = client.request(method, f"{root}{name}x/{tail}", json=body, headers=stranger)
    is_problem(theirs, 404, "not_found")
    assert theirs.json()["detail"].replace(name, "") == unknown.json()["detail"].replace(f"{name}x", "")
    assert client.get(f"{root}{name}/", headers=editor).json() == before.json()
    listed = client.get(root, params={"page_size": 100}, headers=stranger).json()
    assert name not in [each["name"] for each in listed["data"]]
