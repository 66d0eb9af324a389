"""Compute the digests of an artefact while it is downloaded."""

import hashlib
from collections.abc import Sequence


class Digests:
    """Computes the SHA-256 of all bytes, and the digest of consecutive pieces of these sizes."""

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
        """Return the digest (hex) by this algorithm of the service, or None if the algorithm is unknown."""
        digest = {"sha-256": self._whole, "sha-256-of-pieces": self._of_pieces}.get(algorithm)
        return digest and digest.hexdigest()

    def _begin_piece(self) -> None:
        self._size = self._left = next(self._sizes, 0)
        self._piece = hashlib.sha256()
