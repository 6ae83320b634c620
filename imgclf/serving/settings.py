"""How a server is set up: plain values that a new process can be given."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

MEGABYTE = 1_000_000
PAGE = "/ui/"
"""Where the page for people is, if there is one; everything of it is below."""
KEEP_ALIVE = 75
"""Seconds; longer than load balancers reuse a connection (60 s at AWS and nginx), or they meet one that just closed."""
ENVIRONMENT = "IMGCLF_SERVE_SETTINGS"
"""Where worker processes find the settings; secrets are never among them."""


@dataclass(frozen=True)
class ServerSettings:
    """Everything that can be chosen.

    Attributes:
        model: a run directory, its name, or a model file.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        runtime: what computes a run on a CPU: ``auto`` is the faster of ONNX Runtime and PyTorch.
        precision: ``fp32``, ``bf16``, or ``auto``: bf16 where it is faster and keeps the answers. Not of an ONNX file.
        threads: inference worker threads, each computing with one thread; 0 is one for each core.
        max_batch: images computed at once; 0 is measured at warm-up.
        queue_images: images that may wait; one more is answered 503.
        queue_bytes: bytes of images that may wait, and of bodies that may be held at once.
        deadline: seconds after which a request that has no answer gets 504.
        max_body: largest body in bytes.
        receipt_seconds: seconds within which headers, and then the body, must have come.
        keep_alive: seconds for which a connection without requests is kept open.
        batch_images: most images of one batch request.
        keys_file: the file of API keys, None without; keys of the environment count as well.
        authenticate: whether keys are asked for where there are some; False is said aloud with ``--no-auth``.
        rate_limit: requests a minute for each key (or address, without keys); 0 is no limit.
        cors_origins: web pages of these origins may call.
        local_names_only: refuse a Host header that is no name of this machine, against DNS rebinding.
        log_format: one line a request as ``text`` or ``json``.
        log_dir: folder of log files by date, None writes to stderr only.
        log_days: days for which log files are kept.
        reload_model: whether the model file is watched and swapped when it changes.
        ui: whether there is a page for people, at :data:`PAGE`.
    """

    model: str
    device: str = "auto"
    runtime: Literal["auto", "onnx", "torch"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    threads: int = 0
    max_batch: int = 0
    queue_images: int = 256
    queue_bytes: int = 256 * MEGABYTE
    deadline: float = 30.0
    max_body: int = 10 * MEGABYTE
    receipt_seconds: float = 20.0
    keep_alive: int = KEEP_ALIVE
    batch_images: int = 64
    keys_file: Path | None = None
    authenticate: bool = True
    rate_limit: int = 0
    cors_origins: tuple[str, ...] = ()
    local_names_only: bool = False
    log_format: Literal["text", "json"] = "text"
    log_dir: Path | None = None
    log_days: int = 30
    reload_model: bool = False
    ui: bool = False

    def to_environment(self) -> None:
        """Leave the settings where worker processes find them."""
        os.environ[ENVIRONMENT] = json.dumps(asdict(self), default=str)

    @classmethod
    def from_environment(cls) -> "ServerSettings":
        """Read what :meth:`to_environment` left."""
        values: dict[str, Any] = json.loads(os.environ[ENVIRONMENT])
        for name in ("keys_file", "log_dir"):
            values[name] = Path(values[name]) if values[name] else None
        return cls(**{**values, "cors_origins": tuple(values["cors_origins"])})
