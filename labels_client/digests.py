"""The digests by which the service describes an artefact, taken while it arrives."""

import hashlib
from collections.abc import Sequence


class Digests:
    """Takes the SHA-256 of all bytes, and the one of the pieces of these sizes, which lie end to end."""

    def __init__(self, piece_bytes: Sequence[int]) -> None:
        self._whole = hashlib.sha256()
        self._sizes = iter(piece_bytes)
        self._of_pieces = hashlib.sha256()
        self._begin_piece()

    def update(self, data: bytes) -> None:
        self._whole.update(data)
        rest = memoryview(data)
        while rest and self._left:
            taken = rest[: self._left]
            self._piece.update(taken)
            self._left -= len(taken)
            rest = rest[len(taken) :]
            if not self._left:
                self._of_pieces.update(self._size.to_bytes(8, "big") + self._piece.digest())
                self._begin_piece()

    def of(self, algorithm: str) -> str | None:
        """Return the digest (hex) by this algorithm of the service. None if it is not known."""
        digest = {"sha-256": self._whole, "sha-256-of-pieces": self._of_pieces}.get(algorithm)
        return digest and digest.hexdigest()

    def _begin_piece(self) -> None:
        self._size = self._left = next(self._sizes, 0)
        self._piece = hashlib.sha256()
