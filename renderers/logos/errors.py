"""Errors of logos."""

from renderers.errors import RenderError


class InvalidLogo(RenderError):
    """A picture cannot be a logo: it is too large, damaged, or has what labels cannot show."""

    code = "invalid_logo"
