"""Why the guard refuses a request."""

#: Close code of a websocket that was refused. Before its handshake a server turns any code into HTTP 403.
POLICY_VIOLATION = 4403


class Refused(Exception):
    """A request that does not reach Dagster: the HTTP status, and why in a sentence for the person who sent it.

    `code` is that of a GraphQL error.
    """

    def __init__(self, status: int, why: str, code: str = "REFUSED") -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.code = code
