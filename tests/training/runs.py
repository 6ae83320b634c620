"""What tests of training share: a tiny config, a listener, and a signal that arrives after so many steps."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import imgclf.training.loop.trainer as loop
from imgclf.recipes import Config
from imgclf.records import EpochRecord, Progress


def config_for(folder: Path, **sections: Mapping[str, Any]) -> Config:
    """A tiny config on ``folder``: fp32 on the CPU, two epochs."""
    values: dict[str, dict[str, Any]] = {
        "data": {"dataset": str(folder), "val_fraction": 0.25},
        "model": {"name": "resnet9", "pretrained": "no"},
        "augment": {"transforms": []},
        "training": {"epochs": 2, "batch_size": 9},
        "hardware": {"device": "cpu", "precision": "fp32"},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    return Config.model_validate(values)


class Listener:
    """Keeps what a run tells."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.epochs: list[EpochRecord] = []

    def message(self, text: str) -> None:
        """Keep a sentence."""
        self.messages.append(text)

    def warning(self, text: str) -> None:
        """Keep a warning, as the terminal shows it."""
        self.messages.append(f"Warning: {text}")

    def progress(self, progress: Progress) -> None:
        """Ignore progress."""

    def epoch(self, record: EpochRecord, improved: bool) -> None:
        """Keep an epoch."""
        self.epochs.append(record)


@contextmanager
def stopped_at(step: int) -> Iterator[None]:
    """Make a signal arrive in the step of this number, through the real StopRequest."""
    count = 0
    original = loop.Trainer._take_step

    def counted(self: Any, *arguments: Any) -> bool:
        nonlocal count
        count += 1
        if count == step:
            signal.raise_signal(signal.SIGTERM)
        return original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop.Trainer, "_take_step", counted)
        yield
