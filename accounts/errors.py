"""The errors of accounts."""

from gs1.errors import InvalidResolver, LabelError


class AccountsError(LabelError):
    """An account could not be made or found."""

    code = "accounts_error"


class InvalidAccountValue(AccountsError):
    """A slug, name, address, role, limit or time does not have the expected form."""

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
    """An organisation has that slug already."""

    code = "organisation_exists"

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"organisation {slug!r} exists already", value=slug, expected="a new slug", field="slug"
        )


class ScheduleExists(AccountsError):
    """The organisation has a schedule of that name already."""

    code = "schedule_exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"schedule {name!r} exists already", value=name, expected="a new name", field="name")


class NotFound(AccountsError):
    """Nothing has that name or id, or it belongs to another organisation. The error does not tell which."""

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
    """The key was revoked or has expired, so it cannot be rotated."""

    code = "inactive_key"

    def __init__(self, key_id: int) -> None:
        super().__init__(
            f"key {key_id} is no longer active", value=key_id, expected="an active key", field="id"
        )


class OperatorExists(AccountsError):
    """An operator has that name already."""

    code = "operator_exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"operator {name!r} exists already", value=name, expected="a new name", field="name")


class NoSuchOperator(NotFound):
    """No operator has that name."""

    code = "no_such_operator"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is no operator {name!r}", value=name, expected="the name of an operator", field="name"
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


class UnreadableSecret(AccountsError):
    """A stored webhook secret was encrypted with a key that this process does not have."""

    code = "unreadable_secret"

    def __init__(self) -> None:
        super().__init__(
            "the webhook's secret cannot be decrypted",
            expected="the key that encrypted it, in LABELS_SECRET_KEY",
            field="secret",
        )


class NoSuchSchedule(NotFound):
    """The organisation has no schedule of that id."""

    code = "no_such_schedule"

    def __init__(self, schedule_id: int) -> None:
        super().__init__(
            f"there is no schedule {schedule_id}",
            value=schedule_id,
            expected="the id of a schedule",
            field="id",
        )


class UnsupportedDatabase(AccountsError):
    """The database lacks the INSERT … ON CONFLICT statement that leases need."""

    code = "unsupported_database"

    def __init__(self, dialect: str) -> None:
        super().__init__(
            f"accounts cannot be kept in {dialect}", value=dialect, expected="sqlite or postgresql"
        )


class DatabaseTooNew(AccountsError):
    """A newer release has migrated the database, and this one does not know its tables."""

    code = "database_too_new"

    def __init__(self, revision: str, head: str, *, database: str = "accounts") -> None:
        super().__init__(
            f"the database of {database} is at revision {revision!r}, which this release does not know",
            value=revision,
            expected=f"revision {head} or earlier",
        )


class NoSuchDesign(NotFound):
    """The organisation has no design of that name, or not that version of it."""

    code = "no_such_design"

    def __init__(self, name: str, version: int | None = None) -> None:
        wanted = repr(name) if version is None else f"{name!r} of version {version}"
        super().__init__(
            f"there is no design {wanted}", value=name, expected="the name of a design", field="name"
        )


class TooManyDesigns(AccountsError):
    """The organisation keeps as many versions of designs as it may."""

    code = "too_many_designs"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"the organisation has {most} versions of designs: remove a design first",
            expected=f"at most {most}",
            field="name",
        )


class DesignChanged(AccountsError):
    """Somebody else added a version of the design at the same moment."""

    code = "design_changed"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the design {name!r} was changed at the same moment",
            value=name,
            expected="to be sent again",
            field="name",
        )


class NoSuchName(NotFound):
    """The organisation has no printer, saved request or schedule of that name."""

    code = "no_such_name"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"there is no {kind} {name!r}", value=name, expected=f"the name of a {kind}", field="name"
        )


class TooManyNames(AccountsError):
    """The organisation has as many printers, saved requests or schedules as it may."""

    code = "too_many_names"

    def __init__(self, kind: str, most: int) -> None:
        super().__init__(
            f"the organisation has {most} {kind}s: remove one first", expected=f"at most {most}", field="name"
        )
