"""The predictor: every kind of source, order, errors, thresholds, threads."""

import inspect
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.errors import RunError, UsageError
from imgclf.inference import Predictor
from imgclf.records import UnreadableImage
from imgclf.runs import Run, read_header, update_header
from imgclf.task import softmax


@pytest.fixture(scope="module")
def predictor(shapes_run: Run) -> Predictor:
    """The run's model on the CPU."""
    return Predictor.open(shapes_run.path, device="cpu")


@pytest.fixture(scope="module")
def images(shapes: Path) -> list[Path]:
    """The test images, class by class."""
    return sorted((shapes / "test").glob("*/*.png"))


def test_predict_recognises_shapes(predictor: Predictor, images: list[Path]) -> None:
    """A model trained on shapes tells most of them apart through the predictor."""
    answers = predictor.predict(images)
    right = sum(answer.label == path.parent.name for answer, path in zip(answers, images, strict=True))
    assert right / len(images) > 0.6
    assert [answer.file for answer in answers] == [str(path) for path in images]


def test_all_kinds_of_sources_agree(predictor: Predictor, images: list[Path]) -> None:
    """A path, a string, bytes, a PIL image and an array of one image get one answer."""
    path = images[0]
    with Image.open(path) as opened:
        sources = [path, str(path), path.read_bytes(), opened, np.asarray(opened)]
        answers = predictor.predict(sources)
    rows = np.array([list(answer.probabilities.values()) for answer in answers])
    np.testing.assert_allclose(rows, rows[:1].repeat(5, axis=0), atol=1e-6)
    assert [answer.file for answer in answers] == [str(path), str(path), "image 2", str(path), "image 4"]


def test_one_source_alone_is_a_list_of_one(predictor: Predictor, images: list[Path]) -> None:
    """A single path, and a four-dimensional array, need no list around them."""
    assert len(predictor.predict(str(images[0]))) == 1
    assert len(predictor.predict(np.zeros((3, 32, 32, 3), np.uint8))) == 3
    assert len(predictor.predict(np.zeros((32, 32, 3), np.uint8))) == 1
    assert predictor.predict([]) == []


def test_unreadable_image_never_gets_a_neighbours_answer(
    predictor: Predictor, images: list[Path], tmp_path: Path
) -> None:
    """Broken files among sound ones have their errors, and every sound one keeps its own answer."""
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"")
    mixed = [images[0], broken, images[1], tmp_path / "none.png", images[2], np.zeros((2, 2), float)]
    answers = predictor.predict(mixed)
    alone = predictor.predict(images[:3])
    assert [answer.error for answer in answers[1:4:2]] == ["is empty (0 bytes)", "does not exist"]
    assert "type float64" in (answers[5].error or "")
    assert all(answer.label is None and not answer.probabilities for answer in answers if answer.error)
    for got, want in zip(answers[0:5:2], alone, strict=True):
        assert (got.file, got.label, got.error) == (want.file, want.label, None)
        assert got.confidence == pytest.approx(want.confidence, abs=1e-6)


def test_an_unreadable_image_of_a_scan_keeps_its_reason(predictor: Predictor) -> None:
    """What a folder's scan found unreadable passes through with its own words."""
    (answer,) = predictor.predict([UnreadableImage("a.jpg", "is a folder, not an image")])
    assert (answer.file, answer.error) == ("a.jpg", "is a folder, not an image")


def test_stream_keeps_order_and_reads_little_ahead(predictor: Predictor, images: list[Path]) -> None:
    """A stream of unknown length answers in order and holds a bounded number of images."""
    asked = 0

    def endless():
        nonlocal asked
        while True:
            asked += 1
            yield images[(asked - 1) % len(images)]

    stream = predictor.predict_stream(endless(), batch_size=2)
    got = [next(stream).file for _ in range(40)]
    stream.close()
    assert got == [str(images[index % len(images)]) for index in range(40)]
    cores = 64
    assert asked <= 40 + 2 * 2 * cores + 2


def test_batch_size_does_not_change_answers(predictor: Predictor, images: list[Path]) -> None:
    """One by one, in fives and by measurement: the same probabilities."""
    runs = [list(predictor.predict_stream(images, batch_size=size)) for size in (1, 5, "auto")]
    rows = [[list(answer.probabilities.values()) for answer in answers] for answers in runs]
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)
    np.testing.assert_allclose(rows[0], rows[2], atol=1e-6)


def test_top_k_is_clamped_and_sorted(predictor: Predictor, images: list[Path]) -> None:
    """Asking for more classes than there are lists all of them, best first."""
    (answer,) = predictor.predict([images[0]], top_k=99)
    values = [value for _, value in answer.top_k]
    assert len(values) == 3
    assert values == sorted(values, reverse=True)
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert len(predictor.predict([images[0]], top_k=1)[0].top_k) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"top_k": 0}, "top_k is 0, but it must be 1 or more."),
        ({"threshold": 1.5}, "The threshold is 1.5, but a confidence is between 0 and 1."),
    ],
)
def test_impossible_options_are_refused(
    predictor: Predictor, options: dict[str, float], sentence: str
) -> None:
    """What cannot be meant is said at the call, not at the first answer."""
    with pytest.raises(UsageError) as caught:
        predictor.predict_stream([], **options)
    assert str(caught.value) == sentence


def test_threshold_rejects_but_keeps_the_evidence(predictor: Predictor, images: list[Path]) -> None:
    """Below the threshold the label is unknown; confidence and best classes stay."""
    (sure,) = predictor.predict([images[0]], threshold=0.0)
    (unsure,) = predictor.predict([images[0]], threshold=1.0)
    assert unsure.label == ("unknown" if sure.confidence < 1 else sure.label)
    assert unsure.confidence == sure.confidence
    assert unsure.top_k == sure.top_k


def test_threshold_and_temperature_come_from_the_model_file(shapes_run_copy: Run, images: list[Path]) -> None:
    """The header's threshold is obeyed unless overridden, and its temperature flattens the probabilities."""
    header = read_header(shapes_run_copy.model_file)
    plain = Predictor.open(shapes_run_copy.path, device="cpu").predict([images[0]], threshold=0)[0]
    update_header(shapes_run_copy.model_file, replace(header, temperature=1000.0, threshold=0.9))
    calibrated = Predictor.open(shapes_run_copy.path, device="cpu")
    (answer,) = calibrated.predict([images[0]])
    assert answer.label == "unknown"
    assert answer.confidence == pytest.approx(1 / 3, abs=0.01)
    assert answer.top_k[0][0] == plain.label
    assert calibrated.predict([images[0]], threshold=0)[0].label == plain.label


def test_not_a_number_is_an_error(predictor: Predictor) -> None:
    """Weights that diverged give an error, not a confident first class."""
    answer = predictor.prediction("a.png", np.full(3, np.nan, np.float32))
    assert answer.error == "the model's answer is not a number (NaN)"
    assert answer.label is None


def test_softmax_survives_large_logits() -> None:
    """Large logits overflow nothing, and a temperature divides them."""
    np.testing.assert_allclose(softmax(np.array([[1000.0, 0.0]])), [[1.0, 0.0]])
    np.testing.assert_allclose(softmax(np.array([[2.0, 0.0]]), 2.0), softmax(np.array([[1.0, 0.0]])))


def test_logits_probabilities_and_embeddings_of_batches(predictor: Predictor, images: list[Path]) -> None:
    """The batch methods fit together and work from several threads at once."""
    batch = np.stack([predictor.prepare(path).pixels for path in images[:6]])
    expected = predictor.probabilities(batch)
    np.testing.assert_allclose(softmax(predictor.logits(batch), predictor.header.temperature), expected)
    assert predictor.embed(batch).shape[0] == 6
    assert predictor.embed(batch).dtype == np.float32
    with ThreadPoolExecutor(4, initializer=predictor.limit_threads, initargs=(1,)) as pool:
        for got in pool.map(predictor.probabilities, [batch] * 8):
            np.testing.assert_allclose(got, expected, atol=1e-6)
    predictor.limit_threads(None)


def test_stream_leaves_the_callers_threads_alone(predictor: Predictor, images: list[Path]) -> None:
    """Workers compute with one thread each; the process's own setting is as before."""
    import torch

    before = torch.get_num_threads()
    predictor.predict(images)
    assert torch.get_num_threads() == before


def test_half_precision_answers_alike(shapes_run: Run, images: list[Path]) -> None:
    """bfloat16 computes nearly the same probabilities."""
    exact = Predictor.open(shapes_run.path, device="cpu").predict(images[:4])
    rough = Predictor.open(shapes_run.path, device="cpu", precision="bf16").predict(images[:4])
    for a, b in zip(exact, rough, strict=True):
        assert list(b.probabilities.values()) == pytest.approx(list(a.probabilities.values()), abs=0.1)


def test_opened_by_run_name_and_by_file(shapes_run_copy: Run, images: list[Path]) -> None:
    """A run's folder, its name inside runs/ and its model file mean the same model."""
    for given in (shapes_run_copy.path, shapes_run_copy.name, shapes_run_copy.model_file):
        assert Predictor.open(given, device="cpu").class_names == ("circle", "square", "triangle")


def test_run_without_a_model_says_so(shapes_run_copy: Run) -> None:
    """A run that was stopped before its first epoch has nothing to predict with."""
    shapes_run_copy.model_file.unlink()
    with pytest.raises(RunError) as caught:
        Predictor.open(shapes_run_copy.path)
    assert str(caught.value) == (
        f"{shapes_run_copy.path}: this run has no model yet (no model.safetensors in it). "
        f"Let its training finish, or resume it: imgclf train --resume {shapes_run_copy.path}"
    )


def test_missing_device_is_named(shapes_run: Run) -> None:
    """A device that the machine lacks is an error with the ones it has."""
    import torch

    if torch.backends.mps.is_available():
        pytest.skip("this machine has an MPS device")
    with pytest.raises(UsageError, match=r"^There is no device 'mps' on this machine\. Use auto, .*cpu\.$"):
        Predictor.open(shapes_run.path, device="mps")


def test_documented_example_runs(
    shapes_run: Run, images: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example in the predictor's docstring does what it says."""
    shutil.copytree(shapes_run.path, tmp_path / "runs" / "mine")
    for name, image in zip(("first.png", "second.png"), images, strict=False):
        shutil.copy(image, tmp_path / name)
    text = inspect.cleandoc(Predictor.__doc__ or "").split("::\n")[1].split("All methods")[0]
    exec(textwrap.dedent(text), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["first.png", "second.png"]
    assert all(line.split()[1] in ("circle", "square", "triangle") for line in lines)


def test_importing_inference_imports_no_torch() -> None:
    """Only a model file decides whether torch is needed."""
    code = "import sys, imgclf.inference; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
