"""The run tags that tell whose export a run is and how it went. The poll reads them."""

ORGANISATION = "labels/organisation"
REQUEST = "labels/request"
TOTAL_ITEMS = "labels/total_items"
UNMATCHED = "labels/unmatched"
ERROR = "labels/error"
ERROR_CODE = "labels/error_code"
REPRINT_OF = "labels/reprint_of"
#: The id of the trace that the job belongs to, as in log lines.
TRACE_ID = "labels/trace_id"
