"""The operations of imports into the catalogue, and of its contents."""

from api.description.operation import CSV, TABLES, XLSX, Content, Operation
from api.wire import contents, imports, paths
from api.wire.requests import IDEMPOTENCY_KEY
from catalogue.selection import Scope
from exports.imports.ports import Rows

_FILE = Content(None, ("application/octet-stream", "multipart/form-data", *TABLES))
_ROWS = Content(None, (CSV, XLSX))

OPERATIONS = (
    Operation(
        "post",
        paths.IMPORTS,
        "submit_import",
        "Catalogue",
        "Import a file into the catalogue",
        "The body is the file itself, or a form with one file and nothing else: CSV, XLSX, ODS or Parquet. The query says "
        "how it is read; without `kind`, its header tells what is in it. The answer is a receipt; poll the import for its counts. Imports run one after "
        "the other, and importing a file twice changes nothing. 413 beyond the service's limit, 429 while the "
        "organisation has ten imports that have not ended, 409 while its storage is full.",
        {202: Content(imports.ImportAcceptedOut)},
        (403, 409),
        body=_FILE,
        query=imports.ImportQuery,
        request_headers=(IDEMPOTENCY_KEY,),
        headers=("Location", "Retry-After"),
    ),
    Operation(
        "get",
        paths.IMPORT,
        "poll_import",
        "Catalogue",
        "Poll an import",
        "How the file was understood, and how many of its rows were added, updated, unchanged, held and refused. An import "
        "with held or refused rows is `completed`. It is `failed` if the file as a whole was refused: then no row is imported.",
        {200: Content(imports.ImportJobOut)},
        headers=("Retry-After",),
    ),
    *(
        Operation(
            "get",
            f"{paths.IMPORT}{rows}/",
            f"download_{rows}_rows",
            "Catalogue",
            f"Download the {rows} rows of an import",
            "The rows with all their cells and what is wrong with them: XLSX if the file was a workbook, else CSV. Correct "
            "and import them. 404 if there are none.",
            {200: _ROWS},
        )
        for rows in Rows
    ),
    *(
        Operation(
            "get",
            paths.contents_of(scope),
            f"list_{scope}",
            "Catalogue",
            f"List {scope}",
            f"The organisation's {scope} with the columns of an import, inactive ones too. Every filter given must match, as in a "
            "label export. `page` × `page_size` is at most 10,000; beyond that pass the `next_after` of a page as `after` of "
            "the next one, without `page`. With `format` the answer is a file with all the rows, whatever the page. "
            "Imported again, it changes nothing. XLSX holds 1,048,575 rows: for more it is 422.",
            {200: Content(contents.LISTS[scope], ("application/json", *TABLES))},
            query=contents.QUERIES[scope],
        )
        for scope in Scope
    ),
)
