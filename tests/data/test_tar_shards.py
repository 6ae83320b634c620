"""Tar shards behave as the folder that they were made of: on a disk, and on a server that keeps them."""

import functools
import http.server
import io
import json
import pickle
import tarfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from imgclf.data import LoadingOptions, eval_loader, open_dataset, read_image, train_loader
from imgclf.data.shards import tar_index
from imgclf.data.shards.shard_files import absolute_pattern, expand, is_pattern
from imgclf.data.stored_images import storage_of
from imgclf.errors import DataError, DownloadError, ImageError
from imgclf.recipes.config import AugmentConfig
from imgclf.records import Preprocessing, Progress

SPEC = Preprocessing(image_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)


def write_tar(path: Path, members: Mapping[str, bytes]) -> Path:
    """Write a plain tar file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def images_of(folder: Path, split: str) -> list[tuple[str, bytes]]:
    """Return (class, encoded image) of a split of the folder, in an order that mixes the classes."""
    files = sorted((folder / split).glob("*/*.png"), key=lambda path: (path.name, path.parent.name))
    return [(path.parent.name, path.read_bytes()) for path in files]


@pytest.fixture(scope="module")
def shards(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shapes in four shards: train-000000 to 000002 (24 images each) and test-000000."""
    root = tmp_path_factory.mktemp("shards") / "shapes"
    train = images_of(shapes, "train")
    for number in range(3):
        part = train[number * 24 : (number + 1) * 24]
        write_tar(root / f"train-{number:06d}.tar", _samples(part))
    write_tar(root / "test-000000.tar", _samples(images_of(shapes, "test")))
    return root


def _samples(images: list[tuple[str, bytes]]) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    for number, (label, content) in enumerate(images):
        members[f"{number:04d}.png"] = content
        members[f"{number:04d}.cls"] = label.encode()
    return members


class _Server(http.server.SimpleHTTPRequestHandler):
    """Serves files, and parts of them, as object stores do; counts the bytes it sends."""

    parts = True
    sent = 0

    def do_GET(self) -> None:
        """Answer with the file or the range that was asked for."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        content, status = path.read_bytes(), 200
        if "Range" in self.headers and type(self).parts:
            first, last = self.headers["Range"].removeprefix("bytes=").split("-")
            content, status = content[int(first) : int(last) + 1], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        type(self).sent += len(content)  # before the client, which then looks at it, has them
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def address(shards: Path) -> Iterator[str]:
    """A server with the shards."""
    _Server.parts = True
    handler = functools.partial(_Server, directory=str(shards))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_folder_of_shards_is_the_folder_that_it_was_made_of(shards: Path, shapes: Path) -> None:
    """The same classes, splits, labels and pixels; names say the shard."""
    dataset = open_dataset(str(shards))
    assert dataset.class_names == open_dataset(str(shapes)).class_names
    assert {split: len(examples) for split, examples in dataset.splits.items()} == {"train": 72, "test": 24}
    train = dataset.splits["train"]
    assert train.files[25] == "train-000001.tar/0001.png"
    expected = images_of(shapes, "train")
    assert [dataset.class_names[label] for label in train.labels] == [label for label, _ in expected]
    assert list(train.images) == [content for _, content in expected]
    assert list(train.images[-2:]) == [content for _, content in expected[-2:]]
    copy = pickle.loads(pickle.dumps(train.images))
    assert copy[30] == expected[30][1]


def test_one_shard_and_a_pattern_are_datasets_too(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Braces as in a shell, several patterns with '::', relative to the working folder."""
    assert len(open_dataset(str(shards / "train-000001.tar")).splits["train"]) == 24
    monkeypatch.chdir(shards.parent)
    dataset = open_dataset("shapes/train-{000000..000001}.tar::shapes/test-000000.tar")
    assert {split: len(examples) for split, examples in dataset.splits.items()} == {"train": 48, "test": 24}
    assert dataset.info.name == "train-000000"
    assert is_pattern("a-{0..3}.tar")
    assert not is_pattern("photos")
    assert (
        absolute_pattern("a-{0..3}.tar::https://b/c.tar") == f"{Path.cwd()}/a-{{0..3}}.tar::https://b/c.tar"
    )
    assert expand("{x,y}/{8..10}.tar") == [
        f"{folder}/{number}.tar" for folder in "xy" for number in (8, 9, 10)
    ]


def test_the_index_is_read_once_and_again_when_the_shard_changes(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept says all that the headers said."""
    path = write_tar(tmp_path / "all.tar", _samples(images_of(shapes, "test")))
    index = tar_index.index_of(str(path))
    with monkeypatch.context() as patch:
        patch.setattr(tarfile, "open", None)
        assert tar_index.index_of(str(path)) == index
    write_tar(path, _samples(images_of(shapes, "train")))
    assert len(tar_index.index_of(str(path)).names) == 72


def test_labels_come_from_json_or_the_folder(tmp_path: Path, shapes: Path) -> None:
    """A key such as `label` in JSON; without one the folder; without either the image is left out."""
    image = images_of(shapes, "test")[0][1]
    members = {
        "a.png": image,
        "a.json": json.dumps({"width": 32, "label": "cat"}).encode(),
        "b.json": b"7",
        "b.png": image,
        "train/dog/c.png": image,
        "d.png": image,
        "d.json": b"{broken",
        "train/e.png": image,
        "readme.txt": b"words",
    }
    dataset = open_dataset(str(write_tar(tmp_path / "train.tar", members)))
    assert dataset.class_names == ("7", "cat", "dog")
    assert list(dataset.splits["train"].files) == [
        "train.tar/a.png",
        "train.tar/b.png",
        "train.tar/train/dog/c.png",
    ]
    assert "2 images of the train split have no label and are left out." in dataset.warnings


def test_classnames_beside_the_shards_name_the_numbers(tmp_path: Path, shapes: Path) -> None:
    """One name a line; a label beyond them is refused."""
    image = images_of(shapes, "test")[0][1]
    write_tar(tmp_path / "train.tar", {"a.png": image, "a.cls": b"1", "b.png": image, "b.cls": b"0"})
    (tmp_path / "classnames.txt").write_text("cat\ndog\n")
    assert open_dataset(str(tmp_path)).class_names == ("cat", "dog")
    (tmp_path / "classnames.txt").write_text("cat\n")
    with pytest.raises(
        DataError, match=r"train\.tar/a\.png has the label 1, but 1 classes are named \(0 to 0\)\."
    ):
        open_dataset(str(tmp_path))


def test_a_shard_cut_short_is_read_up_to_there(tmp_path: Path, shards: Path) -> None:
    """The dataset names it; what lay before is used, and the image that is cut is skipped and counted."""
    whole = (shards / "train-000000.tar").read_bytes()
    (tmp_path / "train-0.tar").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "train-1.tar").write_bytes((shards / "train-000001.tar").read_bytes())
    dataset = open_dataset(str(tmp_path))
    assert [file.file for file in dataset.unreadable] == ["train-0.tar"]
    assert dataset.unreadable[0].reason.startswith("ends in the middle: ")
    assert 24 < len(dataset.splits["train"]) < 48


def test_one_bad_image_is_left_out_and_the_others_are_trained_on(tmp_path: Path, shapes: Path) -> None:
    """Also while images are streamed: the budget is too small to hold them."""
    members = _samples(images_of(shapes, "train"))
    members["0005.png"] = b"no image at all, and long enough"
    examples = open_dataset(str(write_tar(tmp_path / "train.tar", members))).splits["train"]
    for budget in (1.0, 1e-9):
        loader = eval_loader(examples, SPEC, LoadingOptions(20, "cpu", workers=0, memory_budget_gb=budget))
        seen = sum(len(batch.labels) for batch in loader.epoch(0))
        assert seen == 71
        assert [image.file for image in loader.skipped] == ["train.tar/0005.png"]


def test_epochs_are_repeatable_and_shared_between_processes(shards: Path) -> None:
    """Two processes, streaming: together each image once, in an order that seed and epoch decide."""
    examples = open_dataset(str(shards)).splits["train"]

    def indices(rank: int, world_size: int, epoch: int) -> list[int]:
        loader = train_loader(
            examples,
            SPEC,
            AugmentConfig(transforms=()),
            LoadingOptions(
                batch_size=8,
                seed=3,
                device="cpu",
                rank=rank,
                world_size=world_size,
                workers=0,
                memory_budget_gb=1e-9,
            ),
        )
        return [index for batch in loader.epoch(epoch) for index in batch.indices.tolist()]

    first = indices(0, 1, epoch=0)
    assert sorted(first) == list(range(72))
    assert indices(0, 1, epoch=0) == first != indices(0, 1, epoch=1)
    assert sorted(indices(0, 2, epoch=0) + indices(1, 2, epoch=0)) == list(range(72))


def test_shards_on_a_server_are_read_without_keeping_them(shards: Path, address: str) -> None:
    """The same dataset; once indexed, only the images that are asked for are sent."""
    told: list[Progress] = []
    pattern = f"{address}/train-{{000000..000002}}.tar::{address}/test-000000.tar"
    dataset = open_dataset(pattern, progress=told.append)
    assert told[-1] == Progress("Indexing shards", 4, 4)
    train, local = dataset.splits["train"], open_dataset(str(shards)).splits["train"]
    assert list(train.files) == list(local.files)
    _Server.sent = 0
    assert open_dataset(pattern).class_names == dataset.class_names
    assert _Server.sent == 0
    wanted = [local.images[place] for place in (70, 3)]
    assert [train.images[place] for place in (70, 3)] == wanted
    assert _Server.sent == sum(len(image) for image in wanted if isinstance(image, bytes))


def test_a_server_without_parts_or_shards_is_a_sentence(
    shards: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that sends whole files would send a shard for every image."""
    with pytest.raises(DownloadError, match=r"/nothing\.tar: this shard cannot be fetched \(HTTP Error 404"):
        open_dataset(f"{address}/nothing.tar")
    train = open_dataset(f"{address}/train-000000.tar").splits["train"]
    _Server.parts = False
    with pytest.raises(
        ImageError, match=r"train-000000\.tar, image 2: .*the server gives no parts of files \(HTTP 200"
    ):
        train.images[2]


def test_what_is_no_shard_is_a_sentence(tmp_path: Path, shards: Path) -> None:
    """A missing file, something else, a compressed tar, a command."""
    with pytest.raises(DataError, match=r"train-2\.tar: this shard cannot be read \(No such file"):
        open_dataset(str(tmp_path / "train-{2..3}.tar"))
    (tmp_path / "words.tar").write_text("words, and no archive")
    with pytest.raises(
        DataError, match=r"words\.tar cannot be read as a tar shard .*unpack a compressed one with gunzip"
    ):
        open_dataset(str(tmp_path / "words.tar"))
    with pytest.raises(DataError, match=r"'pipe:cat a\.tar' names a command, and --data runs none"):
        open_dataset("pipe:cat a.tar")


def test_a_shard_that_went_away_is_an_unreadable_image(tmp_path: Path, shards: Path) -> None:
    """Not a traceback: the loader skips it as any other bad image."""
    path = tmp_path / "train.tar"
    path.write_bytes((shards / "train-000000.tar").read_bytes())
    train = open_dataset(str(path)).splits["train"]
    path.unlink()
    with pytest.raises(ImageError, match=r"train\.tar, image 0: cannot be read from its shard"):
        train.images[0]


def test_an_archive_beside_the_images_is_no_shard(shapes: Path, tmp_path: Path) -> None:
    """People leave the archive where they unpacked it."""
    for label, content in images_of(shapes, "test"):
        (tmp_path / label).mkdir(exist_ok=True)
        (tmp_path / label / "0.png").write_bytes(content)
    write_tar(tmp_path / "photos.tar", {"a.png": b"", "a.cls": b"0"})
    assert len(open_dataset(str(tmp_path)).splits["train"]) == 3


def test_written_by_webdataset_itself(tmp_path: Path, shapes: Path) -> None:
    """Its ShardWriter's files, with numbers as labels, are read as they are."""
    webdataset = pytest.importorskip("webdataset")
    images = images_of(shapes, "train")
    with webdataset.ShardWriter(str(tmp_path / "train-%06d.tar"), maxcount=40, verbose=0) as writer:
        for number, (label, content) in enumerate(images):
            writer.write(
                {"__key__": f"{number:06d}", "png": content, "cls": {"circle": 0, "square": 1}.get(label, 2)}
            )
    train = open_dataset(str(tmp_path)).splits["train"]
    assert len(train) == 72
    assert np.bincount(train.labels).tolist() == [24, 24, 24]
    assert read_image(train.images[50]).size == (32, 32)


def test_a_set_larger_than_the_budget_is_not_looked_through(shards: Path) -> None:
    """Encoded images that exceed the budget would exceed it decoded: no image is opened to find out."""
    storage = storage_of(open_dataset(str(shards)).splits["train"].select([1, 2, 3]).images)
    assert storage is not None
    assert storage.nbytes == pytest.approx(3 * 500, rel=0.9)
    other = storage_of(open_dataset(str(shards)).splits["train"].select([1, 2, 4]).images)
    assert other is not None
    assert other.identity != storage.identity


def test_names_with_dots_lose_no_image(tmp_path: Path, shapes: Path) -> None:
    """Cameras and screenshots write such names; each image is a sample of its own, with the label of its folder or file."""
    png = images_of(shapes, "train")[0][1]
    names = [
        "cat/IMG.0001.png",
        "cat/IMG.0002.png",
        "dog/at 10.11.12.png",
        "dog/at 10.11.13.png",
        "dog/a.png",
        "dog/a.1.png",
    ]
    path = write_tar(tmp_path / "train.tar", dict.fromkeys(names, png))
    dataset = open_dataset(str(path))
    assert sorted(dataset.splits["train"].files) == sorted(f"train.tar/{name}" for name in names)
    members = {"IMG.1.png": png, "IMG.1.cls": b"cat", "IMG.2.png": png, "IMG.2.cls": b"dog"}
    dataset = open_dataset(str(write_tar(tmp_path / "val.tar", members)))
    assert [dataset.class_names[label] for label in dataset.splits["val"].labels] == ["cat", "dog"]


def test_several_images_in_one_sample(tmp_path: Path, shapes: Path) -> None:
    """A mask beside the image is passed over where the image's name is the plain one; else both are named."""
    png = images_of(shapes, "train")[0][1]
    members = {f"{row}{ending}": png for row in "01" for ending in (".png", ".mask.png")}
    labels = {"0.cls": b"cat", "1.cls": b"dog"}
    dataset = open_dataset(str(write_tar(tmp_path / "train.tar", {**members, **labels})))
    assert list(dataset.splits["train"].files) == ["train.tar/0.png", "train.tar/1.png"]
    members = {"0.input.png": png, "0.mask.png": png, "0.cls": b"cat"}
    path = write_tar(tmp_path / "both.tar", members)
    with pytest.raises(DataError) as caught:
        open_dataset(str(path))
    assert str(caught.value) == (
        f"{path}: 0.input.png and 0.mask.png are one sample by WebDataset's rule (names agree up to the first dot), and "
        f"which of them is the image cannot be told. Rename them, or leave one out of the shards."
    )
