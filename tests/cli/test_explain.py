"""``imgclf explain`` from the command line."""

import json
from pathlib import Path

from imgclf.runs import Run


def test_explains_and_names_the_files(run_cli, shapes_run: Run, shapes: Path):
    """A row an image on stdout, the page and the index on stderr."""
    image = shapes / "test/circle/00.png"
    result = run_cli("explain", image, "--run", shapes_run.path, "--layer", "-3", "--out", "out")
    assert result.code == 0, result.err
    assert str(image) in result.out
    assert "Wrote out/explain.html" in result.err
    assert Path("out/panels/0001-00.png").is_file()


def test_lists_layers(run_cli, shapes_run: Run):
    """Index from both ends, name and shape; and which one auto takes."""
    result = run_cli("explain", "--list-layers", "--run", shapes_run.path)
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0].split()[:2] == ["index", "from"]
    assert lines[-1].split()[1] == "-1"
    assert "auto is '" in result.err


def test_unreadable_images_end_with_three(run_cli, shapes_run: Run, shapes: Path):
    """The others are explained, and the warning says where the reasons are."""
    Path("bad.jpg").write_bytes(b"x")
    result = run_cli(
        "explain", "bad.jpg", shapes / "test/circle/00.png", "--run", shapes_run.path, "--out", "o"
    )
    assert result.code == 3
    assert "Warning: 1 could not be explained; their rows say why (exit code 3)." in result.err


def test_json_and_check(run_cli, shapes_run: Run, shapes: Path):
    """JSON is all there is on stdout, with the check in it; without --json the check is a table."""
    arguments = ("explain", shapes / "test/circle/00.png", "--run", shapes_run.path, "--check", "--out", "o")
    values = json.loads(run_cli(*arguments, "--json").out)
    assert [row["method"] for row in values["checks"]] == ["gradcam", "random", "centre"]
    result = run_cli(*arguments)
    assert "deletion↓" in result.out
    assert "Warning: gradcam at " in result.err


def test_slow_methods_say_so_first(run_cli, shapes_run: Run, shapes: Path):
    """Whoever asks for a method with hundreds of passes is told before it begins."""
    image, run = shapes / "test/circle/00.png", shapes_run.path
    result = run_cli("explain", image, "--run", run, "--method", "gradcam,ablationcam", "--out", "o")
    assert result.err.startswith("Slow: Ablation-CAM asks the model once for each channel of a layer.\n")


def test_images_or_errors_but_not_both(run_cli, shapes_run: Run):
    """Nothing to explain is wrong usage, and so are two kinds of it."""
    sentence = (
        "Name the images to explain, such as photos/cat.jpg, or give --misclassified N; one of the two."
    )
    for extra in ((), ("a.png", "--misclassified", "3")):
        result = run_cli("explain", *extra, "--run", shapes_run.path)
        assert result.code == 2
        assert sentence in result.err


def test_misclassified_needs_an_evaluation(run_cli, shapes_run_copy: Run):
    """The error names the command that comes first."""
    result = run_cli("explain", "--misclassified", "3", "--run", shapes_run_copy.path)
    assert result.code == 1
    assert "First: imgclf evaluate --run" in result.err


def test_a_layer_without_any_evidence_is_named(run_cli, shapes: Path):
    """The last block's patches of a ViT with a class token get no gradient; the person is told what to try."""
    from imgclf.models import create_classifier
    from imgclf.records import ModelHeader, Preprocessing
    from imgclf.runs.model_file import save_model_file

    classifier = create_classifier("test_vit", 3, pretrained="no", image_size=(64, 64))
    seen = Preprocessing(image_size=(64, 64), mean=(0.5,) * 3, std=(0.5,) * 3)
    header = ModelHeader("test_vit", ("circle", "square", "triangle"), seen, arch_args=classifier.arch_args)
    save_model_file(Path("vit.safetensors"), classifier.state_dict(), header)
    image = shapes / "test/circle/00.png"
    result = run_cli("explain", image, "--run", "vit.safetensors", "--layer", "blocks.5", "--out", "o")
    assert result.code == 0, result.err
    assert "1 (1 empty or flat)" in result.out
    assert (
        "Warning: Every map of the layer 'blocks.5' is empty: nothing there speaks for the class. Try --layer auto, or "
        "eigencam.\n"
    ) in result.err
