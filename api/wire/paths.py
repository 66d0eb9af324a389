"""Paths of the API's own endpoints; `{job_id}` is a path parameter."""

#: All paths of the API begin with it. Their errors are problem documents, whoever asks.
ROOT = "/products/api/"

SESSION = "/products/api/v1/session/"

LABEL_EXPORTS = "/products/api/v1/labels/export/"
PREVIEW = f"{LABEL_EXPORTS}preview/"
JOB = f"{LABEL_EXPORTS}{{job_id}}/"
REPRINT = f"{JOB}reprint/"

TEMPLATES = "/products/api/v1/labels/templates/"
DESIGNS = "/products/api/v1/labels/designs/"
DESIGN_SCHEMA = f"{DESIGNS}schema/"
DESIGN_PREVIEW = f"{DESIGNS}preview/"
DESIGN = f"{DESIGNS}{{name}}/"

PRINTERS = "/products/api/v1/labels/printers/"
PRINTER = f"{PRINTERS}{{name}}/"
TRAY = f"{PRINTER}tray/"

SAVED_REQUESTS = "/products/api/v1/labels/requests/"
SAVED_REQUEST = f"{SAVED_REQUESTS}{{name}}/"
SUBMIT_SAVED = f"{SAVED_REQUEST}submit/"

SCHEDULES = "/products/api/v1/labels/schedules/"
SCHEDULE = f"{SCHEDULES}{{name}}/"
PAUSE = f"{SCHEDULE}pause/"
RESUME = f"{SCHEDULE}resume/"

PRINT_HISTORY = "/products/api/v1/labels/print-history/"

IMPORTS = "/products/api/v1/imports/"
IMPORT = f"{IMPORTS}{{job_id}}/"

CATALOGUE = "/products/api/v1/catalogue/"


def design_of(name: str) -> str:
    """Return the path of the design."""
    return DESIGN.format(name=name)


def contents_of(scope: str) -> str:
    """Return the path of the products, lots or serials."""
    return f"{CATALOGUE}{scope}/"


def import_of(job_id: str) -> str:
    """Return the path of the import's poll endpoint."""
    return IMPORT.format(job_id=job_id)


def poll(job_id: str) -> str:
    """Return the path of the job's poll endpoint."""
    return JOB.format(job_id=job_id)
