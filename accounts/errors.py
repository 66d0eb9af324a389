"""The errors of accounts."""

from gs1.errors import LabelError


class AccountsError(LabelError):
    """An account could not be made or found."""

    code = "accounts_error"


class InvalidAccountValue(AccountsError):
    """A slug, resolver, role or expiry is not of the form expected."""

    code = "invalid_account_value"


class OrganisationExists(AccountsError):
    """An organisation of that slug is there already."""

    code = "organisation_exists"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"organisation {slug!r} exists already", value=slug, expected="a new slug", field="slug"
        )


class NoSuchOrganisation(AccountsError):
    """No organisation has that slug."""

    code = "no_such_organisation"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"there is no organisation {slug!r}",
            value=slug,
            expected="the slug of an organisation",
            field="slug",
        )


class UnsupportedDatabase(AccountsError):
    """The database lacks the statement that leases are built on."""

    code = "unsupported_database"

    def __init__(self, dialect: str) -> None:
        super().__init__(
            f"accounts cannot be kept in {dialect}", value=dialect, expected="sqlite or postgresql"
        )
