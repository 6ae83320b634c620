"""Pack installed code as wheels, so that an image holds the very code that made it and needs no index for it.

Format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/.
"""

import base64
import hashlib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePath
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from imgclf._version import __version__

_PACKAGE = Path(__file__).parents[1]
_TAG = "py3-none-any"


def write_wheel(folder: Path) -> Path:
    """Write ``imgclf-<version>-py3-none-any.whl`` into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"imgclf-{__version__}.dist-info"
    content = {**_code(), **{f"{info}/{name}": text for name, text in _metadata().items()}}
    return _write(folder / f"imgclf-{__version__}-{_TAG}.whl", info, content)


def write_plugin_wheel(folder: Path, package: str) -> Path | None:
    """Write the wheel of another installed package, and return its path.

    Args:
        folder: exists.
        package: its name, as in "mobilenetv1-075".

    Returns:
        None where it is not installed, or in a way (editable) that leaves its files elsewhere.
    """
    try:
        installed = distribution(package)
    except PackageNotFoundError:
        return None
    files = {file.as_posix(): file.locate() for file in installed.files or () if _belongs(file)}
    info = next((PurePath(name).parent.name for name in files if name.endswith(".dist-info/METADATA")), None)
    if info is None or not any(name.endswith(".py") for name in files):
        return None
    content = {name: Path(str(file)).read_bytes() for name, file in sorted(files.items())}
    return _write(folder / f"{info.removesuffix('.dist-info')}-{_tag(installed)}.whl", info, content)


def _belongs(file: PurePath) -> bool:
    """Say whether an installed file came out of the wheel; the others were made while it was installed."""
    made = {"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"}
    return not {"..", "__pycache__"} & set(file.parts) and file.name not in made


def _tag(installed: Distribution) -> str:
    lines = (installed.read_text("WHEEL") or "").splitlines()
    tags = [line.removeprefix("Tag:").strip() for line in lines if line.startswith("Tag:")]
    return tags[0] if tags else _TAG


def _write(path: Path, info: str, content: dict[str, bytes]) -> Path:
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
