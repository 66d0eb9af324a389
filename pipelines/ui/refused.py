"""The exception for a request that the guard refuses."""

#: Close code of a refused websocket. Before the handshake the server answers HTTP 403 instead of any code.
POLICY_VIOLATION = 4403


class Refused(Exception):
    """The request does not reach Dagster. `status` is the HTTP status, `why` a sentence for the client.

    `code` is the code of the GraphQL error.
    """

    def __init__(self, status: int, why: str, code: str = "REFUSED") -> None:
        super().__init__(why)
        self.status = status
        self.why = why
        self.code = code
