"""The Dagster UI behind a guard: who may look, who may change something, and from which pages."""
