"""What is known of real data is found in it."""

from pathlib import Path

import numpy as np

from imgclf.data import open_dataset
from imgclf.evaluation.copies import find_copies
from imgclf.runs.predictions import Answers


def test_the_leak_in_the_scene_images_is_found(test_data: Path) -> None:
    """One test image of the Intel part is also a training image, under another label; no other pair is a copy."""
    dataset = open_dataset(str(test_data / "intel"))
    test, train = dataset.splits["test"], dataset.splits["train"]
    answers = Answers(
        files=tuple(test.files),
        labels=test.labels,
        probabilities=np.eye(len(dataset.class_names))[test.labels],
        class_names=dataset.class_names,
        errors=("",) * len(test),
    )
    copies = find_copies(answers, test, train, budget_seconds=None)
    assert len(copies.found) == 1
    assert copies.other_label == 1
    assert test.files[copies.found[0].image].endswith("buildings/20805.jpg")
