"""Errors of the façade itself: credentials, download links, and requests it refuses to read."""

from gs1.errors import LabelError


class ApiError(LabelError):
    """The façade refuses the request before any use case."""

    code = "api_error"


class Unauthorized(ApiError):
    """The credential is missing, malformed, unknown, revoked or expired, or its organisation is suspended.

    The response does not say which.
    """

    code = "unauthorized"

    def __init__(self) -> None:
        super().__init__("A valid API key, bearer token or session is needed.", field="X-API-Key")


class Forbidden(ApiError):
    """The credential is valid, but its holder may not do this."""

    code = "forbidden"


class InvalidToken(ApiError):
    """The download token is missing, altered, expired, for another file, or of a suspended organisation."""

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


class BodyTimeout(ApiError):
    """The body did not arrive in time."""

    code = "request_timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The body did not arrive within {seconds:g} seconds.", expected=f"{seconds:g} seconds"
        )


class UnsupportedMediaType(ApiError):
    """The body is not declared as plain JSON."""

    code = "unsupported_media_type"

    def __init__(self, header: str | None, expected: str = "application/json in UTF-8") -> None:
        super().__init__(f"The body must be {expected}.", value=header, expected=expected)


class RateLimited(ApiError):
    """The caller has used up the requests of a window. `retry_after` is in seconds."""

    code = "rate_limited"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Rate limit exceeded. Please try again later.", value=retry_after)
        self.retry_after = retry_after
