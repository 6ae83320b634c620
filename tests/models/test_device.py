"""Where to compute."""

import pytest
import torch

from imgclf.errors import UsageError
from imgclf.models import choose_device


def test_auto_is_a_device_that_is_there() -> None:
    """The CPU is always there; a GPU is taken before it."""
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert choose_device("auto") == expected
    assert choose_device("cpu") == "cpu"


def test_absent_device_lists_what_is_there() -> None:
    """Asking for a device that is not there names those that are."""
    absent = "cuda" if not torch.cuda.is_available() else "mps"
    with pytest.raises(UsageError, match=rf"There is no device '{absent}' on this machine\. Use auto, .*cpu"):
        choose_device(absent)
