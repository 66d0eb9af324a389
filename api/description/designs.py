"""The operations of sheets of labels, and of label designs."""

from api.description.operation import Content, Operation
from api.wire import answers, designs, label_exports, paths
from api.wire.requests import PageQuery
from exports.designs.document import Design

_SCHEMA = Content(None, ("application/schema+json",))

OPERATIONS = (
    Operation(
        "get",
        paths.TEMPLATES,
        "list_sheet_templates",
        "Labels",
        "List sheet templates",
        "The sheets of labels that `asset_config.sheet_template` can name, with their geometry.",
        {200: Content(answers.SheetTemplateListOut)},
        query=PageQuery,
    ),
    Operation(
        "get",
        paths.DESIGNS,
        "list_designs",
        "Labels",
        "List label designs",
        "The designs that `asset_config.design` can name, each with its newest version: the built-in ones, then the "
        "organisation's own by name.",
        {200: Content(designs.DesignListOut)},
        query=PageQuery,
    ),
    Operation(
        "get",
        paths.DESIGN_SCHEMA,
        "design_schema",
        "Labels",
        "The JSON Schema of label designs",
        "JSON Schema 2020-12 of the documents that designs are.",
        {200: _SCHEMA},
    ),
    Operation(
        "post",
        paths.DESIGN_PREVIEW,
        "preview_design",
        "Labels",
        "Preview a label design",
        "Takes a design and the request of a sheet, and stores nothing. The answer is that of a preview of the request "
        "with this design: the first page as it would be printed, and which of the first entities would fail and why.",
        {200: Content(label_exports.LabelExportPreviewOut)},
        (409,),
        body=designs.DesignPreviewRequest,
    ),
    Operation(
        "get",
        paths.DESIGN,
        "show_design",
        "Labels",
        "Show a label design",
        "The document of a design, of the newest or of the given version.",
        {200: Content(designs.DesignDocumentOut)},
        (404, 422),
        query=designs.DesignQuery,
    ),
    Operation(
        "post",
        paths.DESIGN,
        "add_design",
        "Labels",
        "Add a version of a label design",
        "The body is the document. It becomes the newest version of this name; a document that is already the newest is "
        "not added again. A job keeps the document it was submitted with. 409 if the organisation has 500 versions of "
        "its designs, or if another one is added at the same moment.",
        {201: Content(designs.DesignDocumentOut)},
        (403, 409),
        body=Design,
        headers=("Location",),
    ),
    Operation(
        "delete",
        paths.DESIGN,
        "remove_design",
        "Labels",
        "Remove a label design",
        "Removes all versions of the design. Jobs and reprints of jobs are as they were.",
        {204: None},
        (403, 404),
    ),
)
