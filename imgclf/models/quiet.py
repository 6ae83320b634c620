"""Keep libraries from talking to the user while they build and fetch networks."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

_LOGGERS = ("timm", "huggingface_hub", "httpx", "httpx2", "urllib3")


@contextmanager
def quietly() -> Iterator[None]:
    """Silence warnings and retry messages; a download keeps its progress bar on a terminal only."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    bars_were_off = are_progress_bars_disabled()
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if not sys.stderr.isatty():
        disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        if not bars_were_off and are_progress_bars_disabled():
            enable_progress_bars()
