"""Permissions in Dagster's own pages: visitors may change nothing and see a hint to log in."""

from collections.abc import Mapping

from pipelines.submission.run_coordinator import ACTOR_HEADER
from pipelines.ui.dagster_webserver_names import (
    PermissionResult,
    WorkspaceProcessContext,
    WorkspaceRequestContext,
)

#: The UI shows this at every disabled button.
_HINT = "Operators only: log in at /labels/log-in"


class OperatorsMayChange(WorkspaceProcessContext):
    """The state that the UI shows. It is read-only for requests without an operator's name."""

    def create_request_context(self, source: object | None = None) -> WorkspaceRequestContext:
        return _RequestContext(
            instance=self.instance,
            current_workspace=self.get_current_workspace(),
            process_context=self,
            version=self.version,
            source=source,
            read_only=ACTOR_HEADER not in getattr(source, "headers", {}),
        )


class _RequestContext(WorkspaceRequestContext):
    @property
    def permissions(self) -> Mapping[str, PermissionResult]:
        return self._with_hint(super().permissions)

    def permissions_for_location(self, *, location_name: str) -> Mapping[str, PermissionResult]:
        return self._with_hint(super().permissions_for_location(location_name=location_name))

    def _with_hint(self, permissions: Mapping[str, PermissionResult]) -> Mapping[str, PermissionResult]:
        if not self.read_only:
            return permissions
        return {
            name: result if result.enabled else PermissionResult(enabled=False, disabled_reason=_HINT)
            for name, result in permissions.items()
        }
