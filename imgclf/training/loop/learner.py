"""One step of learning: forward, loss, backward, update; and everything that changes in it."""

from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from imgclf.data import Batch
from imgclf.errors import DivergenceError
from imgclf.models import Classifier
from imgclf.recipes import Config
from imgclf.training.loop.averaging import WeightAverage
from imgclf.training.loop.losses import build_loss, check_finite
from imgclf.training.loop.meter import EpochMeter
from imgclf.training.loop.mixing import BatchMixing
from imgclf.training.loop.optimizers import build_optimizer, clip_parameters, load_optimizer
from imgclf.training.loop.phases import Phase
from imgclf.training.loop.schedule import Schedule
from imgclf.training.processes.agreement import sum_of_all

# A CUDA device runs ahead of Python; asking for a value stops it, so losses are looked at this many steps at a time.
_STEPS_PER_CHECK = {"cpu": 1, "cuda": 50, "mps": 50}


class Learner:
    """A network with its loss, optimiser, schedule and average.

    Args:
        fabric: launched; gives device, precision and processes.
        classifier: the network, on the CPU or already on the device.
        config: resolved.
        num_classes: K.
        class_weights: float32 (K,) for the loss, or None.
    """

    def __init__(
        self,
        fabric: Fabric,
        classifier: Classifier,
        config: Config,
        num_classes: int,
        class_weights: Tensor | None,
    ) -> None:
        self.classifier = classifier.to(fabric.device).to(memory_format=torch.channels_last)
        self.meter = EpochMeter(fabric.device)
        self.rate = 0.0
        self._fabric, self._config = fabric, config
        weights = None if class_weights is None else class_weights.to(fabric.device)
        self._loss = build_loss(config.loss, weights).to(fabric.device)
        self._mixing = BatchMixing(config.augment, num_classes)
        self._average = WeightAverage(self.classifier, config.training.ema) if config.training.ema else None
        self._unchecked: list[Tensor] = []
        self._gathered = 0  # images since the optimiser's last step
        self._pending_state: dict[str, Any] | None = None

    @property
    def best_model(self) -> nn.Module:
        """The module whose weights are validated and saved: the average if there is one."""
        return self._average.model if self._average else self.classifier

    @property
    def schedule(self) -> Schedule:
        """The schedule of the present phase."""
        return self._schedule

    def enter(self, phase: Phase, steps_per_epoch: int, progress: float = 0.0) -> None:
        """Make the phase's optimiser and schedule, and wrap the network for the processes.

        Args:
            phase: says what learns, and how fast.
            steps_per_epoch: optimiser steps, which lay out the schedule.
            progress: share of the phase that is done already, in [0, 1].
        """
        self._phase = phase
        for parameter in self.classifier.backbone_parameters():
            parameter.requires_grad_(not phase.frozen)
        optimizer = build_optimizer(self.classifier, self._config.optimizer, phase.lr)
        state, self._pending_state = self._pending_state, None
        watched: list[dict[str, float]] = []
        if state and state["phase"] == phase.name:
            load_optimizer(optimizer, state["optimizer"])
            watched = state["schedule"].get("watched", [])
        self._schedule = Schedule(optimizer, self._config.scheduler, phase.epochs, steps_per_epoch)
        self._schedule.restore(progress, watched)
        network: Any = torch.compile(self.classifier) if self._config.training.compile else self.classifier
        self._model, self._optimizer = self._fabric.setup(network, optimizer)

    def train_mode(self) -> None:
        """Make dropout and BatchNorm learn; a frozen backbone keeps its statistics."""
        self.classifier.train()
        if self._phase.frozen:
            self.classifier.freeze_batch_norm()

    def learn(self, batch: Batch, seed: int, update: bool) -> None:
        """Take a batch forward and back.

        Args:
            batch: images and labels.
            seed: of everything random in the step.
            update: whether the optimiser steps now, or gradients gather for a later step.
        """
        torch.manual_seed(seed)
        images, targets = self._mixing(batch.images, batch.labels)
        with self._fabric.no_backward_sync(self._model, enabled=not update):
            logits = self._model(images)
            loss = self._loss(logits.float(), targets)
            self._fabric.backward(loss * self._weight_of(len(images)))
        if update:
            self.rate = self._schedule.lr
            self._update()
        self.meter.add(loss, logits, targets)
        self._unchecked.append(loss.detach())

    def check_losses(self, epoch: int, step: int, *, now: bool = False) -> None:
        """Look at the losses since the last look, if enough have gathered or ``now``.

        Args:
            epoch: from 1, for the message.
            step: steps taken in the epoch.
            now: look at whatever there is.

        Raises:
            DivergenceError: one of them is NaN or infinite.
        """
        if not now and len(self._unchecked) < _STEPS_PER_CHECK[self._fabric.device.type]:
            return
        bad = check_finite(self._unchecked, step - len(self._unchecked) + 1)
        self._unchecked = []
        if bad is not None:
            raise DivergenceError(
                f"The loss became NaN or infinite in epoch {epoch} at step {bad} (learning rate {self._schedule.lr:.3g}). "
                f"Try a lower --lr, --set training.clip_grad_norm=1 or --precision fp32."
            )

    def start_epoch(self) -> None:
        """Forget the sums of the epoch that is over."""
        self.meter = EpochMeter(self._fabric.device)

    def pool_counts(self) -> None:
        """Give the first process the sums of all, for the checkpoint of an unfinished epoch; the others begin anew."""
        sums = sum_of_all(self._fabric, self.meter.sums)
        self.start_epoch()
        if self._fabric.is_global_zero:
            self.meter.restore(sums)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that :meth:`load_state_dict` needs to continue with the same bits."""
        average = self._average
        return {
            "phase": self._phase.name,
            "meter": self.meter.sums,
            "model": self.classifier.state_dict(),
            "average": average and {"model": average.model.state_dict(), "updates": average.updates},
            "optimizer": self._optimizer.state_dict(),
            "schedule": {"watched": self._schedule.watched},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where another learner stood; call before :meth:`enter`, which takes the optimiser's part."""
        if self._fabric.is_global_zero:  # They are the sums of all processes.
            self.meter.restore(state["meter"])
        self.classifier.load_state_dict(state["model"])
        if self._average and state["average"]:
            self._average.model.load_state_dict(state["average"]["model"])
            self._average.updates = state["average"]["updates"]
        self._pending_state = state

    def _update(self) -> None:
        self._average_gradients()
        if self._config.training.clip_grad_norm:
            torch.nn.utils.clip_grad_norm_(
                clip_parameters(self._optimizer), self._config.training.clip_grad_norm
            )
        self._step()
        self._optimizer.zero_grad()
        if self._average:
            self._average.update(self.classifier)

    def _weight_of(self, images: int) -> float:
        """The share of a batch's mean loss in a step: by its images, of as many as the step is planned to have."""
        self._gathered += images
        training = self._config.training
        return 1.0 if training.accumulate == 1 else images / (training.batch_size * training.accumulate)

    def _average_gradients(self) -> None:
        """Make the gradient the mean over the images that were gathered, where they are fewer than planned."""
        images, self._gathered = self._gathered, 0
        training = self._config.training
        if training.accumulate == 1:
            return
        # Over all processes: they must take the same step.
        gathered = float(sum_of_all(self._fabric, torch.tensor(float(images)))) / self._fabric.world_size
        factor = training.batch_size * training.accumulate / gathered
        if factor != 1:
            gradients = [
                weight.grad for weight in clip_parameters(self._optimizer) if weight.grad is not None
            ]
            torch._foreach_mul_(gradients, factor)

    def _step(self) -> None:
        try:
            self._optimizer.step()
        except RuntimeError as error:
            if "without overflow" not in str(error):
                raise
            raise DivergenceError(
                f"A step of learning rate {self._schedule.lr:.3g} is too large for the numbers of the network. Try a "
                f"lower --lr."
            ) from None
