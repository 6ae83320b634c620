"""What a run directory holds, from the code that writes it."""

import inspect

from imgclf.records import EpochRecord
from imgclf.runs import directory
from pages.docstrings import attributes

_INTRODUCTION = """# Run directory

`imgclf train` makes one folder, named after the time, the model and the dataset. It is the only thing that passes
between commands: copy it to another machine and `explain`, `predict`, `serve` and `export` work there, without the
training data. Each file is written beside itself, flushed and renamed, so a crash leaves the old one or the new one.
"""

_STATUS = """## metrics.json

`status` is `running`, `stopped` (by a signal; `--resume` goes on from there), `failed`,
`finished`, or `pruned` by `imgclf tune`. "The newest
finished run" is the last name in `runs/` whose status is `finished`. `best` repeats the best epoch's row of
`history.csv`; `imgclf evaluate` adds its results as `evaluation`, under the name of the split.
"""


def page() -> str:
    """Return the page."""
    listing = (inspect.getdoc(directory) or "").split("\n\n", maxsplit=1)[1]
    rows = [f"| `{name}` | {meaning} |" for name, meaning in attributes(EpochRecord).items()]
    return "\n".join(
        [
            _INTRODUCTION,
            f"```text\n{listing}\n```\n",
            "## history.csv\n",
            "One row an epoch.\n",
            "| Column | Meaning |\n|---|---|",
            *rows,
            "",
            _STATUS,
        ]
    )
