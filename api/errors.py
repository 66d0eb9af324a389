"""The errors of the façade itself: credentials, tokens, and bodies it does not read."""

from gs1.errors import LabelError


class ApiError(LabelError):
    """A request the façade turns away before any use case."""

    code = "api_error"


class Unauthorized(ApiError):
    """No key, or one that is malformed, unknown, revoked or expired: which, is not told."""

    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("A valid API key is needed in the X-API-Key header.", field="X-API-Key")


class Forbidden(ApiError):
    """The key is good, and its role may not do this."""

    code = "forbidden"


class InvalidToken(ApiError):
    """A download token is missing, altered, expired, or another job's."""

    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__(
            "The download link is invalid or has expired; poll the label export for a fresh one.",
            field="token",
        )


class PayloadTooLarge(ApiError):
    """The body is over the limit."""

    code = "payload_too_large"

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"The body is larger than {limit_bytes} bytes.", expected=f"{limit_bytes} bytes")


class UnsupportedMediaType(ApiError):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"

    def __init__(self, content_type: str | None) -> None:
        super().__init__(
            "The body must be application/json in UTF-8.", value=content_type, expected="application/json"
        )
