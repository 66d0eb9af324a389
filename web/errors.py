"""What a page refuses, beside the errors of the layers below."""

from accounts.identity import Role
from gs1.errors import LabelError


class FormExpired(LabelError):
    """The form belongs to another session, or came from another site."""

    code = "form_expired"

    def __init__(self) -> None:
        super().__init__(
            "This page is older than your session. Go back, load it again, and repeat what you did."
        )


class NotAllowed(LabelError):
    """The visitor's role may not do this."""

    code = "forbidden"

    def __init__(self, role: str) -> None:
        told = (
            "A viewer may look, but not change anything. Sign in with the key of an editor or a manager."
            if role == Role.VIEWER
            else "This is for managers. Sign in with the key of one."
        )
        super().__init__(told)


class PageNotFound(LabelError):
    """There is no such page, or nothing of this organisation behind it."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is nothing at this address. It may have been removed since.")


class NoFile(LabelError):
    """The form came without a file."""

    code = "no_file"

    def __init__(self) -> None:
        super().__init__("Choose a file first, one that is not empty.", field="file")


class TooLarge(LabelError):
    """What was sent is larger than is taken."""

    code = "payload_too_large"

    def __init__(self, most_bytes: int) -> None:
        super().__init__(
            f"This is too large. At most {most_bytes:,} bytes are taken.", expected=str(most_bytes)
        )


class NoReason(LabelError):
    """The form to print again came without a reason, or with one that is too long."""

    code = "no_reason"

    def __init__(self, most_characters: int) -> None:
        super().__init__(
            f"Say why it is printed again, in at most {most_characters} characters.", field="reason"
        )
