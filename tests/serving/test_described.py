"""The server keeps to its own description: requests made up from the OpenAPI document."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving.conftest import RunningServer


@pytest.mark.slow
def test_no_made_up_request_breaks_the_server(server: RunningServer) -> None:
    """Every status and body is a documented one, and none is a 500.

    Left out: that each body of the right shape be accepted (few random bytes are an image), and that a method which
    is not described be 405 (one that is not HTTP's is 400 or 501 at many servers).
    """
    beside_python = str(Path(sys.executable).parent)
    program = shutil.which("schemathesis", path=os.pathsep.join([beside_python, os.environ["PATH"]]))
    if program is None:
        pytest.skip("schemathesis is not installed (dependency group 'test')")
    ended = subprocess.run(
        [
            *(program, "run", f"{server.url}/openapi.json", "--max-examples", "5", "--seed", "1"),
            *("--exclude-checks", "positive_data_acceptance,unsupported_method", "--no-color"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout
    generated = re.search(r"(\d+) generated", ended.stdout)
    assert generated, ended.stdout
    assert int(generated[1]) > 100
