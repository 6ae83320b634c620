"""Where downloaded datasets live."""

import os
from pathlib import Path

from platformdirs import user_cache_dir

DATA_DIR_VARIABLE = "IMGCLF_DATA_DIR"


def data_root(data_dir: Path | None = None) -> Path:
    """Return ``data_dir``, else the environment's ``IMGCLF_DATA_DIR``, else the user's cache directory."""
    if data_dir is not None:
        return Path(data_dir).expanduser()
    from_environment = os.environ.get(DATA_DIR_VARIABLE)
    if from_environment:
        return Path(from_environment).expanduser()
    return Path(user_cache_dir("imgclf")) / "datasets"
