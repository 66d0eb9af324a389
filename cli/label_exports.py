"""`labels export`, `status`, `download`, `cancel` and `jobs`: requests to a running service over HTTP."""

# ruff: noqa: D301 - the character \b tells click to keep the lines of a paragraph

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
import httpx

from labels_client.client import LabelsClient
from labels_client.errors import BrokenDownload, LabelExportFailed, LabelsApiError
from labels_client.models import LabelExportJob

_DEFAULT_URL = "http://127.0.0.1:8000"

#: What to do next about a problem, by its HTTP status.
_ADVICE = {
    401: "Is the key right, and not revoked? `labels keys create --org ORG` makes a new one.",
    403: "A key of role manager or editor may do this: `labels keys create --org ORG --role editor`.",
    404: "`labels jobs` lists the exports of your organisation, `labels requests list` its saved requests.",
    409: "`labels status JOB_ID` shows the state of the export.",
    422: "Nothing was started. The service's /docs page describes requests.",
    429: "The limit of requests is reached; try again later.",
    500: "The service's log has the details.",
    503: "The service is not ready yet; try again in a moment.",
}

_Command = TypeVar("_Command", bound=Callable[..., Any])


def asks_the_service(command: _Command) -> _Command:
    """Add the options for the service's address and the API key."""
    url = click.option(
        "--url", envvar="LABELS_URL", default=_DEFAULT_URL, show_default=True, help="The service."
    )
    key = click.option("--key", envvar="LABELS_API_KEY", help="The API key; default: LABELS_API_KEY.")
    return url(key(command))


out_option = click.option(
    "--out",
    default=".",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for the file. It is created if missing.",
)
_JOB_ID = click.argument("job_id")


@click.command()
@click.argument("request_file", metavar="REQUEST.json", type=click.File("rb"))
@out_option
@asks_the_service
def export(request_file: BinaryIO, out: Path, url: str, key: str | None) -> None:
    """Submit the export that REQUEST.json describes, wait, and download the ZIP, PDF or ZPL.

    The file's path is printed on standard output, everything else on standard error. With - the request is read from
    standard input. Ctrl-C stops waiting; the export itself goes on.

    \b
    A request, here two products' lots as QR codes:
      {"scope": "lots", "export_type": "qr_codes", "file_format": "svg",
       "filters": {"gtins": ["09506000134352", "00012345678905"]}}

    \b
    scope        products, lots, serials
    export_type  qr_codes, datamatrix, barcodes_1d, codes_combined, sheet_pdf, roll_labels
    file_format  svg, png, eps; pdf for sheet_pdf; zpl for roll_labels

    \b
    Examples:
      labels export request.json --out labels
      echo '{"scope": "lots", "export_type": "qr_codes", "file_format": "svg"}' | labels export -
    """
    request = _request(request_file)
    with service(url, key) as client:
        receipt = client.submit(request)
        click.echo(f"label export {receipt.job_id}", err=True)
        download_of(client, receipt.job_id, out)


@click.command()
@_JOB_ID
@click.option("--watch", is_flag=True, help="Show the progress until the export has ended.")
@asks_the_service
def status(job_id: str, watch: bool, url: str, key: str | None) -> None:
    """Print the state of the export JOB_ID as JSON.

    With --watch, wait for the end first, and exit with 1 if the export fails.

    \b
    Examples:
      labels status AbCdEfGhJkLmNoPqRsTuVw
      labels status --watch AbCdEfGhJkLmNoPqRsTuVw
    """
    with service(url, key) as client:
        job = _wait(client, job_id) if watch else client.status(job_id)
    click.echo(json.dumps(asdict(job), indent=2, default=str))
    if watch and job.status == "failed":
        sys.exit(1)


@click.command()
@_JOB_ID
@out_option
@click.option(
    "--report",
    type=click.Choice(["manifest", "errors"]),
    help="Instead of the artefact, a table: the content of each label, or what failed and why.",
)
@click.option(
    "--format",
    "report_format",
    type=click.Choice(["csv", "parquet", "xlsx"]),
    help="The format of the --report; default: csv.",
)
@asks_the_service
def download(
    job_id: str, out: Path, report: str | None, report_format: Any, url: str, key: str | None
) -> None:
    """Wait for the export JOB_ID and download its ZIP, PDF or ZPL, or a table about it.

    \b
    Examples:
      labels download AbCdEfGhJkLmNoPqRsTuVw --out labels
      labels download AbCdEfGhJkLmNoPqRsTuVw --report manifest --format xlsx
    """
    if report_format and not report:
        raise click.UsageError("--format needs --report.")
    with service(url, key) as client:
        if report is None:
            download_of(client, job_id, out)
            return
        job = _wait(client, job_id)
        fetch = client.download_manifest if report == "manifest" else client.download_errors
        try:
            click.echo(fetch(job, out, report_format or "csv"))
        except ValueError as error:
            raise click.ClickException(str(error)) from error


@click.command()
@_JOB_ID
@asks_the_service
def cancel(job_id: str, url: str, key: str | None) -> None:
    """Cancel the export JOB_ID, if it has not ended. Cancelling it again is not an error.

    \b
    Example:
      labels cancel AbCdEfGhJkLmNoPqRsTuVw
    """
    with service(url, key) as client:
        job = client.cancel(job_id)
    click.echo(f"cancelled {job.job_id} after {_counts(job)}")


@click.command()
@click.option(
    "--status",
    "state",
    type=click.Choice(["pending", "processing", "completed", "failed"]),
    help="Only these.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="The most exports to list."
)
@asks_the_service
def jobs(state: Any, limit: int, url: str, key: str | None) -> None:
    """List the organisation's exports, newest first.

    \b
    Examples:
      labels jobs
      labels jobs --status processing
    """
    with service(url, key) as client:
        found = list(islice(client.jobs(state), limit))
    click.echo(f"{'job id':22}  {'status':10}  {'created':25}  {'done':>4}  file or error")
    for job in found:
        created = job.created_at.isoformat(timespec="seconds") if job.created_at else "-"
        click.echo(
            f"{job.job_id:22}  {job.status:10}  {created:25}  {job.progress_percent:3}%  "
            f"{job.output_filename or job.error or '-'}"
        )


def _request(file: BinaryIO) -> dict[str, Any]:
    try:
        request: Any = json.loads(file.read())
    except ValueError as error:
        raise click.ClickException(f"The request is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise click.ClickException("The request is not a JSON object; see `labels export --help`.")
    return request


@contextmanager
def service(url: str, key: str | None) -> Generator[LabelsClient]:
    """Yield the client. Print its errors on one line, with advice."""
    if not key:
        raise click.UsageError(
            "Give an API key with --key or in LABELS_API_KEY; `labels keys create --org ORG` makes one."
        )
    try:
        with LabelsClient(url, key) as client:
            yield client
    except LabelsApiError as error:
        advice = _ADVICE.get(error.problem.status, "")
        raise click.ClickException(f"{error}\n{advice}".rstrip()) from error
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise click.ClickException(
            f"{url!r} is not the address of a service, such as {_DEFAULT_URL}."
        ) from error
    except httpx.TransportError as error:
        raise click.ClickException(
            f"No service answers at {url} ({error or type(error).__name__}). Start one with `labels serve`, or "
            "name another with --url or LABELS_URL."
        ) from error
    except LabelExportFailed as error:
        raise click.ClickException(f"{error}{_more_about(error.job)}") from error
    except BrokenDownload as error:
        raise click.ClickException(f"{error}; `labels download` tries again.") from error
    except OSError as error:
        raise click.ClickException(f"The file cannot be written: {error}") from error


def _more_about(job: LabelExportJob) -> str:
    return f"\nWhat failed and why: {job.errors_url}" if job.errors_url else ""


def download_of(client: LabelsClient, job_id: str, out: Path) -> None:
    """Wait for the export, download its file, print the path, and print how many labels are missing."""
    job = _wait(client, job_id)
    if job.status == "failed":
        raise LabelExportFailed(job)
    with _with_hint_after_interrupt(job_id):
        click.echo(client.download(job, out))
    if job.failed_items or job.unmatched:
        click.echo(
            f"{job.failed_items} failed and {job.unmatched} of the request matched nothing: see errors.csv.",
            err=True,
        )


def _wait(client: LabelsClient, job_id: str) -> LabelExportJob:
    """Return the ended export's state. Show a progress bar on standard error until then."""
    seen: LabelExportJob | None = None

    def counts(_: object) -> str | None:
        return None if seen is None else _counts(seen)

    def moved(job: LabelExportJob) -> None:
        nonlocal seen
        seen = job
        bar.update(job.progress_percent - bar.pos)
        # Render now, because the count of a large export changes more often than its percentage.
        bar.render_progress()

    with (
        _with_hint_after_interrupt(job_id),
        click.progressbar(length=100, label="export", file=sys.stderr, item_show_func=counts) as bar,
    ):
        return client.wait(job_id, on_progress=moved)


@contextmanager
def _with_hint_after_interrupt(job_id: str) -> Generator[None]:
    """After Ctrl-C, print how to download or cancel the export."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(
            f"\nThe export goes on. Its file:   labels download {job_id}\n"
            f"                    To stop it: labels cancel {job_id}",
            err=True,
        )
        sys.exit(130)


def _counts(job: LabelExportJob) -> str:
    if not job.total_items:
        return job.status
    return f"{job.processed_items + job.failed_items:,} of {job.total_items:,}"
