"""``imgclf models`` on the command line."""

import json
from collections.abc import Callable
from typing import Any


def test_a_pattern_lists_networks_with_parameters(run_cli: Callable[..., Any]) -> None:
    """Parameters, input size and tags stand in lines of at most 80 columns."""
    result = run_cli("models", "resnet18")
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split() == ["model", "parameters", "input", "pretrained"]
    assert any(line.split() == ["resnet18", "11.7", "M", "224", "a1_in1k", "+6"] for line in lines)
    assert "resnet18.tv_in1k" in lines
    assert max(map(len, lines)) <= 80


def test_all_networks_fit_80_columns(run_cli: Callable[..., Any]) -> None:
    """Without a pattern everything is listed, ours marked with its origin."""
    result = run_cli("models")
    lines = result.out.splitlines()
    assert len(lines) > 1000
    assert max(map(len, lines)) <= 80
    assert any(line.split()[:3] == ["resnet9", "32", "imgclf"] for line in lines)


def test_json_is_for_programs(run_cli: Callable[..., Any]) -> None:
    """``--json`` gives one object a network."""
    (listing,) = json.loads(run_cli("models", "cnn4", "--json").out)
    assert listing == {
        "name": "cnn4",
        "origin": "imgclf",
        "parameters": 391466,
        "image_size": [150, 150],
        "pretrained": [],
    }


def test_only_pretrained_ones(run_cli: Callable[..., Any]) -> None:
    """``--pretrained`` leaves out what has no weights, and says when nothing is left."""
    assert "seresnet18 " not in run_cli("models", "*resnet18", "--pretrained").out.replace(
        "legacy_seresnet18 ", ""
    )
    result = run_cli("models", "cnn4", "--pretrained")
    assert result.code == 1
    assert result.err == "Error: No model that matches 'cnn4' has pretrained weights.\n"


def test_no_match_suggests_a_name(run_cli: Callable[..., Any]) -> None:
    """A pattern that matches nothing is an error with the nearest name."""
    result = run_cli("models", "resnet_9")
    assert result.code == 1
    assert result.err == (
        "Error: No model matches 'resnet_9'. Did you mean 'resnet9'? See all with: imgclf models\n"
    )
