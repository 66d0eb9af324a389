"""The catalogue's errors."""

from gs1.errors import LabelError


class CatalogueError(LabelError):
    """The catalogue cannot do what was asked."""

    code = "catalogue_error"


class ImportFileError(CatalogueError):
    """A file as a whole cannot be imported: unreadable, a required column missing, or an unknown one."""

    code = "import_file_error"


class CommitContention(CatalogueError):
    """Other writers kept winning the table's commit; nothing of this one landed."""

    code = "commit_contention"
