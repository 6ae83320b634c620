"""Plugins to install, made by hand: real packages with entry points, in a folder of their own."""

import importlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from safetensors.torch import save_file
from timm.models.resnet import BasicBlock, ResNet

from imgclf.models import plugged

PLUGNET = """
from pathlib import Path

from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.resnet import BasicBlock, ResNet

default_cfgs = generate_default_cfgs({"plugnet.seeded": dict(
    file=str(Path(__file__).with_name("model.safetensors")), num_classes=7, input_size=(3, 48, 48), crop_pct=0.9,
    interpolation="bicubic", mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2), first_conv="conv1", classifier="fc")})


@register_model
def plugnet(pretrained=False, **kwargs):
    return build_model_with_cfg(
        ResNet, "plugnet", pretrained, block=BasicBlock, layers=[1, 1, 1, 1], channels=(8, 8, 16, 16), **kwargs)


@register_model
def plugnet_twin(pretrained=False, **kwargs):
    return build_model_with_cfg(
        ResNet, "plugnet_twin", pretrained, block=BasicBlock, layers=[1, 1, 1, 1], channels=(8, 8, 16, 16), **kwargs)
"""

SHADOW = """
from timm.models import register_model
from timm.models.resnet import resnet34


@register_model
def innocent_net(pretrained=False, **kwargs):
    return resnet34(pretrained, **kwargs)


@register_model
def resnet18(pretrained=False, **kwargs):
    return resnet34(pretrained, **kwargs)
"""


def make_wheel(folder: Path, name: str, source: str, declared: str, files: tuple[Path, ...] = ()) -> Path:
    """Write a wheel with one package by hand: no build backend is needed to install it."""
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    wheel = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{module}/__init__.py", source)
        for file in files:
            archive.write(file, f"{module}/{file.name}")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", f"[imgclf.models]\n{declared} = {module}\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


@dataclass(frozen=True)
class InstalledPlugins:
    """A folder on ``sys.path`` with the test's plugins, and the weights that lie inside one."""

    site: Path
    weights: dict[str, object]


@pytest.fixture(scope="session")
def plugin_site(tmp_path_factory: pytest.TempPathFactory) -> InstalledPlugins:
    """Packages installed by pip from wheels: plugnet with weights inside, one that shadows, one that is broken."""
    folder = tmp_path_factory.mktemp("wheels")
    weights = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=7, channels=(8, 8, 16, 16)).state_dict()
    save_file(weights, folder / "model.safetensors")
    wheels = [
        make_wheel(folder, "plugnet-package", PLUGNET, "plugnet", (folder / "model.safetensors",)),
        make_wheel(folder, "shadow-package", SHADOW, "shadow_net"),
        make_wheel(folder, "broken-package", "import no_such_module_anywhere", "broken_net"),
        make_wheel(folder, "namesake-package", "", "resnet26"),
    ]
    site = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--target",
        str(site),
    ]
    subprocess.run([*command, *map(str, wheels)], check=True, capture_output=True, timeout=300)
    return InstalledPlugins(site, dict(weights))


@pytest.fixture
def plugins(plugin_site: InstalledPlugins, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstalledPlugins]:
    """The plugins of :func:`plugin_site`, installed for one test; afterwards timm's registry is as it was."""
    registry = plugged._snapshot()
    owners = dict(plugged._owners)
    plugged._load.cache_clear()
    monkeypatch.syspath_prepend(str(plugin_site.site))
    importlib.invalidate_caches()
    yield plugin_site
    plugged._restore(registry)
    plugged._load.cache_clear()
    plugged._owners.clear()
    plugged._owners.update(owners)
    for module in ("plugnet_package", "shadow_package", "broken_package", "namesake_package"):
        sys.modules.pop(module, None)
