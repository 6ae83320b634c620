"""The flags of the config's fields, as the command line reads them without importing pydantic."""

import json

from imgclf.recipes import Config
from imgclf.recipes.flags import flags_of


def text() -> str:
    """Return them as JSON, one flag a line."""
    lines = ",\n".join(json.dumps(flag) for flag in flags_of(Config))
    return f"[\n{lines}\n]\n"
