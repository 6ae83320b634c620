"""Which library computes, and that it gives the network's own answers."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from imgclf.data.loading.cores import cores
from imgclf.errors import ModelError, RunError, UsageError
from imgclf.inference import Predictor
from imgclf.inference.backends.onnx import OnnxBackend
from imgclf.inference.backends.torch import TorchBackend
from imgclf.inference.graphs.choice import Choice, remember_choice, remembered_choice
from imgclf.inference.graphs.kept import beside, graph_key, in_cache, kept_graph
from imgclf.inference.graphs.made import compare, make_graph, real_pixels
from imgclf.inference.runtimes import open_backend
from imgclf.models import Classifier, Origin, create_classifier
from imgclf.records import ModelHeader, Preprocessing
from imgclf.runs import Run, read_header, read_weights, save_model_file, update_header

SPEC = Preprocessing((32, 32), (0.5,) * 3, (0.5,) * 3)


@pytest.fixture
def images(shapes: Path) -> list[Path]:
    """Real files of every class."""
    return sorted((shapes / "test").rglob("*.png"))


def test_training_leaves_a_graph_that_predicts_as_torch_does(shapes_run: Run, images: list[Path]) -> None:
    """On a CPU ONNX Runtime computes, and no probability moves by more than 1e-4."""
    header = read_header(shapes_run.model_file)
    assert beside(shapes_run.model_file, graph_key(shapes_run.model_file, header)).is_file()
    fast, slow = (Predictor.open(shapes_run.path, "cpu", runtime=name) for name in ("onnx", "torch"))
    assert (fast.backend.name, slow.backend.name) == ("onnx", "torch")
    for found, expected in zip(fast.predict(images), slow.predict(images), strict=True):
        assert found.label == expected.label
        assert list(found.probabilities.values()) == pytest.approx(
            list(expected.probabilities.values()), abs=1e-4
        )


def test_one_pass_gives_logits_and_features_by_either_library(shapes_run: Run, images: list[Path]) -> None:
    """Both say the same, and the same as when they are asked for one alone."""
    for runtime in ("onnx", "torch"):
        predictor = Predictor.open(shapes_run.path, "cpu", runtime=runtime)
        pixels = np.stack([predictor.prepare(path).pixels for path in images[:3]])
        logits, features = predictor.backend.logits_and_features(pixels)
        np.testing.assert_allclose(logits, predictor.logits(pixels), atol=1e-5)
        np.testing.assert_allclose(features, predictor.embed(pixels), atol=1e-5)


@pytest.mark.parametrize(
    "arch",
    [
        "mobilenetv3_small_050",
        "vit_tiny_patch16_224",
        "swin_tiny_patch4_window7_224",
        "convnext_atto",
        "resnet9",
    ],
)
def test_graphs_of_every_kind_of_network_agree_with_torch(arch: str, tmp_path: Path) -> None:
    """Convolutions, attention, windows and one of our own: probabilities to 1e-4, features to 1e-3."""
    size = 224 if "224" in arch else 64
    classifier = create_classifier(arch, 4, image_size=(size, size)).eval()
    spec = replace(SPEC, image_size=(size, size))
    header = ModelHeader(arch, tuple("abcd"), spec, arch_args=classifier.arch_args)
    network = TorchBackend(classifier, spec, "cpu")
    pixels = real_pixels(tmp_path, spec)
    assert make_graph(network, header, tmp_path / "graph.onnx", pixels).good
    assert compare(network, OnnxBackend(tmp_path / "graph.onnx", "cpu", header), header, pixels).good


def test_new_weights_never_meet_the_old_graph(shapes_run_copy: Run, images: list[Path]) -> None:
    """A model file with other weights gets a graph of its own."""
    file = shapes_run_copy.model_file
    header, weights = read_header(file), read_weights(file)
    old = kept_graph(file, graph_key(file, header))
    save_model_file(file, {name: tensor * 1.5 for name, tensor in weights.items()}, header)
    fast, slow = (Predictor.open(file, "cpu", runtime=name) for name in ("onnx", "torch"))
    assert fast.predict(images[0])[0].confidence == pytest.approx(
        slow.predict(images[0])[0].confidence, abs=1e-4
    )
    assert old is not None
    assert not old.exists()


def test_another_temperature_keeps_the_graph(shapes_run_copy: Run, images: list[Path]) -> None:
    """The graph gives logits; what is divided and cut afterwards is the model file's."""
    file = shapes_run_copy.model_file
    header = read_header(file)
    key = graph_key(file, header)
    update_header(file, replace(header, temperature=1000.0, threshold=0.9))
    assert graph_key(file, read_header(file)) == key
    (found,) = Predictor.open(file, "cpu", runtime="onnx").predict(images[0])
    assert (found.label, round(found.confidence or 0, 2)) == ("unknown", 0.33)


def test_predicting_starts_without_torch(shapes_run: Run, images: list[Path]) -> None:
    """`imgclf predict one.jpg` reads the model file's header and the graph, and nothing of PyTorch."""
    script = (
        "import sys; from imgclf.cli.main import main\n"
        "try:\n    main()\nfinally:\n    print({'torch', 'timm', 'torchvision', 'sklearn'} & set(sys.modules))"
    )
    arguments = ["predict", str(images[0]), "--run", str(shapes_run.path), "--json"]
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=120
    )
    assert ended.stdout.splitlines()[-1] == "set()", ended.stderr


def test_a_model_file_alone_gets_its_graph_in_the_cache(
    shapes_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a file that is in no run nothing is written, and the second start finds what the first has made."""
    monkeypatch.setenv("IMGCLF_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "alone.safetensors"
    file.write_bytes(shapes_run.model_file.read_bytes())
    header = read_header(file)
    Predictor.open(file, "cpu")
    graph = in_cache(graph_key(file, header))
    assert kept_graph(file, graph_key(file, header)) == graph
    before = graph.stat().st_mtime_ns
    assert Predictor.open(file, "cpu", runtime="onnx").backend.name == "onnx"
    assert graph.stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.safetensors", "cache"]


def test_a_broken_graph_is_made_anew(shapes_run_copy: Run, images: list[Path]) -> None:
    """What a crash or a disk has damaged counts as no graph."""
    file = shapes_run_copy.model_file
    graph = beside(file, graph_key(file, read_header(file)))
    graph.write_bytes(b"no graph")
    assert Predictor.open(file, "cpu", runtime="onnx").predict(images[0])[0].error is None
    assert graph.stat().st_size > 1000


def test_a_cache_that_cannot_be_written_leaves_it_to_torch(
    shapes_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Predicting goes on; only who insists on ONNX Runtime is told."""
    (tmp_path / "cache").write_text("a file where the folder would be")
    monkeypatch.setenv("IMGCLF_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "alone.safetensors"
    file.write_bytes(shapes_run.model_file.read_bytes())
    assert Predictor.open(file, "cpu").backend.name == "torch"
    with pytest.raises(ModelError) as raised:
        Predictor.open(file, "cpu", runtime="onnx")
    assert str(raised.value) == (
        f"{file}: its graph could not be written (Not a directory). Name a folder for it with the environment "
        f"variable IMGCLF_CACHE_DIR."
    )


class _Counting(nn.Module):
    """Gives other answers to other batch sizes, which no graph of one size can know."""

    num_features = 3

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(2, 3)) * (1.0 if len(images) == 2 else 2.0)

    def forward_head(self, features: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        return features if pre_logits else 3 * features

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(images))


def test_a_graph_that_says_something_else_is_refused(tmp_path: Path) -> None:
    """What the exporter took for a constant shows at another batch size, and nothing is kept."""
    header = ModelHeader("counting", tuple("abc"), SPEC)
    network = TorchBackend(Classifier(_Counting(), 3, Origin("counting")), SPEC, "cpu")
    with pytest.raises(ModelError) as raised:
        make_graph(network, header, tmp_path / "graph.onnx", real_pixels(tmp_path, SPEC))
    assert str(raised.value).startswith("'counting' cannot be computed by ONNX Runtime: ")
    assert list(tmp_path.iterdir()) == []


def test_what_was_chosen_is_remembered(
    shapes_run_copy: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that torch computes faster is not measured at every start; who insists is obeyed."""
    monkeypatch.setenv("IMGCLF_CACHE_DIR", str(tmp_path / "cache"))
    file = shapes_run_copy.model_file
    key = graph_key(file, read_header(file))
    assert remembered_choice(key) is None
    remember_choice(key, Choice("torch", "measured", {"onnx": 2.0, "torch": 1.0}))
    predictor = Predictor.open(file, "cpu")
    assert (predictor.backend.name, predictor.chosen_because) == ("torch", "measured")
    assert Predictor.open(file, "cpu", runtime="onnx").backend.name == "onnx"


def test_a_choice_of_other_versions_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An update of a library may have changed which is faster."""
    monkeypatch.setenv("IMGCLF_CACHE_DIR", str(tmp_path))
    remember_choice("0123", Choice("torch", "measured"))
    (noted,) = (tmp_path / "graphs").iterdir()
    noted.write_text(noted.read_text().replace("imgclf ", "imgclf 9"), encoding="utf-8")
    assert remembered_choice("0123") is None


def test_first_use_measures_both_libraries(
    shapes_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The figures stand in the cache, and the choice follows from them."""
    monkeypatch.setenv("IMGCLF_CACHE_DIR", str(tmp_path / "cache"))
    file = tmp_path / "alone.safetensors"
    file.write_bytes(shapes_run.model_file.read_bytes())
    backend, choice = open_backend(file, read_header(file), "cpu")
    assert set(choice.milliseconds) == {"onnx", "torch"}
    assert backend.name == choice.runtime
    assert remembered_choice(graph_key(file, read_header(file))) == choice


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"runtime": "tflite"}, "There is no runtime 'tflite'. Choose one of: auto, onnx, torch."),
        (
            {"runtime": "onnx", "device": "cuda"},
            "The runtime 'onnx' computes a run on the CPU in fp32, not on 'cuda' in fp32. For a GPU export the run and "
            "predict with the file: imgclf export onnx",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    options: dict[str, str], sentence: str, shapes_run: Run
) -> None:
    """Asked for by name, a library is not silently replaced."""
    with pytest.raises(UsageError) as raised:
        Predictor.open(shapes_run.path, **options)  # type: ignore[arg-type]
    assert str(raised.value) == sentence


def test_without_torch_and_without_a_graph_the_way_out_is_named(shapes_run: Run, tmp_path: Path) -> None:
    """A small server that was given only the weights says what it lacks."""
    file = tmp_path / "alone.safetensors"
    file.write_bytes(shapes_run.model_file.read_bytes())
    script = (
        "import os, sys; sys.modules['torch'] = None; os.environ['IMGCLF_CACHE_DIR'] = sys.argv[2]\n"
        "from imgclf.errors import RunError\nfrom imgclf.inference import Predictor\n"
        "try:\n    Predictor.open(sys.argv[1], 'cpu')\nexcept RunError as error:\n    print(error)"
    )
    arguments = [sys.executable, "-c", script, str(file), str(tmp_path / "cache")]
    ended = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert ended.stdout.strip() == (
        f"{file}: PyTorch is not installed, and there is no graph of this model that would do without it. Install it "
        f"with: pip install torch; or export the model where it was trained: imgclf export onnx"
    ), ended.stderr


def test_layers_and_gradients_come_from_torch(shapes_run: Run, tmp_path: Path) -> None:
    """A predictor of a run can be had with PyTorch; one of an exported file cannot."""
    predictor = Predictor.open(shapes_run.path, "cpu", runtime="onnx")
    assert predictor.has_network
    assert predictor.with_torch().backend.name == "torch"
    slow = Predictor.open(shapes_run.path, "cpu", runtime="torch")
    assert slow.with_torch() is slow
    assert isinstance(predictor.backend, OnnxBackend)
    exported = Predictor(tmp_path / "model.onnx", predictor.header, predictor.backend)
    with pytest.raises(UsageError) as raised:
        exported.with_torch()
    assert str(raised.value) == (
        f"{tmp_path / 'model.onnx'}: an exported model shows no layers and no gradients. Take the run that it was "
        f"exported from, or its model.safetensors."
    )


def test_sessions_use_the_cores_that_are_allowed(shapes_run: Run) -> None:
    """ONNX Runtime by itself counts the machine's cores; affinity and a container's quota are ours to heed."""
    file = shapes_run.model_file
    backend = Predictor.open(file, "cpu", runtime="onnx").backend
    assert isinstance(backend, OnnxBackend)
    pixels = real_pixels(file.parent, read_header(file).preprocessing)
    backend.logits(pixels)
    counts = {session.get_session_options().intra_op_num_threads for session in backend._sessions.values()}
    assert counts == {1, cores()}


_BATCHES_OF_ALL_SIZES = """
import sys
from pathlib import Path

import numpy as np

from imgclf.inference import Predictor


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


predictor = Predictor.open(Path(sys.argv[1]), "cpu", runtime="onnx")
backend = predictor.backend
one = predictor.prepare(Path(sys.argv[2])).pixels[None]
backend.limit_threads(1)
for size in (64, 1, 64):
    backend.logits(np.repeat(one, size, axis=0))
before = resident()
for number in range(600):
    backend.logits(np.repeat(one, 1 + number * 7 % 64, axis=0))
print(resident() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_memory_does_not_grow_with_the_variety_of_batch_sizes(shapes_run: Run, shapes: Path) -> None:
    """600 batches of 1 to 64 images leave resident memory where the largest of them has put it."""
    command = [sys.executable, "-c", _BATCHES_OF_ALL_SIZES, shapes_run.path, shapes / "test/circle/00.png"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout) < 40


def test_run_error_of_a_missing_graph_file(tmp_path: Path) -> None:
    """The file is named."""
    with pytest.raises(RunError, match=r"^There is no model file '.*gone.onnx'\.$"):
        OnnxBackend(tmp_path / "gone.onnx", "cpu")


def test_command_line_says_what_computes(
    shapes_run: Run, images: list[Path], run_cli: Callable[..., object]
) -> None:
    """--verbose names the library and the reason; --runtime insists."""
    found = run_cli(
        "predict", images[0], "--run", shapes_run.path, "--runtime", "torch", "--verbose", "--device", "cpu"
    )
    assert "Computed by torch on 'cpu' in fp32: it was asked for." in found.err  # type: ignore[attr-defined]
    found = run_cli("predict", images[0], "--run", shapes_run.path, "--runtime", "onnx", "--verbose")
    assert "Computed by onnx on 'cpu' in fp32:" in found.err  # type: ignore[attr-defined]
