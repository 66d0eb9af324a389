"""The operations of printer profiles and of saved requests."""

from api.description.label_exports import RECEIPT
from api.description.operation import Content, Operation
from api.wire import named, paths
from api.wire.requests import IDEMPOTENCY_KEY, PageQuery
from exports.printers.profile import Profile, Tray
from exports.requests.request import ExportRequest

OPERATIONS = (
    Operation(
        "get",
        paths.PRINTERS,
        "list_printers",
        "Labels",
        "List printer profiles",
        "The printers that `asset_config.printer` can name, each with the first free cell of the sheet in its tray.",
        {200: Content(named.PrinterListOut)},
        query=PageQuery,
    ),
    Operation(
        "get",
        paths.PRINTER,
        "show_printer",
        "Labels",
        "Show a printer profile",
        "`taken_by` is the label export that prints on the sheet in the tray and has not ended. Until it ends, requests "
        "that rely on the tray are 409.",
        {200: Content(named.PrinterOut)},
        (404,),
    ),
    Operation(
        "post",
        paths.PRINTER,
        "save_printer",
        "Labels",
        "Save a printer profile",
        "The body takes the place of the profile that has the name. Without `sheet_template` and `next_position` the tray "
        "stays as it is. Exports that were submitted keep what the profile said then. 409 if the organisation has 500.",
        {201: Content(named.PrinterOut)},
        (403, 409),
        body=Profile,
        headers=("Location",),
    ),
    Operation(
        "delete",
        paths.PRINTER,
        "remove_printer",
        "Labels",
        "Remove a printer profile",
        "Jobs and reprints of jobs keep its settings.",
        {204: None},
        (403, 404),
    ),
    Operation(
        "post",
        paths.TRAY,
        "load_tray",
        "Labels",
        "Tell which sheet is in a printer's tray",
        "A new sheet, or the one that is there and has another free cell, whatever export had it before. Without "
        "`sheet_template` the template stays, without `next_position` the sheet is new.",
        {200: Content(named.PrinterOut)},
        (403, 404),
        body=Tray,
    ),
    Operation(
        "get",
        paths.SAVED_REQUESTS,
        "list_saved_requests",
        "Labels",
        "List saved requests",
        "The organisation's export requests that have a name, by name.",
        {200: Content(named.SavedRequestListOut)},
        query=PageQuery,
    ),
    Operation(
        "get",
        paths.SAVED_REQUEST,
        "show_saved_request",
        "Labels",
        "Show a saved request",
        "`request` is the body of a submission. A release that no longer accepts it shows it still.",
        {200: Content(named.SavedRequestOut)},
        (404,),
    ),
    Operation(
        "post",
        paths.SAVED_REQUEST,
        "save_request",
        "Labels",
        "Save a request",
        "The body is that of a submission, and is validated as one. It takes the place of the request that has the name. "
        "409 if the organisation has 500.",
        {201: Content(named.SavedRequestOut)},
        (403, 409),
        body=ExportRequest,
        headers=("Location",),
    ),
    Operation(
        "delete",
        paths.SAVED_REQUEST,
        "remove_saved_request",
        "Labels",
        "Remove a saved request",
        "Jobs that were made of it stay.",
        {204: None},
        (403, 404),
    ),
    Operation(
        "post",
        paths.SUBMIT_SAVED,
        "submit_saved_request",
        "Labels",
        "Submit a saved request",
        "As a submission of the request that has the name now. There is no body. An Idempotency-Key that was used before "
        "the saved request was changed is 422, as one used for another request is.",
        RECEIPT,
        (403, 404, 409, 422),
        request_headers=(IDEMPOTENCY_KEY,),
        headers=("Location", "Retry-After"),
    ),
)
