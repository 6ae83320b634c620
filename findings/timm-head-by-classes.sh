#!/usr/bin/env bash
# timm draws a new classifier of its EfficientNet family by the number of classes instead of the number of features.
#
# timm 1.0.31, torch 2.14.1, torchvision 0.29.1 (CPU). One would guess that `create_model(name, num_classes=2)` starts a
# training at a loss of ln(2) = 0.69, as its ResNets do, and that the head is the one that `reset_classifier(2)` gives.
# Seen: for mobilenetv2_100 the deviation of the weights times sqrt(features) is 14.5 with two classes, 6.5 with ten and
# 0.65 with a thousand, where ResNet's and reset_classifier's is 0.58 for any number. The loss of an untrained network on
# noise is 3.3 with two classes. The initialisation (timm.models._efficientnet_builder) takes fan_out for linear
# layers, so that fewer classes give wider weights.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 torchvision==0.29.1 timm==1.0.31 numpy
"$folder/venv/bin/python" - <<'PYTHON'
import timm
import torch

torch.manual_seed(0)
seen = {}
for name in ("mobilenetv2_100", "resnet18"):
    for classes in (2, 10, 1000):
        network = timm.create_model(name, num_classes=classes)
        head = network.get_classifier().weight
        seen[name, classes] = float(head.detach().std()) * head.shape[1] ** 0.5
        print(f"{name}, {classes} classes: deviation x sqrt(features) = {seen[name, classes]:.2f}")
network = timm.create_model("mobilenetv2_100", num_classes=2)
with torch.no_grad():
    logits = network.train()(torch.randn(32, 3, 64, 64))
    loss = float(torch.nn.functional.cross_entropy(logits, torch.arange(32) % 2))
network.reset_classifier(2)
head = network.get_classifier().weight
reset = float(head.detach().std()) * head.shape[1] ** 0.5
print(f"first loss with two classes {loss:.2f}; after reset_classifier(2) {reset:.2f}")
assert 13 < seen["mobilenetv2_100", 2] < 16, "timm's draw has changed"
assert 0.55 < seen["mobilenetv2_100", 1000] < 0.75
assert all(0.5 < seen["resnet18", classes] < 0.65 for classes in (2, 10, 1000))
assert loss > 2 and 0.5 < reset < 0.65
PYTHON
