"""The check of stored resolvers: each was checked when it was set, perhaps by a release that knew fewer rules."""

from accounts.errors import UnusableResolver
from gs1.digital_link import DEFAULT_RESOLVER
from gs1.errors import InvalidResolver
from gs1.resolver import require_resolver


def require_usable_resolver(slug: str, stored: str | None) -> None:
    """Raise UnusableResolver where no Digital Link can begin with the resolver stored for the organisation.

    None stands for GS1's own resolver.
    """
    try:
        require_resolver(stored or DEFAULT_RESOLVER)
    except InvalidResolver as error:
        raise UnusableResolver(slug, error) from error
