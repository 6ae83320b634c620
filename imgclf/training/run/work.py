"""What each process of a training run does: loaders, loop, and in the first process the run directory."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from imgclf.data import Examples, Loader, LoadingOptions, Splits, eval_loader, train_loader
from imgclf.errors import ConfigError, DivergenceError, OutOfMemoryError, StoppedError
from imgclf.models import Classifier
from imgclf.recipes import Config
from imgclf.records import EpochRecord, ModelHeader
from imgclf.runs import Run
from imgclf.training.loop.early_stopping import BestEpoch, early_stopping
from imgclf.training.loop.losses import balanced_class_weights
from imgclf.training.loop.trainer import Loaders, Trainer
from imgclf.training.processes.agreement import check_same_count, lost_process_told
from imgclf.training.processes.interruption import StopRequest
from imgclf.training.reporter import Reporter
from imgclf.training.run.checkpoint import load_checkpoint
from imgclf.training.run.probing import Probe
from imgclf.training.run.recorder import LoggingReporter, Recorder
from imgclf.training.run.skipped import SkippedImages


@dataclass(frozen=True, eq=False)
class Job:
    """A prepared run; picklable, so that it can be sent to another process; the images each process opens for itself.

    Attributes:
        run: the run directory, made already.
        config: resolved.
        header: what the model file will say, apart from results.
        classifier: the network with its starting weights, on the CPU.
        resume: whether to continue from the run's checkpoint.
        data_dir: where registered datasets live, if it was given.
    """

    run: Run
    config: Config
    header: ModelHeader
    classifier: Classifier
    resume: bool = False
    data_dir: Path | None = None


@dataclass(frozen=True)
class TrainResult:
    """What a run came to.

    Attributes:
        run: the run directory.
        best: the epoch whose weights are in the model file.
        history: every epoch.
        seconds: of training and validation, those before a resume included.
        stopped_early: whether patience ran out.
    """

    run: Run
    best: EpochRecord
    history: tuple[EpochRecord, ...]
    seconds: float
    stopped_early: bool


def work(fabric: Fabric, reporter: Reporter, job: Job, splits: Splits) -> TrainResult:
    """Train in this process.

    Raises:
        StoppedError: a signal asked to stop; the checkpoint is written.
        DivergenceError: the loss became NaN or infinite; the best model so far is kept.
        OutOfMemoryError: the device's memory was not enough.
        LostProcessError: another process ended or no longer answers.
        ConfigError: batches of one image are too small for the network.
    """
    if fabric.is_global_zero:
        reporter = LoggingReporter(reporter, job.run.path / "log.txt")
    try:
        with (
            lost_process_told(f"The last checkpoint goes on with: {_how_to_resume(job)}"),
            misfit_told(fabric, job),
        ):
            return _train(fabric, reporter, job, splits)
    except DivergenceError as error:
        kept = (
            f"The best model so far is kept: {job.run.model_file}"
            if job.run.model_file.exists()
            else "No model yet"
        )
        raise DivergenceError(f"{error} {kept}.") from None


@contextmanager
def misfit_told(fabric: Fabric, job: Job) -> Iterator[None]:
    """Turn what torch says of a batch that does not fit into a sentence.

    Raises:
        OutOfMemoryError: the device's memory was not enough.
        ConfigError: batches of one image are too small for the network.
    """
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ConfigError(
            f"training.batch_size: batches of {job.config.training.batch_size} are too small for {job.header.arch} at this "
            f"image size: its batch norm has one value to take a mean of. Use --batch-size 2 or more, or a larger "
            f"--image-size."
        ) from None
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        raise OutOfMemoryError(
            f"Out of memory on {fabric.device.type} with batches of {job.config.training.batch_size} images. Try "
            f"--batch-size {max(1, job.config.training.batch_size // 2)} --set training.accumulate=2, a smaller "
            f"--image-size or a smaller model."
        ) from error


def _how_to_resume(job: Job) -> str:
    program = "imgclf" if job.config.hardware.nodes == 1 else "torchrun ... -m imgclf"
    data_dir = f" --data-dir {shlex.quote(str(job.data_dir))}" if job.data_dir else ""
    return f"{program} train --resume {shlex.quote(str(job.run.path))}{data_dir}"


def _train(fabric: Fabric, reporter: Reporter, job: Job, splits: Splits) -> TrainResult:
    # Where pixels are kept on disk once decoded, one process of each machine decodes for the others.
    with fabric.rank_zero_first(local=True):
        loaders = make_loaders(fabric, reporter, job, splits)
    check_same_count(fabric, len(loaders.train.examples))
    skipped = SkippedImages(fabric, reporter, job.run)
    skipped.tell([*splits.unreadable, *loaders.train.skipped, *loaders.val.skipped])
    recorder = _make_recorder(job)
    if fabric.is_global_zero:
        recorder.rehearse(job.classifier)
    with StopRequest() as stop:
        trainer = make_trainer(fabric, reporter, job, loaders, lambda: stop.signal_number is not None)
        if job.resume:
            # The run directory may lie on the first machine only.
            state: Any = fabric.broadcast(
                load_checkpoint(job.run.checkpoint) if fabric.is_global_zero else None
            )
            trainer.load_state_dict(state["trainer"])
            recorder.restore(state["history"])
        probe = Probe(
            fabric, reporter, job.config, trainer.num_classes, lambda: stop.signal_number is not None
        )
        is_probe = job.config.training.probe == "yes"
        for record in probe.epochs(trainer, loaders) if is_probe else trainer.epochs():
            improved = recorder.take(record, trainer) if fabric.is_global_zero else recorder.follow(record)
            reporter.epoch(record, improved)
            skipped.tell([*loaders.train.skipped, *loaders.val.skipped])  # Streaming meets some only now.
            if recorder.stopping.exhausted:
                break
        if trainer.interrupted:
            _save_and_stop(fabric, job, recorder, trainer, stop)
    assert recorder.best_record is not None
    if is_probe:
        job.run.update_metrics({"probe": probe.results})
    return TrainResult(
        job.run,
        recorder.best_record,
        tuple(recorder.history),
        trainer.budget.elapsed,
        recorder.stopping.exhausted,
    )


def make_trainer(
    fabric: Fabric,
    reporter: Reporter,
    job: Job,
    loaders: Loaders,
    should_stop: Callable[[], bool] = lambda: False,
) -> Trainer:
    """Put the job's loop together."""
    return Trainer(
        fabric,
        job.classifier,
        loaders,
        job.config,
        len(job.header.class_names),
        class_weights=_class_weights(job, loaders.train),
        should_stop=should_stop,
        report=reporter.progress,
    )


def _make_recorder(job: Job) -> Recorder:
    training = job.config.training
    best = BestEpoch(training.monitor, ties_by_loss=True)
    return Recorder(job.run, job.header, best=best, stopping=early_stopping(training))


def make_loaders(fabric: Fabric, reporter: Reporter, job: Job, splits: Splits) -> Loaders:
    """Make this process's loaders; images that cannot be read are left out of them."""
    data, training = job.config.data, job.config.training
    options = LoadingOptions(
        batch_size=training.batch_size,
        device=fabric.device,
        seed=training.seed,
        rank=fabric.global_rank,
        world_size=fabric.world_size,
        workers=data.workers,
        memory_budget_gb=data.memory_budget_gb,
        on_error=data.on_error,
        progress=reporter.progress,
    )
    spec = job.header.preprocessing
    val = eval_loader(splits.val, spec, options)
    if training.probe == "yes":  # Its features are those that the model will see.
        return Loaders(eval_loader(splits.train, spec, options), val)
    train = train_loader(
        splits.train,
        spec,
        job.config.augment,
        options,
        sampler_weights=_sampler_weights(splits.train, job) if data.balance == "sampler" else None,
    )
    return Loaders(train, val)


def _sampler_weights(train: Examples, job: Job) -> np.ndarray:
    """Draw each class equally often: an image's weight is one over its class's count."""
    labels = train.labels
    counts = np.bincount(labels, minlength=len(job.header.class_names))
    weights: np.ndarray = 1.0 / counts[labels]
    return weights


def _class_weights(job: Job, loader: Loader) -> torch.Tensor | None:
    if job.config.data.balance != "weights":
        return None
    return torch.from_numpy(balanced_class_weights(loader.examples.labels, len(job.header.class_names)))


def _save_and_stop(fabric: Fabric, job: Job, recorder: Recorder, trainer: Trainer, stop: StopRequest) -> None:
    if fabric.is_global_zero:
        recorder.save_checkpoint(trainer)
        job.run.update_metrics({"status": "stopped"})
    fabric.barrier()
    raise StoppedError(
        f"Stopped in epoch {trainer.epoch + 1} after step {trainer.step}; everything is saved. Continue with: "
        f"{_how_to_resume(job)}",
        stop.signal_number or 15,
    )


def _is_out_of_memory(error: RuntimeError) -> bool:
    """CUDA has a class of its own; the CPU's allocator only a sentence."""
    return isinstance(error, torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error)
