"""The catalogue's errors."""

from gs1.errors import LabelError


class CatalogueError(LabelError):
    """The catalogue cannot do what was asked."""

    code = "catalogue_error"


class ImportFileError(CatalogueError):
    """A file as a whole cannot be imported: unreadable, a required column missing, or an unknown one."""

    code = "import_file_error"


class CommitContention(CatalogueError):
    """Other writers kept committing to the table first; nothing of this commit was stored."""

    code = "commit_contention"
