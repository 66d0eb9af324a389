"""The published description of the submit endpoint, as data: what its clients may rely on."""

PATH = "/products/api/v1/labels/export/"
METHOD = "post"
OPERATION_ID = "apps_products_api_labels_export_api_submit_label_export"

SECURITY = {
    "APIKeyHeaderAuth": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "OAuthTokenAuth": {"type": "http", "scheme": "bearer"},
    "SessionAuth": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
}

#: The statuses it declares, with the schema of each body.
ANSWERS = {"202": "LabelExportAcceptedOut", "403": "ErrorOut", "422": "ErrorOut"}

ENUMS = {
    "LabelExportScopeEnum": ["products", "lots", "serials"],
    "LabelExportTypeEnum": ["qr_codes", "datamatrix", "barcodes_1d", "codes_combined", "sheet_pdf"],
    "LabelExportFileFormatEnum": ["svg", "png", "pdf", "eps"],
    "LabelExportStatusEnum": ["pending", "processing", "completed", "failed"],
}

STRING = {"type": "string"}
INTEGER = {"type": "integer"}
BOOLEAN = {"type": "boolean"}
STRINGS = {"type": "array", "items": STRING, "maxItems": 5000}
MOMENT = {"type": "string", "format": "date-time"}


def ref(name):
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema):
    return {"anyOf": [schema, {"type": "null"}]}


#: Of each object: what is required, and its properties.
OBJECTS = {
    "LabelExportSubmitIn": (
        ["scope", "export_type", "file_format"],
        {
            "scope": ref("LabelExportScopeEnum"),
            "export_type": ref("LabelExportTypeEnum"),
            "file_format": ref("LabelExportFileFormatEnum"),
            "filters": or_null(ref("LabelExportFiltersIn")),
            "asset_config": or_null(ref("LabelExportAssetConfigIn")),
        },
    ),
    "LabelExportFiltersIn": (
        [],
        {
            "gtins": or_null(STRINGS),
            "product_id": or_null(STRING),
            "lot_ids": or_null(STRINGS),
            "serial_ids": or_null(STRINGS),
            "lot_run_id": or_null(STRING),
            "never_printed": or_null(BOOLEAN),
            "created_after": or_null(MOMENT),
            "created_before": or_null(MOMENT),
        },
    ),
    "LabelExportAssetConfigIn": ([], {"sheet_template": or_null({"type": "string", "maxLength": 64})}),
    "LabelExportAcceptedOut": (
        ["job_id", "status", "poll_url"],
        {"job_id": STRING, "status": ref("LabelExportStatusEnum"), "poll_url": STRING},
    ),
    "ErrorOut": (
        ["type", "title", "status", "detail", "error_code", "timestamp"],
        {
            "type": STRING,
            "title": STRING,
            "status": INTEGER,
            "detail": STRING,
            "error_code": STRING,
            "retryable": BOOLEAN,
            "timestamp": STRING,
            "retry_after": or_null(INTEGER),
            "owner_action_required": or_null(BOOLEAN),
            "details": {},
        },
    ),
}

_LOTS = {"scope": "lots", "export_type": "datamatrix", "file_format": "svg"}

#: The request examples; those of the filters and of the sheet put into a whole body.
EXAMPLES = [
    {**_LOTS, "filters": {"gtins": ["00012345678905"], "never_printed": True}},
    {**_LOTS, "filters": {"lot_ids": ["abc123def456"]}},
    {
        "scope": "lots",
        "export_type": "sheet_pdf",
        "file_format": "pdf",
        "filters": {"product_id": "abc123def456"},
        "asset_config": {"sheet_template": "63up_1in_letter"},
    },
]


def document():
    """Return the published description in OpenAPI, with what it leaves out of errors laid over it.

    Its errors are problem documents by its own words, though it declares them as JSON; and an API has
    more of them than the two it lists.
    """
    problem = {"application/problem+json": {"schema": ref("ErrorOut")}}
    answers = {
        status: {
            "description": status,
            "content": problem if schema == "ErrorOut" else {"application/json": {"schema": ref(schema)}},
        }
        for status, schema in ANSWERS.items()
    }
    for status in ("400", "401", "404", "409", "413", "415", "429"):
        answers[status] = {"description": status, "content": problem}
    schemas = {name: {"type": "string", "enum": values} for name, values in ENUMS.items()}
    for name, (required, properties) in OBJECTS.items():
        schemas[name] = {"type": "object", "required": required, "properties": properties}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Published", "version": "1.0.0"},
        "paths": {
            PATH: {
                METHOD: {
                    "operationId": OPERATION_ID,
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {
                                "schema": ref("LabelExportSubmitIn"),
                                "examples": {str(i): {"value": e} for i, e in enumerate(EXAMPLES)},
                            }
                        },
                    },
                    "responses": answers,
                    "security": [{name: []} for name in SECURITY],
                }
            }
        },
        "components": {"schemas": schemas, "securitySchemes": SECURITY},
    }
