"""The config: one frozen, validated tree that is the single source of every default.

A recipe file, the command line's flags and ``--set a.b=value`` all end here, and the run stores the
result. Names are the ecosystem's own: transforms from ``torchvision.transforms.v2``, optimisers from timm
or torch, schedulers from ``torch.optim.lr_scheduler``, losses from ``torch.nn``, each with its own keyword
arguments. This module imports none of those libraries: names are checked where they are built.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator, model_validator

from imgclf.recipes import auto
from imgclf.recipes.flags import Flag
from imgclf.records import ResizeMode


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NamedArgs(BaseModel):
    """A name of the ecosystem with its keyword arguments: ``{name = "RandomCrop", size = 32, padding = 4}``."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = Field(description="A name of the ecosystem; its arguments stand beside it.")

    @property
    def args(self) -> dict[str, Any]:
        """The keyword arguments, without the name and what a subclass declares."""
        return dict(self.__pydantic_extra__ or {})


class DataConfig(_Section):
    """Which images, and how they are divided."""

    dataset: Annotated[str, Flag("--data", "DATA", "Data")] = Field(
        "digits", description="Dataset name (see imgclf datasets), folder, manifest, shards or hf:OWNER/NAME."
    )
    image_column: Annotated[str | None, Flag("--image-column", "NAME", "Data")] = Field(
        None,
        description="Column of image paths or encoded images in a table; by default one of a usual name.",
    )
    label_column: Annotated[str | None, Flag("--label-column", "NAME", "Data")] = Field(
        None, description="Column of labels in a table; by default one of a usual name."
    )
    split_column: Annotated[str | None, Flag("--split-column", "NAME", "Data")] = Field(
        None, description="Column of train, val and test in a table; an empty name uses none."
    )
    group_column: str | None = Field(
        None, description="Column whose equal cells stay in one split; an empty name uses none."
    )
    class_depth: Annotated[int | None, Flag("--class-depth", "N", "Data")] = Field(
        None, ge=1, description="How many folders, one in the other, name a class; 1 unless said."
    )
    val_fraction: Annotated[float, Flag("--val-fraction", "SHARE", "Data")] = Field(
        0.1, gt=0, lt=1, description="Share of the source split that becomes val."
    )
    val_from: Annotated[Literal["auto", "train", "test"], Flag("--val-from", "", "Data")] = Field(
        "auto",
        description="Where val comes from when the dataset has none: auto and train take it from train.",
    )
    balance: Annotated[Literal["none", "weights", "sampler"], Flag("--balance", "", "Data")] = Field(
        "none", description="Against class imbalance: weigh the loss, or draw the classes equally often."
    )
    on_error: Annotated[Literal["skip", "fail"], Flag("--on-error", "", "Data")] = Field(
        "skip", description="What to do with a file that cannot be read."
    )
    workers: Annotated[int, Field(ge=0)] | Literal["auto"] = Field(
        "auto", description="Processes that decode a set too large for memory; auto measures."
    )
    memory_budget_gb: float = Field(4.0, gt=0, description="Decoded images up to this size stay in memory.")


class ModelConfig(_Section):
    """Which network, and where its weights come from."""

    name: Annotated[str, Flag("--model", "NAME", "Model")] = Field(
        "auto",
        description=f"Any timm name (see imgclf models); auto takes {auto.SMALL_NETWORK} up to {auto.SMALL_SIDE} pixels "
        f"and {auto.LARGE_NETWORK} above.",
    )
    args: dict[str, Any] = Field(default_factory=dict, description="Keyword arguments for timm.create_model.")
    pretrained: Annotated[Literal["auto", "yes", "no"], Flag("--pretrained/--no-pretrained", "", "Model")] = (
        Field(
            "auto", description="Insist on pretrained weights, or decline them; auto uses them when at hand."
        )
    )
    weights: Annotated[str | None, Flag("--weights", "FILE", "Model")] = Field(
        None, description="A local safetensors or state-dict file to start from."
    )


class HeadConfig(_Section):
    """What stands on the backbone's pooled features."""

    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the last linear layer.")
    hidden: int = Field(0, ge=0, description="Width of a hidden layer with ReLU; 0 has none.")


class ImageConfig(_Section):
    """How an image becomes the model's input; `auto` asks the pretrained weights, then the data."""

    size: Annotated[
        PositiveInt | tuple[PositiveInt, PositiveInt] | Literal["auto"],
        Flag("--image-size", "PIXELS", "Model"),
    ] = Field("auto", description="Side of the square input in pixels; a recipe may say [height, width].")
    resize_mode: ResizeMode = Field("crop", description="crop, squash or pad.")
    crop_fraction: Annotated[float, Field(gt=0, le=1)] | Literal["auto"] = Field(
        "auto", description="Share of the resized image that the centre crop keeps, timm's crop_pct."
    )
    interpolation: Literal["auto", "nearest", "bilinear", "bicubic", "lanczos"] = Field(
        "auto", description="auto asks the pretrained weights, else bilinear."
    )
    normalize: Literal["auto", "imagenet", "dataset", "none"] = Field(
        "auto",
        description="Mean and std: of the pretrained weights, of ImageNet, measured on `train`, or none.",
    )
    channels: Literal["auto", 1, 3] = Field("auto", description="Colour channels of the input; auto is 3.")


class AugmentConfig(_Section):
    """Random changes of training images: torchvision v2 transforms in order, then mixing inside the batch."""

    transforms: tuple[NamedArgs, ...] | Literal["auto"] = Field(
        "auto", description="torchvision.transforms.v2 names with arguments; auto suits the image size."
    )
    mixup: float = Field(0.0, ge=0, description="Beta distribution parameter of mixup; 0 is off.")
    cutmix: float = Field(0.0, ge=0, description="Beta distribution parameter of CutMix; 0 is off.")

    @property
    def mixes(self) -> bool:
        """Whether the images of a batch are mixed, so that targets are probabilities."""
        return bool(self.mixup or self.cutmix)


class OptimizerConfig(NamedArgs):
    """A timm or torch optimiser by name."""

    name: str = Field(
        "adamw", description="A torch.optim class or a timm name; its arguments stand beside it."
    )
    lr: Annotated[Annotated[float, Field(gt=0)] | Literal["auto"], Flag("--lr", "LR", "Training")] = Field(
        "auto",
        description="Learning rate (the highest one under a schedule); auto is "
        f"{auto.RATE_FROM_SCRATCH:g} from scratch and {auto.RATE_ON_PRETRAINED:g} on pretrained weights.",
    )


class SchedulerConfig(NamedArgs):
    """A ``torch.optim.lr_scheduler`` by name; `none` keeps the rate."""

    name: str = Field(
        "CosineAnnealingLR", description="A torch.optim.lr_scheduler class with its arguments, or none."
    )
    interval: Literal["auto", "step", "epoch"] = Field(
        "auto", description="When it steps; auto knows torch's own."
    )
    warmup_epochs: float = Field(0.0, ge=0, description="Linear warm-up in epochs before it.")


class EarlyStoppingConfig(_Section):
    """Stop when the monitored metric no longer improves."""

    patience: Annotated[int, Flag("--patience", "EPOCHS", "Training")] = Field(
        0, ge=0, description="Epochs without improvement before stopping; 0 never stops early."
    )
    min_delta: float = Field(0.0, ge=0, description="What counts as an improvement.")
    monitor: Literal["auto", "val_accuracy", "val_macro_f1", "val_loss"] = Field(
        "auto", description="The metric to watch; auto is training.monitor."
    )


class TrainingConfig(_Section):
    """The loop."""

    epochs: Annotated[int, Flag("--epochs", "N", "Training")] = Field(
        10, gt=0, description="How often every training image is seen."
    )
    batch_size: Annotated[int, Flag("--batch-size", "N", "Training")] = Field(
        64, gt=0, description="Images in a step, on each device."
    )
    probe: Annotated[Literal["auto", "yes", "no"], Flag("--probe/--no-probe", "", "Training")] = Field(
        "auto",
        description="Fit only a linear head on the features of the pretrained network: seconds; auto trains the network.",
    )
    folds: Annotated[int, Flag("--folds", "K", "Training")] = Field(
        0,
        ge=0,
        description="With --probe: accuracy and its spread over so many folds of train; 0 makes none.",
    )
    seed: Annotated[int, Flag("--seed", "N", "Training")] = Field(
        0, ge=0, description="Where all random numbers start."
    )
    monitor: Literal["val_accuracy", "val_macro_f1", "val_loss"] = Field(
        "val_accuracy", description="The metric that chooses the best model."
    )
    freeze_epochs: int = Field(
        0, ge=0, description="Epochs in which only the head learns (phase one of two)."
    )
    finetune_lr: float | None = Field(
        None, gt=0, description="Learning rate of phase two; by default a tenth."
    )
    clip_grad_norm: float = Field(0.0, ge=0, description="Largest gradient norm; 0 does not clip.")
    accumulate: int = Field(1, gt=0, description="Batches per optimiser step.")
    ema: float = Field(
        0.0, ge=0, lt=1, description="Decay of the exponential moving average of weights; 0 is off."
    )
    max_time: Annotated[str | None, Flag("--max-time", "TIME", "Training")] = Field(
        None, description="Time limit such as 10m or 1.5h; the schedule is fitted to it."
    )
    compile: bool = Field(False, description="Use torch.compile.")
    early_stopping: EarlyStoppingConfig = EarlyStoppingConfig()


class HardwareConfig(_Section):
    """Where it runs."""

    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Flag("--device", "", "Hardware")] = Field(
        "auto", description="Where to compute; auto takes the fastest there is."
    )
    devices: Annotated[int, Flag("--devices", "N", "Hardware")] = Field(
        1, gt=0, description="GPUs or processes per machine; torchrun decides it."
    )
    nodes: Annotated[int, Flag("--nodes", "N", "Hardware")] = Field(
        1, gt=0, description="Machines, under torchrun, which decides it."
    )
    strategy: Annotated[Literal["auto", "ddp"], Flag("--strategy", "", "Hardware")] = Field(
        "auto", description="How processes share the work; auto is ddp."
    )
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], Flag("--precision", "", "Hardware")] = (
        Field("auto", description="Number format; auto probes a few real steps.")
    )


class Config(_Section):
    """Everything that decides a training run. Flags and files override defaults; nothing else does."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    head: HeadConfig = HeadConfig()
    image: ImageConfig = ImageConfig()
    augment: AugmentConfig = AugmentConfig()
    loss: NamedArgs = NamedArgs(name="CrossEntropyLoss")
    optimizer: OptimizerConfig = OptimizerConfig()
    scheduler: SchedulerConfig = SchedulerConfig()
    training: TrainingConfig = TrainingConfig()
    hardware: HardwareConfig = HardwareConfig()

    @field_validator("optimizer", "scheduler", "loss", mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        """Accept ``loss = "CrossEntropyLoss"`` for ``loss = {name = "CrossEntropyLoss"}``."""
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _phases_fit(self) -> "Config":
        if self.training.freeze_epochs > self.training.epochs:
            raise ValueError(
                f"training.freeze_epochs ({self.training.freeze_epochs}) is more than training.epochs "
                f"({self.training.epochs}); give fewer, with --set training.freeze_epochs={self.training.epochs // 2}"
            )
        return self

    def to_toml_dict(self) -> dict[str, Any]:
        """Return plain values without None, as TOML wants them."""
        return _without_none(self.model_dump(mode="json"))


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }
