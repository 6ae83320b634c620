"""Pack the installed imgclf as a wheel, so that an image holds the very code that made it and needs no index for it.

Format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/.
"""

import base64
import hashlib
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from imgclf._version import __version__

_PACKAGE = Path(__file__).parents[1]
_TAG = "py3-none-any"


def write_wheel(folder: Path) -> Path:
    """Write ``imgclf-<version>-py3-none-any.whl`` into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"imgclf-{__version__}-{_TAG}.whl"
    info = f"imgclf-{__version__}.dist-info"
    content = {**_code(), **{f"{info}/{name}": text for name, text in _metadata().items()}}
    record = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in content.items()]
    content[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, data in content.items():  # A fixed date: the same code gives the same file.
            archive.writestr(ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, ZIP_DEFLATED)
    return path


def _code() -> dict[str, bytes]:
    files = sorted(path for path in _PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"imgclf/{path.relative_to(_PACKAGE).as_posix()}": path.read_bytes() for path in files}


def _metadata() -> dict[str, bytes]:
    installed = distribution("imgclf")
    wheel = f"Wheel-Version: 1.0\nGenerator: imgclf\nRoot-Is-Purelib: true\nTag: {_TAG}\n"
    described = (
        installed.read_text("METADATA") or f"Metadata-Version: 2.4\nName: imgclf\nVersion: {__version__}\n"
    )
    entry_points = installed.read_text("entry_points.txt") or ""
    return {
        "METADATA": described.encode(),
        "WHEEL": wheel.encode(),
        "entry_points.txt": entry_points.encode(),
    }


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
