"""The deployment pages and Dockerfiles: what they start exists."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PLACES = [
    *(ROOT / "docs" / "howto").glob("deploy*.md"),
    *(ROOT / "imgclf" / "export" / "templates").glob("Dockerfile*"),
]


def _started(text: str) -> list[list[str]]:
    """Return the words after ``imgclf serve``, from shell lines and from lists in YAML and JSON."""
    lists = re.findall(r'\[\s*"?imgclf"?,\s*"?serve"?,(.*?)\]', text, re.S)
    lines = re.findall(r"imgclf serve (--.*)", text) + re.findall(r"--args serve,(.*)", text)
    return [re.findall(r"--[a-z][a-z-]*", words) for words in lists + lines]


@pytest.mark.parametrize("place", PLACES, ids=lambda path: path.name)
def test_every_option_exists(place: Path, run_cli: Callable[..., Any]) -> None:
    """Each option that a deployment gives to the server is one of its options."""
    started = _started(place.read_text(encoding="utf-8"))
    assert started
    known = set(re.findall(r"--[a-z][a-z-]*", run_cli("serve", "--help").out))
    assert {option for options in started for option in options} <= known


def test_probes_and_metric_exist() -> None:
    """The addresses that Kubernetes asks without a key are open, and the metric that it scales on is counted."""
    from imgclf.serving.http.security import OPEN_PATHS

    page = (ROOT / "docs" / "howto" / "deploy-kubernetes.md").read_text(encoding="utf-8")
    probes = set(re.findall(r"httpGet: \{path: ([^,]+),", page))
    assert probes == {"/health", "/ready", "/v2/health/ready"}
    assert probes <= OPEN_PATHS
    named = set(re.findall(r"imgclf_[a-z_]+", page))
    assert {"imgclf_queue_images", "imgclf_answers_total", "imgclf_confidence_sum"} <= named
    sources = (ROOT / "imgclf" / "serving" / name for name in ("service.py", "http/metrics.py"))
    counted = "".join(source.read_text(encoding="utf-8") for source in sources)
    for name in named:  # Prometheus' own endings are not in the source
        assert f'"{re.sub("_(total|sum|count)$", "", name)}"' in counted, name
