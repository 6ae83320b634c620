"""``imgclf serve``: what it refuses before it serves. That it serves is tested in tests/serving."""

from collections.abc import Callable
from pathlib import Path

import pytest

from imgclf.runs import Run
from imgclf.serving.http.credentials import load_keys

RunCli = Callable[..., object]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What would have been served, instead of serving it."""
    calls: list[object] = []

    def note(settings: object, listener: object, workers: int) -> None:
        calls.append(settings)
        listener.close()  # type: ignore[attr-defined]

    monkeypatch.setattr("imgclf.serving.server.serve", note)
    for name in ("IMGCLF_API_KEY", "IMGCLF_USERNAME", "IMGCLF_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return calls


def test_it_says_where_and_how_to_try(run_cli: RunCli, shapes_run: Run, served: list[object]) -> None:
    """The address and a line for curl, on stderr."""
    result = run_cli("serve", "--run", shapes_run.path, "--port", "0")
    assert result.code == 0, result.err
    assert "Serving at http://127.0.0.1:" in result.err
    assert "Try: curl -F file=@photo.jpg http://127.0.0.1:" in result.err
    assert served[0].local_names_only is True
    assert result.out == ""


def test_without_a_run_it_takes_the_newest(
    run_cli: RunCli, shapes_run_copy: Run, served: list[object]
) -> None:
    """And says which."""
    result = run_cli("serve", "--port", "0")
    assert "The newest finished run: runs/" in result.err
    assert Path(served[0].model).name == shapes_run_copy.name


def test_a_network_is_served_with_keys_or_with_a_word(
    run_cli: RunCli, shapes_run: Run, served: list[object], tmp_path: Path
) -> None:
    """Without a key it refuses and says how to get one; --no-auth is taken, with a warning."""
    arguments = ("serve", "--run", shapes_run.path, "--host", "0.0.0.0", "--port", "0")
    refused = run_cli(*arguments)
    assert refused.code == 2
    assert "so the server must ask for a key" in refused.err
    assert served == []
    opened = run_cli(*arguments, "--no-auth")
    assert opened.code == 0
    assert "Everybody who can reach 0.0.0.0 may use this server" in opened.err
    made = run_cli("serve", "--api-key-file", tmp_path / "keys.txt", "--new-key", "anna")
    assert load_keys(tmp_path / "keys.txt", {}).quick_owner(made.out.strip().encode()) == "anna"
    keyed = run_cli(*arguments, "--api-key-file", tmp_path / "keys.txt")
    assert keyed.code == 0
    assert "curl -H 'X-API-Key: KEY'" in keyed.err


def test_contradictions_and_missing_models_are_told(
    run_cli: RunCli, shapes_run: Run, served: list[object]
) -> None:
    """Two models, a key without a file, a run that is not there."""
    both = run_cli("serve", "--run", shapes_run.path, "--model-file", "a.safetensors")
    assert "--run and --model-file both name a model" in both.err
    assert "--new-key needs a file" in run_cli("serve", "--new-key", "anna").err
    assert "There is no run 'nothing'" in run_cli("serve", "--run", "nothing").err
    beside = run_cli("serve", "--model-file", "a.onnx", "--no-auth", "--api-key-file", "keys.txt")
    assert "--no-auth lets everybody in, and --api-key-file asks for a key: give one of them." in beside.err
    gone = run_cli("serve", "--model-file", "nothing.onnx")
    assert gone.err == "Error: There is no model file 'nothing.onnx'.\n"
    assert "not a readable model file" in run_cli("serve", "--model-file", "nothing.safetensors").err
    assert served == []
