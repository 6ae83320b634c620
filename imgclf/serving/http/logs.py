"""The server's log: one line a request, as text or JSON, to stderr and to a file for each day.

What a person sends (images, keys, query strings) is never written down.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, final

from imgclf.errors import UsageError
from imgclf.serving.http.tracing import Trace
from imgclf.serving.settings import ServerSettings

_SUFFIX = ".log"


@final
class ServerLog:
    """Where the server says what it does.

    Args:
        settings: form, folder and retention.
        stream: also gets every line; by default stderr.

    Raises:
        UsageError: the folder cannot be written to.
    """

    def __init__(self, settings: ServerSettings, stream: IO[str] | None = None) -> None:
        self._json = settings.log_format == "json"
        self._stream = stream or sys.stderr
        self._files = _DailyFile(settings.log_dir, settings.log_days) if settings.log_dir else None

    def request(self, trace: Trace) -> None:
        """Write the line of a finished request, with the traceback of an error that is ours."""
        fields: dict[str, Any] = {
            "request_id": trace.id,
            "method": trace.method,
            "path": trace.path,
            "status": trace.status,
            "ms": round(1e3 * trace.seconds, 1),
            "caller": trace.caller,
        }
        if trace.predictions:
            fields |= {"model": trace.model, "prediction": trace.predictions}
        if trace.timings:
            fields["timings"] = trace.timings
        if trace.error is not None:
            fields["error"] = str(trace.error)[:500]
        # The page answers 200 with a sentence, and that it was a defect is known here only.
        if trace.status in (200, 500) and trace.error is not None:
            fields["traceback"] = "".join(traceback.format_exception(trace.error))
        self._write("ERROR" if trace.status >= 500 else "INFO", "request", fields)

    def event(self, text: str, error: BaseException | None = None) -> None:
        """Write a sentence about the server itself."""
        fields = {"error": f"{type(error).__name__}: {error}"} if error else {}
        self._write("ERROR" if error else "INFO", text, fields)

    def close(self) -> None:
        """Close the file."""
        if self._files:
            self._files.close()

    def _write(self, level: str, text: str, fields: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        line = _as_json(now, level, text, fields) if self._json else _as_text(now, level, text, fields)
        for target in (self._stream, self._files.of(now) if self._files else None):
            if target is not None:
                _try_to_write(target, line)


@final
class _DailyFile:
    """``2026-11-21.log`` and so on; older ones than the retention are deleted when a day begins."""

    def __init__(self, folder: Path, days: int) -> None:
        self._folder = folder
        self._days = days
        self._day = ""
        self._file: IO[str] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._open(datetime.now(UTC))
        except OSError as error:
            raise UsageError(
                f"{folder}: logs cannot be written there ({error.strerror}). Choose another folder with --log-dir."
            ) from None

    def of(self, now: datetime) -> IO[str] | None:
        """Return today's file; None when it cannot be opened, since a full disk must not stop the answers."""
        if f"{now:%Y-%m-%d}" != self._day:
            try:
                self._open(now)
            except OSError:
                return None
        return self._file

    def close(self) -> None:
        """Close today's file."""
        if self._file:
            self._file.close()

    def _open(self, now: datetime) -> None:
        self.close()
        self._day = f"{now:%Y-%m-%d}"
        # Line-buffered, and opened for appending: several processes share the file.
        self._file = (self._folder / f"{self._day}{_SUFFIX}").open("a", encoding="utf-8", buffering=1)
        oldest = f"{now - timedelta(days=self._days):%Y-%m-%d}"
        for path in self._folder.glob(f"????-??-??{_SUFFIX}"):
            if path.stem < oldest:
                path.unlink(missing_ok=True)


def _as_json(now: datetime, level: str, text: str, fields: dict[str, Any]) -> str:
    return json.dumps(
        {"time": now.isoformat(timespec="milliseconds"), "level": level, "event": text, **fields}
    )


def _as_text(now: datetime, level: str, text: str, fields: dict[str, Any]) -> str:
    """Return ``TIME LEVEL event key=value ...``; a traceback follows on lines of its own."""
    trail = fields.pop("traceback", "")
    words = [f"{key}={_word(value)}" for key, value in fields.items()]
    line = " ".join([f"{now:%Y-%m-%d %H:%M:%S}", f"{level:5}", text, *words])
    return f"{line}\n{trail.rstrip()}" if trail else line


def _word(value: Any) -> str:
    """Return a value without line breaks or control characters: a path is what a stranger chose."""
    text = value if isinstance(value, str) else json.dumps(value)
    plain = text.isprintable() and " " not in text and '"' not in text
    return text if plain or not isinstance(value, str) else json.dumps(text)


def _try_to_write(target: IO[str], line: str) -> None:
    try:
        target.write(line + "\n")
        target.flush()
    except (OSError, ValueError):
        logging.getLogger(__name__).debug("a log line could not be written")
