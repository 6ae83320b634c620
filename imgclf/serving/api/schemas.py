"""The wire format: what goes out, and what JSON comes in.

Field names are a promise. ``class`` repeats ``prediction`` for clients of older servers that knew it by that name.
"""

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

MOST_CLASSES = 1000

TopK = Annotated[
    int,
    Field(
        ge=1,
        le=MOST_CLASSES,
        description="How many of the best classes to list; more than there are lists all.",
    ),
]
Threshold = Annotated[
    float,
    Field(
        ge=0, le=1, description="Confidence below which the answer is 'unknown'; by default the model's own."
    ),
]


class ClassScore(BaseModel):
    """One class with its probability."""

    label: str
    confidence: float


class Timings(BaseModel):
    """Milliseconds by phase."""

    queue_ms: float = Field(description="Until a worker took the image.")
    decode_ms: float = Field(description="Reading and preprocessing the image.")
    inference_ms: float = Field(description="Computing, for all images of its batch.")
    total_ms: float = Field(description="From the request's arrival.")


class PredictionResponse(BaseModel):
    """What the model says of one image."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    prediction: str = Field(description="The class, or 'unknown' below the threshold.")
    class_: str = Field(alias="class", description="The same as prediction.")
    confidence: float = Field(description="The highest probability.")
    probabilities: dict[str, float] = Field(description="Of every class, in class order; they sum to 1.")
    top_k: list[ClassScore] = Field(description="The best classes, best first.")
    request_id: str
    model: str = Field(description="Fingerprint of the model file.")
    timings: Timings


class BatchItem(BaseModel):
    """What came of one image of a batch: an answer, or why there is none."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    file: str = Field(description="The file's name as it was sent, or its position.")
    status: int = Field(description="The status that this image alone would have had.")
    prediction: str | None = None
    class_: str | None = Field(None, alias="class")
    confidence: float | None = None
    probabilities: dict[str, float] = {}
    top_k: list[ClassScore] = []
    error: str | None = None
    code: str | None = None


class BatchResponse(BaseModel):
    """What the model says of several images, in the order in which they came."""

    predictions: list[BatchItem]
    request_id: str
    model: str | None = Field(description="Fingerprint of the model file; null when no image could be read.")
    timings: dict[str, float]


class EmbeddingResponse(BaseModel):
    """The pooled penultimate features of one image."""

    embedding: list[float]
    dimensions: int
    request_id: str
    model: str
    timings: Timings


class ExplanationMap(BaseModel):
    """Where in the image there is evidence for one class."""

    target: str
    target_confidence: float
    method: str
    layer: str = Field(description="Empty for a method that looks at none.")
    remark: str = Field(description="What to know of this map; usually empty.")
    overlay: str = Field(
        description="The map over the image, a PNG as a data URL, at most 1024 pixels wide or high."
    )
    values: list[list[float]] = Field(description="The map over the model's input, scaled to [0, 1].")


class ExplanationResponse(BaseModel):
    """What the model says of one image, and where it sees it."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    prediction: str
    class_: str = Field(alias="class", description="The same as prediction.")
    confidence: float
    probabilities: dict[str, float]
    top_k: list[ClassScore]
    maps: list[ExplanationMap]
    request_id: str
    model: str
    timings: dict[str, float]


class Health(BaseModel):
    """The server is alive."""

    status: str
    model_loaded: bool
    ready: bool
    device: str
    model: str
    version: str
    uptime_seconds: float


class Readiness(BaseModel):
    """The server takes requests."""

    status: str
    queue: int


class Classes(BaseModel):
    """The class names in index order."""

    classes: list[str]
    count: int


class ModelCard(BaseModel):
    """What is known of the model."""

    name: str
    architecture: str
    classes: list[str]
    preprocessing: dict[str, Any]
    temperature: float
    threshold: float | None
    metrics: dict[str, float]
    fingerprint: str
    backend: str = Field(
        description="The library that computes predictions: onnx, torch or another format's."
    )
    chosen_because: str = Field(description="Why this library.")
    device: str
    precision: str = Field(
        description="fp32; bf16 for predictions where that is faster and keeps the answers; or as exported."
    )
    batch_cap: int


class ErrorResponse(BaseModel):
    """The one shape of all errors."""

    error: str = Field(description="A sentence: what was given, what was expected, what to do.")
    detail: str = Field(description="The same sentence.")
    code: str = Field(description="A word that a program can compare.")
    status: int
    request_id: str


class Welcome(BaseModel):
    """What is here."""

    name: str
    version: str
    status: str
    model: str
    classes: int
    endpoints: dict[str, str]


class ImageBody(BaseModel):
    """An image in JSON."""

    image: str = Field(
        validation_alias=AliasChoices("image", "image_base64", "base64", "data"),
        description="The image in base64; a data URL's prefix is allowed. Addresses are not fetched.",
    )
    top_k: TopK | None = None
    threshold: Threshold | None = None


class BatchBody(BaseModel):
    """Images in JSON."""

    images: list[str] = Field(description="The images in base64.")
    top_k: TopK | None = None
    threshold: Threshold | None = None
