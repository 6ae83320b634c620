"""The training loop, over Lightning Fabric.

The loop takes a ready model and ready loaders and yields one record an epoch. It neither prints, draws nor writes:
its caller does. Every random draw (dropout, mixing, augmentation) is a function of seed, epoch and step, so a run that
is stopped in mid-epoch and resumed ends with the same bits as one that never stopped.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lightning_fabric import Fabric
from torch import Tensor, nn

from imgclf.data import Batch, Loader
from imgclf.errors import DivergenceError, RunError
from imgclf.models import Classifier
from imgclf.recipes import Config
from imgclf.records import EpochRecord, Progress
from imgclf.training.loop.budget import budget_of
from imgclf.training.loop.learner import Learner
from imgclf.training.loop.losses import validation_loss
from imgclf.training.loop.phases import Phase, plan_phases
from imgclf.training.loop.validation import Validation, validate
from imgclf.training.processes.agreement import any_of, first_of, sum_of_all

_SECONDS_PER_REPORT = 0.5


@dataclass(frozen=True)
class Loaders:
    """The images to learn from and the images to validate on."""

    train: Loader
    val: Loader


class Trainer:
    """One run of the loop.

    Args:
        fabric: launched; gives device, precision and processes.
        classifier: the network, on the CPU or already on the device.
        loaders: training and validation images.
        config: resolved.
        num_classes: K.
        class_weights: float32 (K,) for the loss, or None.
        should_stop: asked after each step; when true, :meth:`epochs` returns and the state can be saved.
        report: takes the progress of the epoch and of the run, a few times a second.
    """

    def __init__(
        self,
        fabric: Fabric,
        classifier: Classifier,
        loaders: Loaders,
        config: Config,
        num_classes: int,
        class_weights: Tensor | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        report: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self.epoch = 0
        self.step = 0
        self.interrupted = False
        self.budget = budget_of(config.training)
        self._learner = Learner(fabric, classifier, config, num_classes, class_weights)
        self._fabric, self._loaders, self._config, self.num_classes = fabric, loaders, config, num_classes
        self._should_stop, self._report = should_stop, report
        self._batches = len(loaders.train)
        self._validation_loss = validation_loss(config.loss).to(fabric.device)
        self._epoch_seconds_before = 0.0

    @property
    def best_model(self) -> nn.Module:
        """The module whose weights are validated and saved: the average if there is one."""
        return self._learner.best_model

    def epochs(self) -> Iterator[EpochRecord]:
        """Train; yield a record after each epoch, and return early when ``should_stop`` says so.

        Raises:
            DivergenceError: the loss became NaN or infinite.
        """
        self.budget.start()
        for phase in plan_phases(self._config):
            if self._share(phase) >= 1:
                continue
            self._learner.enter(phase, self._steps_per_epoch, self._share(phase))
            while self._share(phase) < 1:
                record = None if self._asked_to_stop() else self._run_epoch(phase)
                if record is None:
                    self.interrupted = True
                    return
                yield record

    def begin(self) -> None:
        """Start the clock and enter the first phase, for a network that is not trained by steps."""
        self.budget.start()
        phase = plan_phases(self._config)[0]
        self._learner.enter(phase, self._steps_per_epoch)

    def probe_steps(self, count: int) -> Iterator[None]:
        """Take up to ``count`` real steps of the first epoch, for timing; the model is spoilt afterwards."""
        phase = plan_phases(self._config)[0]
        self._learner.enter(phase, self._steps_per_epoch)
        self._learner.train_mode()
        self.step = 0
        for batch in islice(self._loaders.train.epoch(0), count):
            self._take_step(batch, phase)
            yield

    def state_dict(self) -> dict[str, Any]:
        """Return everything that :meth:`load_state_dict` needs to continue with the same bits."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "processes": self._fabric.world_size,
            "images": len(self._loaders.train.examples),
            "elapsed": self.budget.elapsed,
            "epoch_seconds": self._epoch_seconds_before,
            "validation_seconds": self.budget.reserve,
            **self._learner.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where another trainer stood; call before :meth:`epochs`.

        Raises:
            RunError: it stopped in mid-epoch, and what is left of the epoch cannot be found again.
        """
        self.epoch, self.step = state["epoch"], state["step"]
        if self.step:
            self._check_same_share(state)
        self.budget.restore(state)
        self._epoch_seconds_before = state["epoch_seconds"]
        self._learner.load_state_dict(state)

    def _check_same_share(self, state: dict[str, Any]) -> None:
        """The batches that are left of an epoch are known only where images and processes are as many as before."""
        stopped = f"The run stopped in the middle of epoch {self.epoch + 1}"
        processes = state.get("processes", self._fabric.world_size)
        if processes != self._fabric.world_size:
            raise RunError(
                f"{stopped} with {processes} process(es), and each had "
                f"its share of the images. Resume it with as many; now there are {self._fabric.world_size}."
            )
        images, found = state.get("images"), len(self._loaders.train.examples)
        if images not in (None, found):
            raise RunError(
                f"{stopped}, when {images:,} training images could be read; now {found:,} can be, and batches of them "
                f"would repeat or leave out images of that epoch. Bring the files back as they were."
            )

    @property
    def _steps_per_epoch(self) -> int:
        return -(-self._batches // self._config.training.accumulate)

    def _run_epoch(self, phase: Phase) -> EpochRecord | None:
        """Train and validate one epoch, or the rest of it; None when a stop was asked for."""
        started = time.perf_counter()
        completed = self._train(phase, started)
        self._learner.check_losses(self.epoch + 1, self.step, now=True)
        training_seconds = self._epoch_seconds_before + time.perf_counter() - started
        if not completed:
            self._learner.pool_counts()
            self._epoch_seconds_before = training_seconds
            return None
        loss, hits, images = sum_of_all(self._fabric, self._learner.meter.sums).tolist()
        record = self._record(loss / images, hits / images, int(images), started, training_seconds)
        self._learner.schedule.on_validation(record.to_dict())
        self._learner.start_epoch()
        self._end_epoch()
        return record

    def fitted(self, loss: float, accuracy: float, images: int, started: float) -> EpochRecord:
        """Validate a network that was fitted otherwise than by steps, as the epoch that it was.

        Args:
            loss: of the training images.
            accuracy: of the training images, in [0, 1].
            images: how many.
            started: when, by ``time.perf_counter``.

        Raises:
            DivergenceError: the validation loss is NaN or infinite.
        """
        record = self._record(loss, accuracy, images, started, time.perf_counter() - started)
        self._end_epoch()
        return record

    def _end_epoch(self) -> None:
        self.epoch, self.step, self._epoch_seconds_before = self.epoch + 1, 0, 0.0

    def _record(
        self, loss: float, accuracy: float, images: int, started: float, training_seconds: float
    ) -> EpochRecord:
        """Validate, and return the epoch's row of the history."""
        validation = self._validate()
        if not math.isfinite(validation.loss):
            raise DivergenceError(
                f"The validation loss became NaN or infinite in epoch {self.epoch + 1} (learning rate "
                f"{self._learner.rate:.3g}). Try a lower --lr, --set training.clip_grad_norm=1 or --precision fp32."
            )
        return EpochRecord(
            epoch=self.epoch + 1,
            train_loss=loss,
            train_accuracy=accuracy,
            val_loss=validation.loss,
            val_accuracy=validation.accuracy,
            val_macro_f1=validation.macro_f1,
            lr=self._learner.rate,
            seconds=self._epoch_seconds_before + time.perf_counter() - started,
            images_per_second=images / training_seconds,
            data_wait=min(1.0, self._loaders.train.wait_seconds / training_seconds),
        )

    def _train(self, phase: Phase, started: float) -> bool:
        """Take the epoch's remaining steps; False when a stop was asked for."""
        self._learner.train_mode()
        reported = started
        for batch in self._loaders.train.epoch(self.epoch, start_batch=self.step):
            whole = self._take_step(batch, phase)
            now = time.perf_counter()
            if now - reported > _SECONDS_PER_REPORT:
                reported = now
                self._tell(now - started)
            if self.step == self._batches or not whole:
                continue
            if self._asked_to_stop():
                return False
            if self.budget.limit is not None and self._share(phase) >= 1:
                break
        return True

    def _take_step(self, batch: Batch, phase: Phase) -> bool:
        """Learn from one batch; return whether it completed an optimiser step."""
        whole = (self.step + 1) % self._config.training.accumulate == 0 or self.step + 1 == self._batches
        self._learner.learn(batch, self._step_seed(), update=whole)
        self.step += 1
        self._learner.check_losses(self.epoch + 1, self.step)
        if whole:
            self._learner.schedule.advance_to(self._share(phase))
        return whole

    def _validate(self) -> Validation:
        started = time.perf_counter()
        total, done = len(self._loaders.val.examples), 0

        def on_batch(images: int) -> None:
            nonlocal done
            done += images * self._fabric.world_size
            self._report(Progress(f"Validating epoch {self.epoch + 1}", min(done, total), total))

        result = validate(
            self._fabric,
            self.best_model,
            self._loaders.val,
            self._validation_loss,
            self.num_classes,
            on_batch,
        )
        self.budget.reserve = time.perf_counter() - started
        return result

    def _share(self, phase: Phase) -> float:
        """How much of the phase is done, in [0, 1]."""
        overall = self._done_by_steps()
        if self.budget.limit is not None:
            overall = max(overall, first_of(self._fabric, self.budget.by_time()))
        # Sums of fractions such as 2/3 + 1/3 fall a hair short of 1.
        return phase.share(overall + 1e-9, self.budget.epochs)

    def _done_by_steps(self) -> float:
        """How much of the run's epochs is done: 1 is all of them."""
        return (self.epoch + self.step / self._batches) / self.budget.epochs

    def _step_seed(self) -> int:
        """A seed of its own for every (seed, epoch, step, process)."""
        parts = (self._config.training.seed, self.epoch, self.step, self._fabric.global_rank)
        return hash(parts) & 0x7FFF_FFFF_FFFF_FFFF  # A tuple of integers hashes alike in every process.

    def _asked_to_stop(self) -> bool:
        return any_of(self._fabric, self._should_stop())

    def _tell(self, seconds: float) -> None:
        """Report the epoch, ``seconds`` after it began here, and the run."""
        loss, accuracy = self._learner.meter.means()
        images = self.step * self._config.training.batch_size * self._fabric.world_size
        rate, wait = images / seconds, self._loaders.train.wait_seconds / seconds
        detail = f"loss {loss:.3f} · acc {accuracy:.1%} · {rate:.0f} img/s · wait {wait:.0%}"
        phase = f"Epoch {self.epoch + 1}/{self._config.training.epochs}"
        self._report(Progress(phase, self.step, self._batches, detail))
        # By this process's own clock: asking the others only to draw a bar could wait for ever.
        done = max(self._done_by_steps(), self.budget.by_time())
        self._report(Progress("Run", round(1000 * min(done, 1.0)), 1000))
