"""The documentation keeps up with the program."""

import re
import subprocess
import sys
from pathlib import Path

from imgclf.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]


def test_generated_pages_are_up_to_date() -> None:
    """Help and recipe keys in the reference are those of the program."""
    script = ROOT / "docs" / "generate_reference.py"
    ended = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr


def test_every_command_is_in_the_reference_and_the_readme() -> None:
    """A command that nobody can find is not there."""
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"## imgclf {name}\n" not in reference] == []
    assert [name for name in COMMANDS if f"| `imgclf {name}` |" not in readme] == []


def test_readme_links_lead_somewhere() -> None:
    """Each relative link names a file."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_ci_runs_the_readmes_test_command() -> None:
    """The command between the README's markers is one line that ends by running pytest."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    command = re.search(r"<!-- tests -->\n```\n(.+)\n```\n<!-- end -->", text)
    assert command is not None
    assert command[1].rpartition(" && ")[2].startswith(".venv/bin/pytest")
