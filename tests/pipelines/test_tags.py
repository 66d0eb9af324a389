"""The run tags of ours."""

from pipelines import tags


def test_every_tag_is_of_the_state_or_of_the_submission() -> None:
    starts = "labels/", ".dagster/labels_"
    ours = {
        value
        for name, value in vars(tags).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str) and value.startswith(starts)
    }
    assert not tags.STATE & tags.OF_SUBMISSION
    # The kind is the job's own, and an import's folder is part of its request.
    assert tags.STATE | tags.OF_SUBMISSION | {tags.KIND, tags.INBOX} == ours


def test_the_ui_shows_what_is_for_operators() -> None:
    ours = tags.STATE | tags.OF_SUBMISSION | {tags.KIND, tags.INBOX}
    shown = {tag for tag in ours if not tag.startswith(".dagster/")}
    assert shown == tags.OF_SUBMISSION | {tags.KIND, tags.INBOX, tags.NEXT_STEP, tags.WEBHOOK_ERROR}


def test_a_new_name_holds_against_an_old_one() -> None:
    both = {tags.RESTARTS: "2", "labels/restarts": "1"}
    assert tags.of_this_release(both) == {tags.RESTARTS: "2"}
    assert tags.of_this_release(dict(reversed(both.items()))) == {tags.RESTARTS: "2"}
