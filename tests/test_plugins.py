"""Plugins: found by their entry points, refused with the reason, and installed with pip like anybody's."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Protocol, runtime_checkable

import pytest

from imgclf.errors import PluginError, UsageError
from imgclf.plugins import DATASETS, ExtensionPoint, load_plugin, plugin_entry_points, plugin_package

ROOT = Path(__file__).parents[1]
PAGES = ("howto/own-dataset", "howto/own-model", "contributing/add-method")


def declare(folder: Path, package: str, entry_points: str) -> None:
    """Put an installed package's metadata, and nothing else, into a folder on the path."""
    metadata = folder / f"{package}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8"
    )
    (metadata / "entry_points.txt").write_text(entry_points, encoding="utf-8")


def test_built_in_datasets_are_plugins() -> None:
    """Ours come by the same road as theirs."""
    assert plugin_package(DATASETS, "digits").startswith("imgclf ")
    assert load_plugin(DATASETS, "digits").info.name == "digits"


def test_unknown_name_suggests_the_nearest() -> None:
    """The message names what was meant and what there is."""
    known = ", ".join(plugin_entry_points(DATASETS))
    sentence = f"Unknown name 'digit' in 'imgclf.datasets'. Did you mean 'digits'? Known: {known}."
    with pytest.raises(PluginError, match=f"^{re.escape(sentence)}$"):
        load_plugin(DATASETS, "digit")


def test_name_declared_twice_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither package silently wins."""
    for package in ("apples", "pears"):
        declare(tmp_path, package, "[imgclf.datasets]\nfruit = fruits:Fruit\n")
    monkeypatch.syspath_prepend(tmp_path)
    sentence = (
        "The name 'fruit' in 'imgclf.datasets' is declared by 2 installed packages: apples 1.0, pears 1.0. "
        "Uninstall all but one of them."
    )
    with pytest.raises(PluginError, match=f"^{re.escape(sentence)}$"):
        plugin_entry_points(DATASETS)


def test_plugin_that_fails_to_import_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names plugin, package and the reason."""
    declare(tmp_path, "apples", "[imgclf.datasets]\nfruit = no_such_module:Fruit\n")
    monkeypatch.syspath_prepend(tmp_path)
    sentence = (
        "The plugin 'fruit' of package apples 1.0 failed to load: ModuleNotFoundError: "
        "No module named 'no_such_module'. Update or uninstall that package."
    )
    with pytest.raises(PluginError, match=f"^{re.escape(sentence)}$"):
        load_plugin(DATASETS, "fruit")


@runtime_checkable
class Fruit(Protocol):
    """What the plugins of the tests below must be."""

    name: str

    def eat(self) -> str:
        """Say how it tastes."""
        ...


FRUIT = ExtensionPoint("tests.fruit", "fruit", Fruit, "`name` and `eat()`")
ORCHARD = """
class Apple:
    name = "apple"

    def eat(self):
        return "sour"

class Rotten(Apple):
    def __init__(self):
        raise OSError("worm")

class Stone:
    name = "stone"

PEAR = Apple()
"""


@pytest.fixture
def orchard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package with one good fruit and others that are not."""
    (tmp_path / "orchard.py").write_text(ORCHARD, encoding="utf-8")
    plugins = {"apple": "Apple", "rotten": "Rotten", "stone": "Stone", "pear": "PEAR", "gone": "Gone"}
    lines = [f"{name} = orchard:{value}" for name, value in plugins.items()]
    declare(tmp_path, "orchard", "\n".join(["[tests.fruit]", *lines, ""]))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "orchard", raising=False)


@pytest.mark.usefixtures("orchard")
def test_a_class_is_made_into_an_object() -> None:
    """An extension point gives what can be used, and knows all names without importing anything."""
    assert FRUIT.names() == ("apple", "gone", "pear", "rotten", "stone")
    assert "orchard" not in sys.modules
    assert FRUIT.load("apple").eat() == "sour"


@pytest.mark.usefixtures("orchard")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "rotten",
            "The fruit 'rotten' of package orchard 1.0 could not be created: OSError: worm. A plugin class takes no "
            "arguments.",
        ),
        (
            "stone",
            "The fruit 'stone' of package orchard 1.0 is no fruit: it needs `name` and `eat()`.",
        ),
        (
            "pear",
            "The fruit 'pear' of package orchard 1.0 calls itself 'apple'. Its entry point and its name must agree.",
        ),
        (
            "gone",
            "The plugin 'gone' of package orchard 1.0 failed to load: AttributeError: module 'orchard' has no "
            "attribute 'Gone'. Update or uninstall that package.",
        ),
    ],
)
def test_a_plugin_that_is_not_what_it_should_be_is_refused(name: str, sentence: str) -> None:
    """The message names plugin, package and what is wrong, and the others are there all the same."""
    with pytest.raises(PluginError, match=f"^{re.escape(sentence)}$"):
        FRUIT.load(name)
    found, problems = FRUIT.every()
    assert list(found) == ["apple"]
    assert sentence in problems


@pytest.mark.usefixtures("orchard")
def test_unknown_plugin_suggests_the_nearest() -> None:
    """In the words of the thing that was asked for."""
    sentence = "Unknown fruit 'aple'. Did you mean 'apple'? Known: apple, gone, pear, rotten, stone."
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        FRUIT.load("aple")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PYTHONPATH of the packages that the pages show, installed with pip into folders of their own."""
    folders = [install_from_page(page, tmp_path_factory.mktemp(Path(page).name)) for page in PAGES]
    return os.pathsep.join(map(str, folders))


def install_from_page(page: str, folder: Path) -> Path:
    """Write the files that a page shows and install them with pip."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    source, target = folder / "source", folder / "site"
    source.mkdir()
    for name, content in re.findall(r"`(\w+\.\w+)`[^\n]*(?:\n[^\n]+)?:\n\n```\w+\n(.*?)```", text, re.DOTALL):
        (source / name).write_text(content, encoding="utf-8")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
    ]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, timeout=120)
    return target


def run_with(installed: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in a process that sees the installed packages."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": installed},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_documented_plugins_train(installed: str, tmp_path: Path) -> None:
    """The how-to's dataset and model, installed with pip, train together."""
    settings = (
        "--data",
        "stripes",
        "--model",
        "tiny_net",
        "--epochs",
        "1",
        "--device",
        "cpu",
        "--precision",
        "fp32",
    )
    ended = run_with(installed, "-m", "imgclf", "train", *settings, "--out", str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert [path.name.endswith("tiny_net-stripes") for path in tmp_path.iterdir()] == [True]


def test_documented_plugins_are_named_with_their_packages(installed: str) -> None:
    """A bug report says whose plugins are there."""
    script = (
        "from imgclf.plugins import plugin_package; "
        "print(plugin_package('imgclf.datasets', 'stripes'), plugin_package('imgclf.models', 'tiny_net'))"
    )
    assert run_with(installed, "-c", script).stdout == "stripes-plugin 1.0 tiny-plugin 1.0\n"


def test_documented_method_is_one(installed: str) -> None:
    """The page's saliency method has all that its extension point asks for."""
    script = "from imgclf.explain.methods.method import METHODS; print(METHODS.load('activation-sum').title)"
    ended = run_with(installed, "-c", script)
    assert ended.stdout == "Activation sum\n", ended.stderr
