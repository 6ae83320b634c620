"""Pretrained weights: bundled, cached, out of reach, declined."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import huggingface_hub.constants
import pytest
import timm
import torch
from safetensors.torch import save_file

from imgclf.errors import ModelError
from imgclf.models import InputSpec, create_classifier
from imgclf.models.reachable import is_reachable

if TYPE_CHECKING:
    from tests.models.conftest import InstalledPlugins

ADVICE = "Give a local file with --weights FILE, or train from scratch with --no-pretrained."
TEST_VIT = InputSpec((160, 160), (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 0.95, "bicubic")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hub address where nobody listens, and an empty cache."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def empty_hub(monkeypatch: pytest.MonkeyPatch, no_network: None) -> Iterator[str]:
    """A hub that answers everything with 404."""

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(404)
            self.end_headers()

        do_GET = do_HEAD  # noqa: N815 - http.server's own name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    template = huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE.removeprefix("https://huggingface.co")
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", address)
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + template)
    yield address
    server.shutdown()
    server.server_close()


def put_into_cache(folder: Path, name: str) -> dict[str, torch.Tensor]:
    """Write random weights where a download of the hub would leave them."""
    weights = timm.create_model(name).state_dict()
    repository = (
        folder / f"models--timm--{timm.models.get_pretrained_cfg(name).hf_hub_id.removeprefix('timm/')}"
    )
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    (repository / "snapshots" / "abc").mkdir(parents=True)
    save_file(weights, repository / "snapshots" / "abc" / "model.safetensors")
    return dict(weights)


def test_offline_auto_trains_from_scratch_and_says_so(
    no_network: None, capfd: pytest.CaptureFixture[str]
) -> None:
    """One note, no retries, nothing on the screen."""
    classifier = create_classifier("test_vit", 3)
    assert classifier.notes == (
        "No network and no cached weights of 'test_vit' (127.0.0.1:9 does not answer): training from scratch.",
    )
    assert classifier.pretrained_source is None
    assert classifier.input_spec is None
    assert capfd.readouterr() == ("", "")


def test_offline_yes_is_an_error(no_network: None) -> None:
    """Insisting without a network says what to do."""
    sentence = f"No network and no cached weights of 'test_vit' (127.0.0.1:9 does not answer). {ADVICE}"
    with pytest.raises(ModelError, match=f"^{re.escape(sentence)}$"):
        create_classifier("test_vit", 3, pretrained="yes")


def test_hf_hub_offline_is_respected(no_network: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With HF_HUB_OFFLINE nobody is asked."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    note = "HF_HUB_OFFLINE is set and no weights of 'test_vit' are cached: training from scratch."
    assert create_classifier("test_vit", 3).notes == (note,)


def test_no_declines_without_a_word(no_network: None) -> None:
    """``no`` starts from scratch and has nothing to say."""
    assert create_classifier("test_vit", 3, pretrained="no").notes == ()


def test_an_unknown_wish_is_an_error() -> None:
    """Only auto, yes and no are wishes."""
    with pytest.raises(
        ModelError, match=r"^Unknown value 'maybe' for pretrained\. Expected auto, yes or no\.$"
    ):
        create_classifier("resnet9", 3, pretrained="maybe")


def test_a_network_without_weights_says_so() -> None:
    """Where no weights exist, ``auto`` notes it and ``yes`` is an error."""
    assert create_classifier("cnn4", 3).notes == ("'cnn4' has no pretrained weights: training from scratch.",)
    with pytest.raises(
        ModelError, match=r"^'cnn4' has no pretrained weights\. Give a local file with --weights"
    ):
        create_classifier("cnn4", 3, pretrained="yes")


@pytest.mark.parametrize("pretrained", ["auto", "yes"])
def test_cached_weights_are_used_without_a_network(no_network: None, tmp_path: Path, pretrained: str) -> None:
    """Weights in the cache are loaded, the head starts anew, and their input is told."""
    cached = put_into_cache(tmp_path / "hub", "test_vit")
    classifier = create_classifier("test_vit", 3, pretrained=pretrained)
    assert classifier.pretrained_source == "timm test_vit.r160_in1k"
    assert classifier.notes == ()
    assert classifier.input_spec == TEST_VIT
    assert classifier.image_size == (160, 160)
    loaded = classifier.network.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in cached.items() if "head." not in name)
    assert loaded["head.weight"].shape[0] == 3


def test_cached_weights_fit_another_size_and_grey_images(no_network: None, tmp_path: Path) -> None:
    """Positions are resampled and colours summed, so that pretrained weights serve other inputs."""
    cached = put_into_cache(tmp_path / "hub", "test_vit")
    classifier = create_classifier("test_vit", 3, image_size=(64, 64), channels=1).eval()
    assert classifier(torch.zeros(1, 1, 64, 64)).shape == (1, 3)
    assert classifier.input_spec is not None
    assert classifier.input_spec.mean == (0.5,)
    projected = classifier.network.patch_embed.proj.weight
    torch.testing.assert_close(projected, cached["patch_embed.proj.weight"].sum(1, keepdim=True))


def test_a_download_that_fails_falls_back_with_a_note(
    empty_hub: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A server that answers but lacks the weights: a note for ``auto``, an error for ``yes``, no noise."""
    classifier = create_classifier("test_vit", 3, data_size=(32, 32))
    assert re.fullmatch(
        r"The pretrained weights of 'test_vit' could not be loaded \(.+\): training from scratch\.",
        classifier.notes[0],
    )
    assert classifier.image_size == (32, 32)
    with pytest.raises(
        ModelError, match=r"^The pretrained weights of 'test_vit' could not be loaded \(.+ --no-p"
    ):
        create_classifier("test_vit", 3, pretrained="yes")
    assert capfd.readouterr() == ("", "")


def test_wrong_arguments_are_not_blamed_on_the_weights(no_network: None, tmp_path: Path) -> None:
    """With weights at hand an unknown argument is still reported as such."""
    put_into_cache(tmp_path / "hub", "test_vit")
    with pytest.raises(
        ModelError, match=r"^The model 'test_vit' takes no argument 'depthh'\. Did you mean 'depth'"
    ):
        create_classifier("test_vit", 3, arch_args={"depthh": 2})


def test_a_plugins_bundled_weights_are_used(no_network: None, plugins: "InstalledPlugins") -> None:
    """Weights inside a plugin's package need no network, and their own input is told."""
    classifier = create_classifier("plugnet", 3, pretrained="yes")
    assert classifier.pretrained_source == "plugnet-package 1.0 plugnet.seeded"
    assert classifier.package == "plugnet-package 1.0"
    assert classifier.input_spec == InputSpec((48, 48), (0.5, 0.4, 0.3), (0.2, 0.2, 0.2), 0.9, "bicubic")
    loaded = classifier.network.state_dict()
    assert all(
        torch.equal(loaded[name], value) for name, value in plugins.weights.items() if "fc." not in name
    )  # type: ignore[arg-type]
    assert loaded["fc.weight"].shape[0] == 3


def test_missing_bundled_weights_are_told(no_network: None, plugins: "InstalledPlugins") -> None:
    """A plugin whose file is gone trains from scratch with a note."""
    weights = plugins.site / "plugnet_package" / "model.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    try:
        note = f"The weights file of 'plugnet' is missing ({weights}): training from scratch."
        assert create_classifier("plugnet", 3).notes == (note,)
        weights.write_bytes(content[:100])
        assert (
            create_classifier("plugnet", 3)
            .notes[0]
            .startswith("The pretrained weights of 'plugnet' could not")
        )
    finally:
        weights.write_bytes(content)


def test_a_server_is_reachable_whatever_it_answers(empty_hub: str) -> None:
    """An error page is an answer; a closed port or a bad address is none."""
    assert is_reachable(f"{empty_hub}/")
    assert not is_reachable("http://127.0.0.1:9/")
    assert not is_reachable("nonsense")
