"""What `import imgclf` shows, and what it costs."""

import subprocess
import sys

import pytest

import imgclf


def test_everything_announced_is_there() -> None:
    """Each name in __all__ can be had."""
    assert [name for name in imgclf.__all__ if getattr(imgclf, name, None) is None] == []


def test_nothing_else_is_visible() -> None:
    """A name without underscore that is not announced would become public by accident."""
    modules = {name for name in vars(imgclf) if f"imgclf.{name}" in sys.modules}
    visible = {name for name in vars(imgclf) if not name.startswith("_")} - modules - {"TYPE_CHECKING", "Any"}
    assert visible <= set(imgclf.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    """The lazy lookup answers as a module does."""
    with pytest.raises(AttributeError, match=r"^module 'imgclf' has no attribute 'nothing'$"):
        imgclf.nothing  # noqa: B018


def test_import_is_instant() -> None:
    """`import imgclf` brings none of the heavy libraries."""
    script = (
        "import sys, imgclf; sys.exit(bool({'torch', 'numpy', 'PIL', 'timm', 'pydantic'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
