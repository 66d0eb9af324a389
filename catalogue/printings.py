"""When entities were printed last: of a few at a time, such as those on a page of a list."""

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from catalogue.duck import fetch
from catalogue.selection import Scope
from catalogue.tables import Catalogue


def last(
    catalogue: Catalogue, organisation: str, scope: Scope, entities: Sequence[tuple[str, str]]
) -> dict[str, datetime]:
    """Return the time of each entity's last PRINTED or REPRINTED event by id. Entities are pairs of GTIN and id.

    Never printed ones are left out. Events of other GTINs are not read.
    """
    shown = pl.DataFrame(entities, schema={"gtin": pl.String, "id": pl.String}, orient="row")
    with catalogue.session(organisation, tables={"lifecycle_events"}) as cursor:
        cursor.register("incoming_values", shown)
        cursor.execute(
            "CREATE OR REPLACE TEMP TABLE shown AS SELECT gtin, id, key_of(id)::UUID AS key FROM incoming_values"
        )
        cursor.unregister("incoming_values")
        found = fetch(
            cursor,
            "SELECT entity_id, max(occurred_at) AS printed_at FROM lifecycle_events"
            " WHERE gtin14 IN (SELECT gtin FROM shown) AND entity_key::UUID IN (SELECT key FROM shown)"
            " AND event_type IN ('PRINTED', 'REPRINTED') AND entity_type = rtrim($scope, 's') GROUP BY entity_id",
            {"scope": scope.value},
        )
    return dict(found.iter_rows())
