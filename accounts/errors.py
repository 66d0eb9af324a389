"""The errors of accounts."""

from gs1.errors import InvalidResolver, LabelError


class AccountsError(LabelError):
    """An account could not be made or found."""

    code = "accounts_error"


class InvalidAccountValue(AccountsError):
    """A slug, name, address, role, limit or time is not of the form expected."""

    code = "invalid_account_value"


class UnusableResolver(AccountsError):
    """The organisation's stored resolver would mislead parsers of its Digital Links: it needs another."""

    code = "unusable_resolver"

    def __init__(self, slug: str, reason: InvalidResolver) -> None:
        super().__init__(
            f"organisation {slug!r} cannot have Digital Links: {reason}. "
            f"Set another resolver with: labels org resolver {slug} URL",
            value=reason.value,
            expected=reason.expected,
            field="resolver",
        )


class OrganisationExists(AccountsError):
    """An organisation of that slug is there already."""

    code = "organisation_exists"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"organisation {slug!r} exists already", value=slug, expected="a new slug", field="slug"
        )


class PlanExists(AccountsError):
    """The organisation has a plan of that name already."""

    code = "plan_exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"plan {name!r} exists already", value=name, expected="a new name", field="name")


class NotFound(AccountsError):
    """There is nothing of that name or id, or it is another organisation's: which, is not told."""

    code = "not_found"


class NoSuchOrganisation(NotFound):
    """No organisation has that slug."""

    code = "no_such_organisation"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"there is no organisation {slug!r}",
            value=slug,
            expected="the slug of an organisation",
            field="slug",
        )


class NoSuchKey(NotFound):
    """The organisation has no key of that id."""

    code = "no_such_key"

    def __init__(self, key_id: int) -> None:
        super().__init__(f"there is no key {key_id}", value=key_id, expected="the id of a key", field="id")


class InactiveKey(AccountsError):
    """The key was revoked or has expired: there is nothing to rotate."""

    code = "inactive_key"

    def __init__(self, key_id: int) -> None:
        super().__init__(
            f"key {key_id} is no longer active", value=key_id, expected="an active key", field="id"
        )


class NoSuchWebhook(NotFound):
    """The organisation has no webhook of that id."""

    code = "no_such_webhook"

    def __init__(self, webhook_id: int) -> None:
        super().__init__(
            f"there is no webhook {webhook_id}",
            value=webhook_id,
            expected="the id of a webhook",
            field="id",
        )


class NoSuchPlan(NotFound):
    """The organisation has no plan of that id."""

    code = "no_such_plan"

    def __init__(self, plan_id: int) -> None:
        super().__init__(
            f"there is no plan {plan_id}", value=plan_id, expected="the id of a plan", field="id"
        )


class UnsupportedDatabase(AccountsError):
    """The database lacks the statement that leases are built on."""

    code = "unsupported_database"

    def __init__(self, dialect: str) -> None:
        super().__init__(
            f"accounts cannot be kept in {dialect}", value=dialect, expected="sqlite or postgresql"
        )


class DatabaseTooNew(AccountsError):
    """A newer release has migrated the database: this one does not know what it holds."""

    code = "database_too_new"

    def __init__(self, revision: str, head: str) -> None:
        super().__init__(
            f"the accounts database is at revision {revision!r}, which this release does not know",
            value=revision,
            expected=f"revision {head} or earlier",
        )
