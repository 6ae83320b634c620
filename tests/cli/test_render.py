"""What the renderer writes, and where."""

import io
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from imgclf.cli import render
from imgclf.cli.progress import LINE_INTERVAL, PlainLines, live_bars
from imgclf.records import Prediction, Progress


class _Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _started(capsys: pytest.CaptureFixture[str]) -> None:
    render.start()


def open_terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """Make stdout and stderr one terminal, 80 columns wide.

    No fixture: pytest puts its own streams back between a test's set-up and the test.
    """
    stream = _Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return stream


def test_messages_go_to_stderr_and_data_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe receives results only."""
    render.message("said")
    render.data("result")
    assert capsys.readouterr() == ("result\n", "said\n")


def test_quiet_silences_messages_but_not_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    """With --quiet a person still learns what went wrong."""
    render.set_quiet(True)
    render.message("said")
    render.files([Path("a.png")])
    render.next_command("imgclf evaluate")
    render.warning("odd")
    render.error("broken")
    assert capsys.readouterr() == ("", "Warning: odd\nError: broken\n")


def test_details_need_verbose(capsys: pytest.CaptureFixture[str]) -> None:
    """Details are silent until --verbose."""
    render.detail("hidden")
    render.set_verbose(True)
    render.detail("shown")
    assert capsys.readouterr().err == "shown\n"


def test_a_later_flag_does_not_undo_an_earlier_one(capsys: pytest.CaptureFixture[str]) -> None:
    """The option's default must not switch off what was switched on."""
    render.set_quiet(True)
    render.set_quiet(False)
    render.message("said")
    assert capsys.readouterr().err == ""


def test_verbose_failure_shows_where_it_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    """--verbose adds the traceback above the one line."""
    render.set_verbose(True)
    render.failure(ValueError("no such thing"))
    assert capsys.readouterr().err == "ValueError: no such thing\nError: no such thing\n"


def test_files_and_next_command_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A command ends with the files it wrote and what to try next."""
    render.files([Path("a.png"), Path("b.csv")])
    render.next_command("imgclf evaluate")
    assert capsys.readouterr().err == "Wrote a.png\nWrote b.csv\nNext: imgclf evaluate\n"


def test_table_in_a_pipe_is_aligned_plain_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers to the right, no frame, no trailing blanks, no title, whole names however long."""
    long = "x" * 120
    render.table(("name", "images", "note"), [("cat", 12, None), (long, 7, "small")], title="Classes")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "name" + " " * 116 + "  images  note"
    assert lines[1] == "cat" + " " * 117 + "      12"
    assert lines[2] == f"{long}       7  small"


def test_empty_table_is_its_headings(capsys: pytest.CaptureFixture[str]) -> None:
    """No rows is no error."""
    render.table(("name", "images"), [])
    assert capsys.readouterr().out == "name  images\n"


def test_table_on_a_terminal_is_drawn_within_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich draws it, and a class name in brackets is no markup."""
    terminal = open_terminal(monkeypatch)
    render.table(("name", "images"), [("[red]", 12), ("y" * 100, 3)], title="Classes")
    text = terminal.getvalue()
    assert "[red]" in text
    assert "Classes" in text
    assert max(len(line) for line in text.splitlines() if "\x1b" not in line) <= 80


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR leaves no colour in what is said (https://no-color.org)."""
    terminal = open_terminal(monkeypatch)
    render.error("broken")
    assert "\x1b[1;31mError: " in terminal.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.truncate(0)
    render.error("broken")
    assert "\x1b[1;31m" not in terminal.getvalue()
    assert "Error: " in terminal.getvalue()


@dataclass(frozen=True)
class _Record:
    score: float
    path: Path


def test_json_has_no_nan_and_knows_records_and_paths(capsys: pytest.CaptureFixture[str]) -> None:
    """What a program reads is valid JSON: NaN is null, tuples are lists, names keep their letters."""
    render.json_data({"a": (1, float("nan")), "b": _Record(float("inf"), Path("x/ü.png"))})
    out = capsys.readouterr().out
    assert json.loads(out) == {"a": [1, None], "b": {"score": None, "path": "x/ü.png"}}
    assert "ü" in out


def test_json_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON Lines: one object a line."""
    render.json_line(Prediction(file="a.png", label="cat", confidence=0.5))
    assert capsys.readouterr().out.count("\n") == 1


def test_names_that_the_terminal_cannot_show_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    """A file name with bytes that are no UTF-8 does not end the program."""
    render.start()
    render.data("caf\udce9.png")
    assert capsys.readouterr().out == "caf\\udce9.png\n"


def test_plain_progress_is_silent_for_short_work_and_reports_long_work() -> None:
    """Nothing before the interval, then a line each interval and one at the end."""
    lines: list[str] = []
    now = [0.0]
    show = PlainLines(lines.append, clock=lambda: now[0])
    show(Progress("Short", 0, 2))
    show(Progress("Short", 2, 2))
    for done in range(4):
        now[0] = done * LINE_INTERVAL * 0.6
        show(Progress("Long", done, 4, "loss 0.4"))
    show(Progress("Long", 4, 4, "loss 0.3"))
    assert lines == ["Long: 50 %  loss 0.4", "Long: 100 %  loss 0.3"]


def test_plain_progress_without_total_counts() -> None:
    """Where the end is unknown, the number done is shown."""
    lines: list[str] = []
    now = [0.0]
    show = PlainLines(lines.append, clock=lambda: now[0])
    show(Progress("Files", 0, None))
    now[0] = LINE_INTERVAL
    show(Progress("Files", 1234, None))
    assert lines == ["Files: 1234"]


def test_progress_is_silent_when_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """--quiet draws nothing."""
    render.set_quiet(True)
    with render.progress() as show:
        show(Progress("Counting", 1, 2))
    assert capsys.readouterr() == ("", "")


def test_progress_in_a_pipe_writes_no_bars(capsys: pytest.CaptureFixture[str]) -> None:
    """Short work leaves a log file empty."""
    with render.progress() as show:
        show(Progress("Counting", 1, 2))
        show(Progress("Counting", 2, 2))
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_draws_one_bar_a_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two phases at once have two bars, and a message appears above them."""
    terminal = open_terminal(monkeypatch)
    with render.progress() as show:
        show(Progress("Run", 1, 4))
        show(Progress("Epoch 1", 5, 10, "loss 0.412"))
        render.message("Epoch 1 is half done")
        show(Progress("Epoch 1", 10, 10))
    text = terminal.getvalue()
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text).split("Epoch 1 is half done", maxsplit=1)[1]
    run, epoch = shown.strip().splitlines()[:2]
    assert re.match(r"Run     ━{6}╺━{17}  25%", run), run
    assert re.match(r"Epoch 1 ━{24} ", epoch), epoch


def test_live_bars_remove_a_phase_that_is_over() -> None:
    """A finished phase may start again as a new bar."""
    from rich.console import Console

    with live_bars(Console(file=io.StringIO(), force_terminal=True)) as show:
        for _ in range(2):
            show(Progress("Epoch", 0, 2))
            show(Progress("Epoch", 2, 2))
