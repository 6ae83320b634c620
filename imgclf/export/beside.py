"""What lies beside an exported file: its preprocessing in words, and a script that predicts without imgclf."""

import json
from pathlib import Path

from imgclf.atomic import write_text
from imgclf.errors import UsageError
from imgclf.export.job import ExportJob
from imgclf.export.templates import filled
from imgclf.inference import ExportedFormat

_USUAL = "model"  # the stem of a file that was given no name of its own


def beside(kind: ExportedFormat, job: ExportJob) -> dict[Path, str]:
    """Return the texts that belong beside the target: ``preprocess.json`` and ``predict_<format>.py``.

    A file with a name of its own has them under that name (``flowers.preprocess.json``, ``predict_flowers_onnx.py``), so
    that several exports fit into one folder.

    Raises:
        UsageError: one of them is there already, belongs to another model, and may not be replaced.
    """
    target, values = job.target, job.header.to_dict()
    kept = {key: values[key] for key in ("arch", "class_names", "preprocessing", "temperature", "threshold")}
    own = "" if target.stem == _USUAL else target.stem
    described = target.with_name(f"{own}.preprocess.json".lstrip("."))
    word = "".join(letter if letter.isalnum() else "_" for letter in f"{own}_{kind.name}").lstrip("_")
    script = target.with_name(f"predict_{word}.py")
    texts = {
        described: json.dumps(kept, indent=2, ensure_ascii=False) + "\n",
        script: filled(f"predict_{kind.name}.py.txt", IMAGES=filled("images.py.txt"), MODEL=target.name),
    }
    for path, text in texts.items():
        if path.is_file() and not job.overwrite and path.read_text(encoding="utf-8") != text:
            raise UsageError(
                f"'{path}' belongs to another export. Give this one a name of its own, such as --output "
                f"{target.with_name(f'other{target.suffix}')}, or replace what is there with --overwrite."
            )
    return texts


def write_beside(texts: dict[Path, str]) -> tuple[Path, ...]:
    """Write what :func:`beside` gave and return the paths."""
    for path, text in texts.items():
        write_text(path, text)
    return tuple(texts)
