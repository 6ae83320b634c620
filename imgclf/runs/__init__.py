"""The run directory and the model file: create, open, read, write."""

from imgclf.runs.directory import DEFAULT_PARENT, Run, create_run, latest_run, list_runs, open_run
from imgclf.runs.model_file import (
    fingerprint,
    identity,
    read_header,
    read_weights,
    save_model_file,
    update_header,
)

__all__ = [
    "DEFAULT_PARENT",
    "Run",
    "create_run",
    "fingerprint",
    "identity",
    "latest_run",
    "list_runs",
    "open_run",
    "read_header",
    "read_weights",
    "save_model_file",
    "update_header",
]
