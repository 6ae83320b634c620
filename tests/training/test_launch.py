"""Where spawned processes meet."""

import socket

import pytest

from imgclf.errors import ConfigError
from imgclf.training.processes import launch


def test_processes_meet_below_the_ports_that_systems_give_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port is free, outside the range of ports given away, and named only while the processes start."""
    monkeypatch.delenv("MASTER_PORT", raising=False)
    with launch._meeting_point(), socket.socket() as probe:
        port = int(launch.os.environ["MASTER_PORT"])
        assert port < 32_768
        probe.bind(("127.0.0.1", port))
    assert "MASTER_PORT" not in launch.os.environ


def test_a_port_that_is_named_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sets MASTER_PORT decides."""
    monkeypatch.setenv("MASTER_PORT", "31000")
    with launch._meeting_point():
        assert launch.os.environ["MASTER_PORT"] == "31000"
    assert launch.os.environ["MASTER_PORT"] == "31000"


def test_no_free_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all are taken, the message says how to name one."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(launch, "_PORTS", range(port, port + 1))
        sentence = (
            f"^No port from {port} to {port} is free for the processes to meet at. Name one in the environment variable "
            r"MASTER_PORT\.$"
        )
        with pytest.raises(ConfigError, match=sentence):
            launch._free_port()
