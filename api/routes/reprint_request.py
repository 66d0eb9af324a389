"""The body that asks for a reprint."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ReprintRequest(BaseModel):
    """Why the same labels are printed again: it stands in the print history."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
