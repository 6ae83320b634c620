"""`--data`: names, paths and plugins, ours and theirs, whole and broken."""

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgclf.data import DatasetPlugin, Examples, list_datasets, open_dataset
from imgclf.data.fetching.location import data_root
from imgclf.errors import DataError, PluginError
from imgclf.plugins import DATASETS, plugin_entry_points
from imgclf.records import DatasetInfo

PLUGIN = '''
"""A throw-away dataset."""

import numpy as np

from imgclf.records import DatasetInfo


class Halves:
    """Dark and light squares."""

    info = DatasetInfo("halves", "Dark and light squares", ("dark", "light"), {"train": 8, "test": 4})

    def is_on_disk(self, root):
        return True

    def download(self, root, progress=None):
        pass

    def load(self, root, split):
        return [(np.full((4, 4), 200 * (i % 2), np.uint8), i % 2) for i in range(self.info.splits[split])]
'''


def wheel(folder: Path) -> Path:
    """Build a wheel by hand, which needs no build backend and no network."""
    path = folder / "halves_plugin-1.0-py3-none-any.whl"
    files = {
        "halves_plugin.py": PLUGIN,
        "halves_plugin-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: halves-plugin\nVersion: 1.0\n",
        "halves_plugin-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "halves_plugin-1.0.dist-info/entry_points.txt": "[imgclf.datasets]\nhalves = halves_plugin:Halves\n",
    }
    record = "halves_plugin-1.0.dist-info/RECORD"
    lines = [f"{name},{_digest(text)},{len(text.encode())}" for name, text in files.items()]
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in {**files, record: "\n".join([*lines, f"{record},,", ""])}.items():
            packed.writestr(name, text)
    return path


def _digest(text: str) -> str:
    raw = hashlib.sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(raw).decode().rstrip('=')}"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third party's package, installed with pip into a folder of its own."""
    target = tmp_path_factory.mktemp("site")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
    ]
    subprocess.run([*pip, str(wheel(tmp_path_factory.mktemp("wheel")))], check=True, timeout=120)
    return target


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that puts a plugin object under a name, as if a package declared it."""
    monkeypatch.syspath_prepend(tmp_path / "site")

    def put(name: str, plugin: Any, package: str = "theirs") -> None:
        metadata = tmp_path / "site" / f"{package}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[imgclf.datasets]\n{name} = {package}_module:plugin\n")
        monkeypatch.setitem(sys.modules, f"{package}_module", SimpleNamespace(plugin=plugin))

    return put


class Tiny:
    """A plugin whose load gives what it was made with."""

    def __init__(self, loaded: Any = None) -> None:
        self.info = DatasetInfo("tiny", "For a test", ("a", "b"), {"train": 2})
        self.loaded = loaded

    def is_on_disk(self, root: Path) -> bool:
        """Say yes."""
        return True

    def download(self, root: Path, progress: Any = None) -> None:
        """Fetch nothing."""

    def load(self, root: Path, split: str) -> Any:
        """Return what was given."""
        return self.loaded


def error_of(spec: str, kind: type[Exception]) -> str:
    """Return the sentence that opening gives."""
    with pytest.raises(kind) as caught:
        open_dataset(spec)
    return str(caught.value)


def test_third_party_dataset_installed_with_pip(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain class in a package of its own, known after `pip install`."""
    monkeypatch.syspath_prepend(installed)
    dataset = open_dataset("halves")
    assert {split: len(found) for split, found in dataset.splits.items()} == {"train": 8, "test": 4}
    assert dataset.splits["train"].files[1] == "train/00001"
    assert dataset.splits["train"].labels.tolist() == [0, 1] * 4
    listing = next(entry for entry in list_datasets() if entry.info.name == "halves")
    assert (listing.package, listing.on_disk, listing.error) == ("halves-plugin 1.0", True, "")


def test_third_party_dataset_in_the_program(installed: Path) -> None:
    """`imgclf datasets` in a process of its own shows it."""
    ended = subprocess.run(
        [sys.executable, "-m", "imgclf", "datasets"],
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    assert re.search(r"^halves +2 +8/-/4 +yes", ended.stdout, re.MULTILINE)


def test_any_kind_of_image_may_be_given(declare: Callable[..., None]) -> None:
    """Paths as text, bytes, pictures and arrays, from a generator."""
    pixels = np.zeros((2, 2), np.uint8)
    pairs = (pair for pair in [("a.png", 0), (b"x", np.int64(1)), (Image.new("L", (1, 1)), 0), (pixels, 1)])
    declare("tiny", Tiny(pairs))
    train = open_dataset("tiny").splits["train"]
    assert train.images[0] == Path("a.png")
    assert train.images[3] is pixels
    assert train.labels.tolist() == [0, 1, 0, 1]


def test_examples_are_taken_as_they_are(declare: Callable[..., None]) -> None:
    """The quick way for a large set."""
    given = Examples(np.zeros((2, 4, 4), np.uint8), np.asarray([0, 1]), ["x", "y"])
    declare("tiny", Tiny(given))
    assert open_dataset("tiny").splits["train"] is given


@pytest.mark.parametrize("loaded", [[1, 2], [("a.png", "cat")], 5])
def test_items_that_are_no_pairs_are_an_error(declare: Callable[..., None], loaded: Any) -> None:
    """The message counts what went well, and says whom to tell."""
    declare("tiny", Tiny(loaded))
    assert re.fullmatch(
        r"The dataset 'tiny' gave something else than \(image, label\) pairs for 'train' after 0 items: .*\. Report this "
        r"to its author\.",
        error_of("tiny", DataError),
    )


def test_label_without_a_class_is_an_error(declare: Callable[..., None]) -> None:
    """An index must be one of the class names."""
    declare("tiny", Tiny([(b"x", 0), (b"y", 2)]))
    assert error_of("tiny", DataError) == (
        "The dataset 'tiny' gave the label 2 for train/00001, but it has 2 classes (0 to 1). Report this to its author."
    )


def test_examples_that_disagree_are_an_error() -> None:
    """As many images as labels as names."""
    with pytest.raises(DataError) as caught:
        Examples([b"x"], np.asarray([0, 1]), ["x", "y"])
    assert str(caught.value) == (
        "A dataset gave 1 images, 2 labels and 2 names; there must be as many of each. Report this to the dataset's "
        "author."
    )


def test_plugin_that_is_no_dataset_is_an_error(declare: Callable[..., None]) -> None:
    """The message says what is needed."""
    declare("tiny", SimpleNamespace(info=None))
    assert error_of("tiny", PluginError) == (
        "The dataset plugin 'tiny' of package theirs 1.0 is no dataset: it needs `info` (a DatasetInfo), "
        "`is_on_disk(root)`, `download(root, progress)` and `load(root, split)`."
    )


def test_plugin_that_cannot_be_created_is_an_error(declare: Callable[..., None]) -> None:
    """Its reason is quoted."""

    class Greedy(Tiny):
        def __init__(self, more: int) -> None: ...

    declare("tiny", Greedy)
    assert re.fullmatch(
        r"The dataset plugin 'tiny' of package theirs 1\.0 could not be created: TypeError: .* missing 1 required "
        r"positional argument: 'more'\. A plugin class takes no arguments\.",
        error_of("tiny", PluginError),
    )


def test_plugin_under_another_name_is_an_error(declare: Callable[..., None]) -> None:
    """Runs are named after `info.name`, so the two agree."""
    declare("other", Tiny())
    assert error_of("other", PluginError) == (
        "The dataset plugin 'other' of package theirs 1.0 calls itself 'tiny'. Its entry point and its info must agree "
        "on the name."
    )


def test_broken_plugin_hides_no_other(declare: Callable[..., None]) -> None:
    """It is listed with what is wrong; the others work."""

    class Angry(Tiny):
        def is_on_disk(self, root: Path) -> bool:
            raise RuntimeError("no")

    declare("tiny", Angry())
    by_name = {listing.info.name: listing for listing in list_datasets()}
    assert by_name["tiny"].error == "RuntimeError: no"
    assert by_name["digits"].error == ""
    declare("worse", object(), package="worse")
    by_name = {listing.info.name: listing for listing in list_datasets()}
    assert by_name["worse"].error.startswith("The dataset plugin 'worse' of package worse 1.0 is no dataset")
    assert len(open_dataset("digits").class_names) == 10


def test_missing_manual_dataset_says_how(declare: Callable[..., None], tmp_path: Path) -> None:
    """Nothing is downloaded that has to be fetched by hand."""

    class ByHand(Tiny):
        def __init__(self) -> None:
            super().__init__()
            self.info = DatasetInfo("tiny", "For a test", ("a", "b"), {"train": 2}, manual="Ask a friend.")

        def is_on_disk(self, root: Path) -> bool:
            return False

    declare("tiny", ByHand())
    with pytest.raises(
        DataError, match=f"^{re.escape(f'{chr(39)}tiny{chr(39)} is not in {tmp_path}. Ask a friend.')}$"
    ):
        open_dataset("tiny", tmp_path)


def test_unknown_name_suggests_the_nearest() -> None:
    """What was meant, what there is, and how to use one's own images."""
    known = ", ".join(plugin_entry_points(DATASETS))
    assert error_of("cifra10", DataError) == (
        f"Unknown dataset 'cifra10': there is neither a registered dataset nor a folder or file of that name. Did you "
        f"mean 'cifar10'? Registered: {known}. To use your own images, give a folder with one folder per class."
    )


def test_name_wins_over_a_folder_of_that_name(tmp_path: Path) -> None:
    """`./digits` is the folder."""
    for name in ("digits/a/1.png", "digits/b/2.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.new("L", (2, 2)).save(tmp_path / name)
    assert open_dataset("digits").class_names[0] == "0"
    assert open_dataset("./digits").class_names == ("a", "b")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pipe")
def test_pipe_is_no_dataset(tmp_path: Path) -> None:
    """Nothing is opened that may block."""
    os.mkfifo(tmp_path / "pipe.csv")
    assert error_of("pipe.csv", DataError) == "pipe.csv is neither a folder nor a regular file."


def test_place_of_downloads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The flag, then the environment, then the user's cache."""
    assert data_root(tmp_path) == tmp_path
    monkeypatch.setenv("IMGCLF_DATA_DIR", "~/sets")
    assert data_root() == Path.home() / "sets"
    monkeypatch.delenv("IMGCLF_DATA_DIR")
    assert data_root().parts[-2:] == ("imgclf", "datasets")


def test_built_in_plugins_keep_the_contract() -> None:
    """The copyable example is what the contract says."""
    from imgclf.data.builtin.cifar10 import Cifar10

    assert isinstance(Cifar10(), DatasetPlugin)
