"""Batches: what they hold, that they repeat, that nothing is lost or doubled."""

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from imgclf.data import Examples, LoadingOptions, eval_loader, normalize, preprocess, read_image, train_loader
from imgclf.data.loading.batches import CroppedBatches, ResidentBatches
from imgclf.data.loading.decoded_images import DecodedImages
from imgclf.data.loading.loader import Batch, Loader
from imgclf.data.loading.workers import BatchWork, WorkerBatches, worker_count
from imgclf.errors import ConfigError, DataError, ImageError
from imgclf.recipes.config import AugmentConfig
from imgclf.records import Preprocessing
from tests.bad_files import encoded, photo

SPEC = Preprocessing((24, 24), (0.5, 0.4, 0.3), (0.2, 0.25, 0.3))
COUNT = 21

CROP_AND_FLIP = [{"name": "RandomCrop", "size": 24, "padding": 3}, {"name": "RandomHorizontalFlip"}]
RESIZED_CROP = [{"name": "RandomResizedCrop", "size": 24}, {"name": "RandomHorizontalFlip"}]
RAND_AUGMENT = [{"name": "RandAugment"}, {"name": "RandomHorizontalFlip"}]


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """Twenty-one JPEG files of differing size."""
    folder = tmp_path_factory.mktemp("photos")
    files = []
    for index in range(COUNT):
        path = folder / f"{index}.jpg"
        path.write_bytes(encoded(photo(30 + index, 60 - index), "JPEG", quality=90))
        files.append(path)
    return Examples(files, np.arange(COUNT) % 3, [path.name for path in files])


def _train(examples: Examples, transforms: Any = "auto", **options: Any) -> Loader:
    augment = AugmentConfig.model_validate({"transforms": transforms})
    settings = {"batch_size": 8, "seed": 5, "device": "cpu", "workers": 0, **options}
    weights = settings.pop("sampler_weights", None)
    return train_loader(examples, SPEC, augment, LoadingOptions(**settings), weights)


def _eval(examples: Examples, **options: Any) -> Loader:
    return eval_loader(
        examples, SPEC, LoadingOptions(**{"batch_size": 8, "device": "cpu", "workers": 0, **options})
    )


def _same(first: list[Batch], second: list[Batch]) -> bool:
    return len(first) == len(second) and all(
        torch.equal(a.images, b.images)
        and torch.equal(a.labels, b.labels)
        and torch.equal(a.indices, b.indices)
        for a, b in zip(first, second, strict=True)
    )


@pytest.mark.parametrize("memory_budget_gb", [4.0, 1e-9])
@pytest.mark.parametrize(
    "transforms", ["auto", [], CROP_AND_FLIP, RESIZED_CROP, RAND_AUGMENT, [{"name": "Resize", "size": 24}]]
)
def test_every_road_gives_the_same_kind_of_batch(
    examples: Examples, transforms: Any, memory_budget_gb: float
) -> None:
    """In memory or streamed, batched or image by image: the batches look alike, and an epoch repeats exactly."""
    loader = _train(examples, transforms, memory_budget_gb=memory_budget_gb)
    batches = list(loader.epoch(0))
    assert [len(batch.labels) for batch in batches] == [8, 8, 5]
    assert len(loader) == 3
    for batch in batches:
        assert batch.images.dtype == torch.float32
        assert batch.images.shape[1:] == (3, 24, 24)
        assert batch.images.is_contiguous(memory_format=torch.channels_last)
        assert batch.labels.dtype == batch.indices.dtype == torch.int64
        assert np.array_equal(batch.labels, loader.examples.labels[batch.indices])
    assert sorted(torch.cat([batch.indices for batch in batches]).tolist()) == list(range(COUNT))
    assert _same(batches, list(loader.epoch(0)))
    assert not _same(batches, list(loader.epoch(1)))
    assert _same(batches[1:], list(loader.epoch(0, start_batch=1)))
    assert loader.wait_seconds > 0


def test_each_road_is_taken_where_it_is_due(examples: Examples) -> None:
    """No worker processes where whole batches or plain crops will do."""
    assert isinstance(_train(examples, CROP_AND_FLIP)._batches, ResidentBatches)
    assert isinstance(_train(examples, RESIZED_CROP)._batches, CroppedBatches)
    assert isinstance(_train(examples, RAND_AUGMENT)._batches, WorkerBatches)
    assert isinstance(_train(examples, CROP_AND_FLIP, memory_budget_gb=1e-9)._batches, WorkerBatches)
    assert isinstance(_eval(examples)._batches, ResidentBatches)


@pytest.mark.parametrize("transforms", [CROP_AND_FLIP, RESIZED_CROP])
def test_streaming_gives_the_pixels_of_memory(examples: Examples, transforms: Any) -> None:
    """The memory budget decides the speed, never the batches."""
    resident = list(_train(examples, transforms).epoch(3))
    assert _same(resident, list(_train(examples, transforms, memory_budget_gb=1e-9).epoch(3)))


@pytest.mark.parametrize("memory_budget_gb", [4.0, 1e-9])
def test_evaluation_sees_the_pixels_of_prediction(examples: Examples, memory_budget_gb: float) -> None:
    """Each image once, in order, exactly as reading, preprocessing and normalising one by one gives it."""
    batches = list(_eval(examples, memory_budget_gb=memory_budget_gb).epoch(0))
    assert torch.cat([batch.indices for batch in batches]).tolist() == list(range(COUNT))
    expected = np.stack([preprocess(read_image(path), SPEC) for path in examples.images])
    images = torch.cat([batch.images for batch in batches])
    torch.testing.assert_close(images, torch.from_numpy(normalize(expected, SPEC)), rtol=0, atol=1e-6)


def test_grey_arrays_become_colour_on_the_device() -> None:
    """A grey set keeps one channel in memory, and the model gets the three it wants."""
    pixels = np.random.default_rng(0).integers(256, size=(9, 24, 24), dtype=np.uint8)
    examples = Examples(pixels, np.zeros(9, dtype=np.int64), [str(index) for index in range(9)])
    (batch,) = _eval(examples, batch_size=9).epoch(0)
    expected = normalize(np.repeat(pixels[..., None], 3, axis=3), SPEC)
    torch.testing.assert_close(batch.images, torch.from_numpy(expected), rtol=0, atol=1e-6)
    assert next(_train(examples, RAND_AUGMENT).epoch(0)).images.shape == (8, 3, 24, 24)


def test_augmentation_leaves_global_luck_alone(examples: Examples) -> None:
    """A batch in this process neither uses nor moves torch's and Python's global generators."""
    import random

    for transforms in (CROP_AND_FLIP, RESIZED_CROP, RAND_AUGMENT):
        loader = _train(examples, transforms)
        torch.manual_seed(1)
        random.seed(1)
        first = list(loader.epoch(0))
        after = (torch.rand(3), random.random())
        torch.manual_seed(1)
        random.seed(1)
        assert torch.equal(after[0], torch.rand(3))
        assert after[1] == random.random()
        torch.manual_seed(2)
        assert _same(first, list(loader.epoch(0)))


def test_training_differs_from_evaluation_only_by_augmentation(examples: Examples) -> None:
    """With no transform, training sees evaluation's pixels."""
    by_index = {
        int(i): image
        for batch in _eval(examples).epoch(0)
        for i, image in zip(batch.indices, batch.images, strict=True)
    }
    for batch in _train(examples, []).epoch(0):
        for index, image in zip(batch.indices, batch.images, strict=True):
            assert torch.equal(image, by_index[int(index)])


@pytest.mark.parametrize("transforms", [RAND_AUGMENT, RESIZED_CROP])
def test_workers_change_nothing(examples: Examples, transforms: Any) -> None:
    """Any number of worker processes gives the batches of none, in every epoch and from the middle of one."""
    budget = 4.0 if transforms is RAND_AUGMENT else 1e-9
    alone, helped = (_train(examples, transforms, workers=n, memory_budget_gb=budget) for n in (0, 2))
    for epoch in (0, 1):
        assert _same(list(alone.epoch(epoch)), list(helped.epoch(epoch)))
    next(iter(helped.epoch(0)))  # left in mid-epoch
    assert _same(list(alone.epoch(2, start_batch=1)), list(helped.epoch(2, start_batch=1)))


@pytest.mark.parametrize("mapped", [False, True])
def test_spawned_workers_change_nothing_and_get_no_pixels_by_value(
    examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapped: bool
) -> None:
    """As on Windows and macOS: the same batches, and what is sent to a worker does not grow with the images."""
    from multiprocessing.reduction import ForkingPickler

    from imgclf.data.loading import workers

    monkeypatch.setattr(workers, "_START", "spawn")
    if mapped:
        monkeypatch.setattr(workers, "_for_spawned", lambda work: _on_disk(work, tmp_path))
    alone, helped = (_train(examples, RAND_AUGMENT, workers=n) for n in (0, 1))
    assert _same(list(alone.epoch(0)), list(helped.epoch(0)))
    assert helped._batches._loader is not None  # type: ignore[attr-defined]
    work = helped._batches._loader.dataset._work  # type: ignore[attr-defined]
    pixels = int(work.decoded.shapes.prod(axis=1).sum())
    assert len(ForkingPickler.dumps(work.decoded)) < pixels / 4


def _on_disk(work: BatchWork, folder: Path) -> BatchWork:
    """The work with its pixels in a mapped file, behind a header."""
    assert isinstance(work.decoded, DecodedImages)
    file = folder / "pixels"
    file.write_bytes(b"head" + work.decoded.block.tobytes())
    block = np.memmap(file, dtype=np.uint8, mode="c", offset=4, shape=work.decoded.block.shape)
    return replace(work, decoded=DecodedImages(block, work.decoded.offsets, work.decoded.shapes))


def test_more_workers_than_cores_are_no_warning(examples: Examples) -> None:
    """Who asks for them has a reason; torch's own sentence reaches nobody (any warning is an error here)."""
    assert len(_train(examples, RAND_AUGMENT, workers=(os.cpu_count() or 1) + 3)) > 0


def test_a_killed_worker_is_a_named_error(examples: Examples) -> None:
    """A worker that the system kills ends in advice, not in a traceback."""
    loader = _train(examples, RAND_AUGMENT, workers=1, batch_size=2)
    epoch = loader.epoch(0)
    next(epoch)
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
    sentence = (
        r"^A worker process that prepares images was killed, most likely because memory ran out\. "
        r"Use fewer workers \(--set data\.workers=1\), or none \(--set data\.workers=0\)\.$"
    )
    with pytest.raises(DataError, match=sentence):
        list(epoch)


def test_a_loader_can_be_left_in_mid_epoch(examples: Examples) -> None:
    """The background thread ends with the epoch's iterator."""
    import threading

    epoch = _train(examples, RESIZED_CROP).epoch(0)
    next(epoch)
    epoch.close()  # type: ignore[attr-defined]
    assert not any(thread.name == "imgclf-batches" for thread in threading.enumerate())


def test_ranks_share_training_and_evaluation(examples: Examples) -> None:
    """Two ranks train on equal shares and evaluate every image exactly once."""
    shares = [list(_train(examples, CROP_AND_FLIP, rank=rank, world_size=2).epoch(0)) for rank in (0, 1)]
    assert [[len(batch.labels) for batch in share] for share in shares] == [[8, 2], [8, 2]]
    assert len({int(index) for share in shares for batch in share for index in batch.indices}) == 20
    seen = [
        int(i)
        for rank in (0, 1)
        for batch in _eval(examples, rank=rank, world_size=2).epoch(0)
        for i in batch.indices
    ]
    assert sorted(seen) == list(range(COUNT))


def test_sampler_weights_follow_what_is_left_out(tmp_path: Path) -> None:
    """Weights belong to the images given; those of unreadable ones go with them."""
    contents = [b"", *[encoded(photo(24, 24), "PNG")] * 9]
    examples = Examples(contents, np.maximum(np.arange(10), 1), [str(index) for index in range(10)])
    weights = np.array([100.0, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    loader = _train(examples, [], sampler_weights=weights)
    assert set(torch.cat([batch.labels for batch in loader.epoch(0)]).tolist()) == {1, 9}


@pytest.mark.parametrize("memory_budget_gb", [4.0, 1e-9])
def test_unreadable_images_are_left_out(memory_budget_gb: float) -> None:
    """They are listed, the others keep their labels, and no neighbour stands in for them."""
    good = encoded(photo(), "JPEG")
    contents = [good[: len(good) // 2] if index in (2, 7) else good for index in range(10)]
    classes = np.array([0, 1, 3, 3, 4, 5, 6, 6, 8, 9])
    examples = Examples(contents, classes, [f"{index}.jpg" for index in range(10)])
    for loader in (
        _eval(examples, memory_budget_gb=memory_budget_gb),
        _train(examples, memory_budget_gb=memory_budget_gb),
    ):
        labels = torch.cat([batch.labels for batch in loader.epoch(0)]).tolist()
        list(loader.epoch(0))
        assert sorted(labels) == [0, 1, 3, 4, 5, 6, 8, 9]
        assert sorted(skipped.file for skipped in loader.skipped) == ["2.jpg", "7.jpg"]


def test_fail_stops_a_streamed_epoch() -> None:
    """``on_error="fail"`` names the file also where it is only found while streaming."""
    good = encoded(photo(), "JPEG")
    examples = Examples([good, good[:-50]], np.arange(2), ["a.jpg", "b.jpg"])
    loader = _eval(examples, memory_budget_gb=1e-9, on_error="fail")
    with pytest.raises(
        ImageError, match=r"^b\.jpg: is damaged or cut short .*\. To leave such files out: --on-error skip$"
    ):
        list(loader.epoch(0))


def test_a_streamed_batch_without_a_readable_image_is_an_error() -> None:
    """There is nothing to give."""
    examples = Examples([b""] * 3, np.arange(3), ["a.jpg", "b.jpg", "c.jpg"])
    sentence = r"^None of the 3 images of a batch can be read\. The first is a\.jpg: is empty \(0 bytes\)\.$"
    with pytest.raises(DataError, match=sentence):
        list(_eval(examples, memory_budget_gb=1e-9).epoch(0))


def test_too_few_images_to_train_on_are_refused() -> None:
    """One image is no training split."""
    examples = Examples([encoded(photo(), "PNG")], np.zeros(1, dtype=np.int64), ["a.png"])
    sentence = (
        r"^The training split has 1 readable images for 1 processes; at least two for each are needed\.$"
    )
    with pytest.raises(DataError, match=sentence):
        _train(examples)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_transform_that_fails_on_an_image_is_named(examples: Examples, workers: int) -> None:
    """Torchvision's complaint comes with the transform's name and the image's size."""
    transforms = [{"name": "Resize", "size": 24}, {"name": "RandAugment"}, {"name": "RandomCrop", "size": 30}]
    sentence = r"^augment\.transforms: RandomCrop failed on an image of \d+x\d+ pixels: Required crop size"
    with pytest.raises(ConfigError, match=sentence):
        list(_train(examples, transforms, workers=workers).epoch(0))


def test_the_last_size_is_brought_to_the_input(examples: Examples) -> None:
    """A recipe whose crops are a little smaller than the input still trains."""
    for transforms in (
        [{"name": "RandomCrop", "size": 20}],
        [{"name": "RandAugment"}, {"name": "RandomCrop", "size": 20}],
    ):
        assert next(_train(examples, transforms).epoch(0)).images.shape == (8, 3, 24, 24)


def test_the_number_of_workers_suits_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the cores where the step runs on them, nearly all where it runs on a GPU, shared by the ranks."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert [worker_count("auto", cpu, 1), worker_count("auto", cuda, 1), worker_count("auto", cuda, 4)] == [
        4,
        7,
        1,
    ]
    assert worker_count(3, cpu, 1) == 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    "transforms", ["auto", CROP_AND_FLIP, RESIZED_CROP, RAND_AUGMENT, [{"name": "ColorJitter", "hue": 0.1}]]
)
def test_batches_reach_a_gpu(examples: Examples, transforms: Any) -> None:
    """On a GPU batches repeat too, and evaluation sees the pixels of the CPU."""
    loader = _train(examples, transforms, device="cuda")
    assert _same(list(loader.epoch(0)), list(loader.epoch(0)))
    for ours, theirs in zip(_eval(examples, device="cuda").epoch(0), _eval(examples).epoch(0), strict=True):
        assert ours.images.device.type == "cuda"
        torch.testing.assert_close(ours.images.cpu(), theirs.images, rtol=0, atol=1e-5)


def test_a_class_without_a_readable_image_stops_the_training(tmp_path: Path) -> None:
    """Its name would stand in the model and never be predicted."""
    files = []
    for name, content in (
        ("a.png", encoded(photo(30, 30), "PNG")),
        ("b.dcm", b"no image at all, and long enough"),
    ):
        (tmp_path / name).write_bytes(content)
        files.append(tmp_path / name)
    examples = Examples([files[0], files[0], files[1]], np.array([0, 0, 1]), ["a.png", "a2.png", "b.dcm"])
    with pytest.raises(DataError) as caught:
        _train(examples)
    assert str(caught.value) == (
        "None of the 1 images of a class can be read, so it cannot be learnt. The first is b.dcm: is a text file; JPEG, PNG, "
        "WebP, BMP, TIFF and GIF are read. Mend these files, or take the class out."
    )
