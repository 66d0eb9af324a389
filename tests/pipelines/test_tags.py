"""The run tags of ours."""

from pipelines import tags


def test_every_tag_is_of_the_state_or_of_the_submission() -> None:
    ours = {value for value in vars(tags).values() if isinstance(value, str) and value.startswith("labels/")}
    assert not tags.STATE & tags.OF_SUBMISSION
    # The kind is the job's own, and an import's folder is part of its request.
    assert tags.STATE | tags.OF_SUBMISSION | {tags.KIND, tags.INBOX} == ours
