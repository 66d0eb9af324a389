"""Paths of the API's own endpoints; `{job_id}` is a path parameter."""

SESSION = "/products/api/v1/session/"

LABEL_EXPORTS = "/products/api/v1/labels/export/"
PREVIEW = f"{LABEL_EXPORTS}preview/"
JOB = f"{LABEL_EXPORTS}{{job_id}}/"
REPRINT = f"{JOB}reprint/"

TEMPLATES = "/products/api/v1/labels/templates/"
PRINT_HISTORY = "/products/api/v1/labels/print-history/"

IMPORTS = "/products/api/v1/imports/"
IMPORT = f"{IMPORTS}{{job_id}}/"

CATALOGUE = "/products/api/v1/catalogue/"


def contents_of(scope: str) -> str:
    """Return the path of the products, lots or serials."""
    return f"{CATALOGUE}{scope}/"


def import_of(job_id: str) -> str:
    """Return the path of the import's poll endpoint."""
    return IMPORT.format(job_id=job_id)


def poll(job_id: str) -> str:
    """Return the path of the job's poll endpoint."""
    return JOB.format(job_id=job_id)
