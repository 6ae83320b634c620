"""What lies beside an exported file: its preprocessing in words, and a script that predicts without imgclf."""

import json
from pathlib import Path

from imgclf.atomic import write_text
from imgclf.export.job import ExportJob
from imgclf.export.templates import filled
from imgclf.inference.exported import ExportedFormat


def write_beside(kind: ExportedFormat, job: ExportJob) -> tuple[Path, Path]:
    """Write ``preprocess.json`` and ``predict_<format>.py`` and return their paths."""
    target, values = job.target, job.header.to_dict()
    described, script = target.with_name("preprocess.json"), target.with_name(f"predict_{kind.name}.py")
    kept = {key: values[key] for key in ("arch", "class_names", "preprocessing", "temperature", "threshold")}
    write_text(described, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    text = filled(f"{script.name}.txt", IMAGES=filled("images.py.txt"), MODEL=target.name)
    write_text(script, text)
    return described, script
