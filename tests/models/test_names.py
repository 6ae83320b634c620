"""Names of networks: timm's, ours, plugins', and mistyped ones."""

import re
from typing import TYPE_CHECKING

import pytest
import timm
from timm.models.resnet import resnet18 as timms_resnet18

from imgclf.errors import ModelError, PluginError
from imgclf.models import create_classifier, list_models, plugin_problems
from imgclf.models.names import find_network

if TYPE_CHECKING:
    from tests.models.conftest import InstalledPlugins


def test_a_mistyped_name_suggests_the_nearest() -> None:
    """An unknown model is an error that names the nearest one."""
    with pytest.raises(ModelError, match=r"^Unknown model 'resnet_9'\. Did you mean 'resnet9'\?"):
        create_classifier("resnet_9", 3)


def test_a_name_far_from_all_leads_to_the_list() -> None:
    """Without a near name the message says where the names are."""
    with pytest.raises(ModelError, match=r"^Unknown model 'zzzzzz'\. See all names with: imgclf models"):
        find_network("zzzzzz")


@pytest.mark.parametrize("name", ["hf-hub:timm/resnet18", "weights/model.pth"])
def test_a_path_is_no_name(name: str) -> None:
    """A hub address or a path is refused with the flag that reads files."""
    sentence = (
        f"'{name}' is no timm name. Expected one that 'imgclf models' lists; weights in a local file are"
    )
    with pytest.raises(ModelError, match=f"^{re.escape(sentence)} read with: --model NAME --weights FILE$"):
        find_network(name)


def test_an_unknown_tag_lists_the_known_ones() -> None:
    """A pretrained tag that the network lacks is an error with the nearest and all known tags."""
    sentence = r"^'resnet18' has no pretrained tag of the name 'resnet18.a9_in1k'\. Did you mean 'resnet18\.a"
    with pytest.raises(ModelError, match=sentence):
        find_network("resnet18.a9_in1k")


def test_a_tag_of_a_network_without_weights_is_told() -> None:
    """A tag where there are no weights at all says so."""
    with pytest.raises(
        ModelError, match=r"'resnet9' has no pretrained tag .* It has no pretrained weights\."
    ):
        find_network("resnet9.in1k")


def test_a_renamed_network_is_found_with_a_note() -> None:
    """A name that timm has given up leads to its successor, visibly."""
    found = find_network("vit_tiny_patch16_224_in21k")
    assert found.name == "vit_tiny_patch16_224.augreg_in21k"
    assert found.notes == (
        "timm calls 'vit_tiny_patch16_224_in21k' 'vit_tiny_patch16_224.augreg_in21k' now.",
    )


def test_a_removed_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that timm removed without a successor is an error."""
    removed = [name for name, new in timm.models.get_deprecated_models().items() if not new]
    if not removed:
        removed = ["gone_net"]
        monkeypatch.setitem(timm.models._registry._deprecated_models, "gone_net", None)
        monkeypatch.setitem(timm.models._registry._model_entrypoints, "gone_net", timms_resnet18)
    with pytest.raises(
        ModelError, match=rf"^timm has removed '{removed[0]}' and names no successor\. See: imgclf"
    ):
        find_network(removed[0])


def test_a_plugins_networks_are_found(plugins: "InstalledPlugins") -> None:
    """The declared name and other names of the same plugin work, and say where they come from."""
    assert find_network("plugnet").origin == "plugnet-package 1.0"
    assert find_network("plugnet_twin").origin == "plugnet-package 1.0"
    assert find_network("resnet9").origin == "imgclf"
    assert find_network("resnet18").origin == "timm"


def test_a_name_that_only_another_entry_registers_is_found(plugins: "InstalledPlugins") -> None:
    """A network that no entry point names is found by importing the plugins; broken ones become notes."""
    found = find_network("plugnet_twin")
    assert len(found.notes) == 2
    assert any("'broken_net' of package broken-package 1.0 failed to load" in note for note in found.notes)


def test_a_plugin_that_replaces_a_network_is_refused(plugins: "InstalledPlugins") -> None:
    """The refused plugin is an error when it is asked for, and timm's network stays what it was."""
    sentence = (
        r"^The plugin 'shadow_net' of package shadow-package 1\.0 is refused: it would replace the network 'resnet18' "
        r"that exists already\. Update or uninstall that package\.$"
    )
    with pytest.raises(PluginError, match=sentence):
        find_network("shadow_net")
    assert timm.models.model_entrypoint("resnet18") is timms_resnet18
    assert not timm.models.is_model("innocent_net")
    assert find_network("resnet18").origin == "timm"


def test_a_plugin_that_declares_a_known_name_is_refused(plugins: "InstalledPlugins") -> None:
    """Asking for a name that both timm and a plugin claim is an error, not a guess."""
    with pytest.raises(
        PluginError, match=r"^The plugin 'resnet26' of package namesake-package 1\.0 is refused"
    ):
        find_network("resnet26")


def test_a_broken_plugin_breaks_only_its_own_name(plugins: "InstalledPlugins") -> None:
    """The broken plugin's name is an error with its package; other names and the listing work."""
    sentence = (
        r"^The plugin 'broken_net' of package broken-package 1\.0 failed to load: ModuleNotFoundError: No module "
        r"named 'no_such_module_anywhere'\. Update or uninstall that package\.$"
    )
    with pytest.raises(PluginError, match=sentence):
        find_network("broken_net")
    assert find_network("resnet9").notes == ()
    assert [each.origin for each in list_models("plugnet")] == ["plugnet-package 1.0"] * 2
    assert len(plugin_problems()) == 2
