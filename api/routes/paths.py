"""Paths of the endpoints beside label exports."""

TEMPLATES_PATH = "/products/api/v1/labels/templates/"
PRINT_HISTORY_PATH = "/products/api/v1/labels/print-history/"
