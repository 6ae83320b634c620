"""A Ray cluster: found or started, kept quiet, left as it was."""

import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from imgclf.data import cores
from imgclf.errors import MissingExtraError, RunError, UsageError
from imgclf.words import first_line

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # Ray would send statistics of use to its makers.
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_LOG_LEVEL": "ERROR",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # What goes on in the cluster, which Ray writes to stdout among the answers.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # Its default, said aloud: otherwise Ray warns that it will change.
}
_STORE_BYTES = 256 << 20
"""Shared memory of a cluster of our own, besides the model: names and answers are small."""
_PATIENCE = 10.0
"""Seconds in which a cluster must answer a knock."""


def import_ray() -> Any:
    """Import Ray with its data library, its telemetry off.

    Raises:
        MissingExtraError: it is not installed.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray  # noqa: PLC0415 - an extra; its absence is a sentence, not a traceback
        import ray.data  # noqa: PLC0415 - the same
    except ImportError:
        raise MissingExtraError("Predicting with Ray", "ray") from None
    return ray


@contextmanager
def joined_cluster(address: str | None, model_bytes: int) -> Iterator[list[Mapping[str, float]]]:
    """Join a cluster, or start one on this machine, and leave or end it afterwards.

    Args:
        address: of a cluster, ``auto`` for the one on this machine; None asks RAY_ADDRESS, and without that starts
            one of our own, which ends with us. A program that has joined a cluster already stays in that.
        model_bytes: size of the model file.

    Yields:
        What each machine of the cluster has: ``CPU``, ``GPU`` and so on.

    Raises:
        UsageError: there is no cluster at the address.
        RunError: the cluster fails while it is in use.
    """
    ray = import_ray()
    ours = not ray.is_initialized()
    try:
        if ours:
            _join(ray, address or os.environ.get("RAY_ADDRESS") or "local", model_bytes)
        with cluster_failures():
            yield [node["Resources"] for node in ray.nodes() if node["Alive"]]
    finally:
        if ours:
            ray.shutdown()


@contextmanager
def cluster_failures() -> Iterator[None]:
    """Turn what befalls a cluster into a sentence; what our own code raised in a worker stays a traceback.

    Raises:
        RunError: the cluster failed.
    """
    ray = import_ray()
    try:
        yield
    except ray.exceptions.RayTaskError:
        raise
    except ray.exceptions.RayError as error:
        raise RunError(
            f"The Ray cluster failed ({first_line(error)}). What was answered before is kept in the --output; go on "
            f"with --resume."
        ) from error


def _join(ray: Any, address: str, model_bytes: int) -> None:
    local = {
        "num_cpus": cores(),
        "object_store_memory": _STORE_BYTES + 2 * model_bytes,
        "include_dashboard": False,
    }
    before = signal.getsignal(signal.SIGTERM)
    try:
        _knock(address)
        if address == "local":
            _bring_token()
        with _silent_stderr():
            ray.init(
                address=address,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **(local if address == "local" else {}),
            )
    except SystemExit as end:  # of Ray's own listener to SIGTERM
        raise KeyboardInterrupt(end.code) from None
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise UsageError(
            f"There is no Ray cluster for us at '{address}' ({first_line(error)}). Start one with 'ray start --head'; "
            f"if it is protected by a token, set RAY_AUTH_MODE=token; or leave --address and RAY_ADDRESS out to use "
            f"this machine alone."
        ) from None
    finally:
        signal.signal(signal.SIGTERM, before)  # Ray puts its own there.


def _knock(address: str) -> None:
    """See whether anybody listens at HOST:PORT: where nobody does, Ray tries for minutes and then aborts the program.

    Raises:
        OSError: nobody does.
    """
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()


def _bring_token() -> None:
    """Protect a cluster of our own by a token that lives as long as this program.

    Without one Ray writes ``~/.ray/auth_token``, and that protects every later cluster of the user too. Where the
    environment says anything of tokens, its word holds.
    """
    if not any(name.startswith("RAY_AUTH_") for name in os.environ):
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Send what Ray's C++ part says of its own logging nowhere; it asks nobody before it does."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
