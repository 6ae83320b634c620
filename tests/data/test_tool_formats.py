"""What labelling tools export, in the form that their documentation shows: read right, or refused in words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgclf.data import make_splits, open_dataset
from imgclf.data.labels.reading import Wishes
from imgclf.errors import DataError
from tests.data.layouts import error_of, labels, sizes, tree


def write(path: Path, content: Any) -> str:
    """Write JSON, or JSON lines for a list of lines, or text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


def lines(*records: Any) -> str:
    """Return JSON lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


def read_by(spec: str | Path, name: str) -> Any:
    """Open a dataset and make sure that this format read it."""
    dataset = open_dataset(str(spec))
    assert dataset.taken is not None
    assert dataset.taken.format == name
    return dataset


def test_roboflow_classes_csv(tmp_path: Path) -> None:
    """One-hot of one is a label, in every split; augmented copies of one photograph stay in one split."""
    names = [f"train/{name}_jpg.rf.{'0' * 8}{copy}.jpg" for name in "abcdefgh" for copy in range(3)]
    tree(tmp_path, *names, "valid/z.jpg")
    rows = "".join(f"{name.partition('/')[2]},{int(i % 2 == 0)},{i % 2}\n" for i, name in enumerate(names))
    write(tmp_path / "train/_classes.csv", f"filename, cat, dog\n{rows}")
    write(tmp_path / "valid/_classes.csv", "filename, cat, dog\nz.jpg,0,1\n")
    dataset = read_by(tmp_path, "roboflow")
    assert (dataset.class_names, sizes(dataset)) == (("cat", "dog"), {"train": 24, "val": 1})
    assert dataset.splits["train"].groups[:4] == ("a_jpg", "a_jpg", "a_jpg", "b_jpg")


def test_copies_named_by_roboflow_cross_no_split(tmp_path: Path) -> None:
    """In class folders, too; an empty group column turns it off."""
    names = [
        f"{label}/{name}_jpg.rf.{'0' * 8}{copy}.jpg"
        for label in "xy"
        for name in "abcdefgh"
        for copy in range(3)
    ]
    tree(tmp_path, *names)
    dataset = open_dataset(str(tmp_path))
    splits = make_splits(dataset, val_fraction=0.25)
    assert set(splits.train.groups).isdisjoint(splits.val.groups)
    assert dataset.taken is not None
    assert (
        dataset.taken.group
        == "names of copies of one photograph (8 groups; --set data.group_column='' turns it off)"
    )
    assert open_dataset(str(tmp_path), wishes=Wishes(group_column="")).splits["train"].groups == ()


@pytest.mark.parametrize("per_split", [True, False])
def test_hugging_face_metadata(tmp_path: Path, per_split: bool) -> None:
    """metadata.jsonl in each split's folder or metadata.csv at the root; folders where it has no label."""
    tree(tmp_path, "train/0.png", "train/1.png", "test/2.png")
    if per_split:
        train = lines({"file_name": "0.png", "label": "cat"}, {"file_name": "1.png", "label": "dog"})
        write(tmp_path / "train/metadata.jsonl", train)
        write(tmp_path / "test/metadata.jsonl", lines({"file_name": "2.png", "label": "cat"}))
    else:
        write(
            tmp_path / "metadata.csv", "file_name,label\ntrain/0.png,cat\ntrain/1.png,dog\ntest/2.png,cat\n"
        )
    dataset = read_by(tmp_path, "hf_folder")
    assert (labels(dataset), sizes(dataset)) == (["cat", "dog"], {"train": 2, "test": 1})
    tree(tmp_path / "folders", "a/0.png", "b/1.png")
    write(tmp_path / "folders/metadata.csv", "file_name,caption\na/0.png,x\nb/1.png,y\n")
    assert open_dataset(str(tmp_path / "folders")).class_names == ("a", "b")


def test_label_studio_json(tmp_path: Path) -> None:
    """Tasks with choices; uploads and local files by what they name; a task without a choice is counted."""
    tree(tmp_path, "1a2b-cat.png", "photos/dog.png", "images/3.png")

    def task(image: str, *choices: str, cancelled: bool = False) -> dict[str, Any]:
        result = [{"type": "choices", "value": {"choices": list(choices)}}] if choices else []
        return {"data": {"image": image}, "annotations": [{"was_cancelled": cancelled, "result": result}]}

    tasks = [
        task("/data/upload/1/1a2b-cat.png", "cat"),
        task("/data/local-files/?d=photos/dog.png", "dog"),
        task("images/3.png"),
    ]
    dataset = read_by(write(tmp_path / "project.json", tasks), "label_studio")
    assert labels(dataset) == ["cat", "dog"]
    assert dataset.taken.left_out == {"without a label": 1}
    path = write(tmp_path / "several.json", [*tasks, task("images/3.png", "cat", "dog")])
    assert error_of(path).startswith(f"{path}, record 4 has several labels (cat, dog).")


def test_label_studio_json_min(tmp_path: Path) -> None:
    """The short form has the choice itself."""
    tree(tmp_path, "a.png", "b.png")
    tasks = [
        {"id": 1, "image": "/data/upload/a.png", "choice": "cat"},
        {"id": 2, "image": "b.png", "choice": "dog"},
    ]
    assert labels(read_by(write(tmp_path / "min.json", tasks), "label_studio")) == ["cat", "dog"]


def test_coco_categories(tmp_path: Path) -> None:
    """Several boxes of one category are one label; camera traps' sequences are groups; two categories are refused."""
    tree(tmp_path, "images/0.png", "images/1.png", "images/2.png")
    images = [{"id": row, "file_name": f"{row}.png", "seq_id": f"s{row // 2}"} for row in range(3)]
    annotations = [
        {"image_id": 0, "category_id": 7},
        {"image_id": 0, "category_id": 7},
        {"image_id": 1, "category_id": 0},
    ]
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 0, "name": "empty"}, {"id": 7, "name": "deer"}],
    }
    dataset = read_by(write(tmp_path / "annotations/instances_train2017.json", content), "coco")
    assert labels(dataset) == ["deer", "empty"]
    assert dataset.splits["train"].groups == ("s0", "s0")
    assert dataset.taken.left_out == {"without a label": 1}
    content["annotations"] = [*annotations, {"image_id": 1, "category_id": 7}]
    path = write(tmp_path / "annotations/train.json", content)
    assert error_of(path).startswith(f"{path}, record 2 has several labels (empty, deer).")


def test_fiftyone_json(tmp_path: Path) -> None:
    """Numbers mean the classes; null is no label; ids lack the extension."""
    tree(tmp_path, "data/0.png", "data/1.png", "data/2.png")
    write(
        tmp_path / "labels.json",
        {"classes": ["cat", "dog"], "labels": {"0": 1, "1": {"label": "cat"}, "2": None}},
    )
    assert labels(read_by(tmp_path, "fiftyone")) == ["dog", "cat"]


def test_datumaro_json(tmp_path: Path) -> None:
    """Subsets are splits; items without a label annotation are counted."""
    tree(tmp_path, "images/train/a.png", "images/train/b.png", "images/validation/c.png")
    categories = {"label": {"labels": [{"name": "cat"}, {"name": "dog"}]}}

    def item(name: str, *labels: int) -> dict[str, Any]:
        annotations = [{"type": "label", "label_id": label} for label in labels]
        return {"id": name, "image": {"path": f"{name}.png"}, "annotations": annotations}

    write(
        tmp_path / "annotations/train.json", {"categories": categories, "items": [item("a", 1), item("b", 0)]}
    )
    write(tmp_path / "annotations/validation.json", {"categories": categories, "items": [item("c")]})
    dataset = read_by(tmp_path, "datumaro")
    assert (labels(dataset), sizes(dataset)) == (["dog", "cat"], {"train": 2})
    assert dataset.taken.left_out == {"without a label": 1}


def test_lists_beside_synsets(tmp_path: Path) -> None:
    """Paths in quotes; a number without a class is refused with its line."""
    tree(tmp_path, "images/a b.png", "images/c.png")
    write(tmp_path / "synsets.txt", "cat\ndog\n")
    write(tmp_path / "train.txt", '"a b.png" 1\nc.png 0\n')
    assert labels(read_by(tmp_path, "imagenet_txt")) == ["dog", "cat"]
    write(tmp_path / "train.txt", "c.png 5\n")
    assert error_of(tmp_path) == (
        f"{tmp_path}/train.txt, line 1: expected a path and the number of one of the 2 classes of synsets.txt, got 'c.png 5'."
    )


def test_medmnist(tmp_path: Path) -> None:
    """Arrays by split; several labels and volumes are refused."""
    images, numbers = np.zeros((4, 28, 28), np.uint8), np.array([[0], [1], [1], [0]])
    path = tmp_path / "pneumoniamnist.npz"
    np.savez(path, train_images=images, train_labels=numbers, test_images=images[:2], test_labels=numbers[:2])
    dataset = read_by(path, "medmnist")
    assert (labels(dataset), sizes(dataset)) == (["0", "1", "1", "0"], {"train": 4, "test": 2})
    assert isinstance(dataset.splits["train"].images, np.ndarray)
    np.savez(path, train_images=images, train_labels=np.zeros((4, 14), int))
    assert (
        error_of(path)
        == f"{path} has 14 labels an image. One label an image is learnt; this set is multi-label."
    )
    np.savez(path, train_images=np.zeros((4, 8, 8, 8), np.uint8), train_labels=numbers)
    assert error_of(path) == (
        f"{path} has train images of shape (8, 8, 8) and type uint8; expected uint8 (height, width) or (height, width, 3)."
    )


def test_sagemaker_lists(tmp_path: Path) -> None:
    """MXNet's .lst, and augmented manifests by the name of their object."""
    tree(tmp_path, "cat/0.png", "dog/1.png", "2.png")
    path = write(tmp_path / "train.lst", "0\t0.000000\tcat/0.png\n1\t1.000000\tdog/1.png\n")
    assert labels(read_by(path, "sagemaker")) == ["0", "1"]
    path = write(tmp_path / "short.lst", "0 1 cat/0.png\n")
    assert error_of(path) == (
        f"{path}, line 1: expected a number, a label and a path between tabs, got '0 1 cat/0.png'."
    )
    manifest = lines(
        {"source-ref": "s3://bucket/x/2.png", "kind": 0, "kind-metadata": {"class-name": "cat"}},
        {"source-ref": "s3://bucket/x/3.png", "kind": 1, "kind-metadata": {"class-name": "dog"}},
    )
    dataset = read_by(write(tmp_path / "output.manifest", manifest), "sagemaker")
    assert labels(dataset) == ["cat"]
    assert dataset.taken.left_out == {"of missing files": 1}


def test_remote_rows_are_told_as_remote(tmp_path: Path) -> None:
    """Addresses of a cloud are no files here."""
    path = write(tmp_path / "vertex.csv", "path,label\ngs://bucket/0.png,cat\ngs://bucket/1.png,dog\n")
    assert error_of(path) == (
        f"{path} names 2 files and none of them exists, for example gs://bucket/0.png. They are on a server: download them "
        f"into {tmp_path} first."
    )


def test_what_is_no_json_is_a_sentence(tmp_path: Path) -> None:
    """A damaged line, a line that is no object, and a file of another kind."""
    tree(tmp_path, "train/0.png")
    for text, reason in (("{", "line 1 is no JSON object: "), ("[1]\n", "line 1 is no JSON object.")):
        path = write(tmp_path / "train/metadata.jsonl", text)
        assert error_of(tmp_path).startswith(f"{path}, {reason}")
    path = write(tmp_path / "other.json", "{ not json")
    with pytest.raises(DataError, match=r"is no dataset: expected"):
        open_dataset(path)
    with pytest.raises(DataError, match=r"'coco' finds nothing to read at "):
        open_dataset(f"coco:{path}")
