"""The LitServe server of ``serving.py``: a file of its own, because LitServe's workers import it by name.

python benchmarks/serving_litserve.py MODEL WORKERS BATCH PORT
"""

import os
import sys

import litserve
import timm
import torch
from PIL import Image
from torchvision import transforms

CORES = len(os.sched_getaffinity(0))


class Api(litserve.LitAPI):  # type: ignore[misc]
    """The code of LitServe's own examples, for an image classifier."""

    def __init__(self, model: str, workers: int, batch: int) -> None:
        super().__init__(max_batch_size=batch, batch_timeout=0.01 if batch > 1 else 0.0)
        self.model, self.threads = model, max(1, CORES // workers)
        resize = transforms.Resize(256, transforms.InterpolationMode.BICUBIC)
        scale = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        self.transform = transforms.Compose(
            [resize, transforms.CenterCrop(224), transforms.ToTensor(), scale]
        )

    def setup(self, device: str) -> None:
        """Load the network in each worker."""
        torch.set_num_threads(self.threads)
        self.network = timm.create_model(self.model, num_classes=1000).eval()

    def decode_request(self, request):  # type: ignore[no-untyped-def]
        """Return the network's input, float32 (C, H, W)."""
        return self.transform(Image.open(request["file"].file).convert("RGB"))

    def batch(self, inputs):  # type: ignore[no-untyped-def]
        """Return (N, C, H, W)."""
        return torch.stack(inputs)

    def predict(self, images):  # type: ignore[no-untyped-def]
        """Return probabilities (N, K)."""
        with torch.inference_mode():
            return self.network(images if images.ndim == 4 else images[None]).softmax(1)

    def unbatch(self, output):  # type: ignore[no-untyped-def]
        """Return one row an image."""
        return list(output)

    def encode_response(self, probabilities):  # type: ignore[no-untyped-def]
        """Return what the other servers answer."""
        confidence, label = probabilities.flatten().max(0)
        everything = {str(index): value for index, value in enumerate(probabilities.flatten().tolist())}
        return {"class": int(label), "confidence": float(confidence), "probabilities": everything}


if __name__ == "__main__":
    name, workers, batch, port = sys.argv[1], *map(int, sys.argv[2:])
    server = litserve.LitServer(
        Api(name, workers, batch), accelerator="cpu", devices=1, workers_per_device=workers
    )
    server.run(host="127.0.0.1", port=port, log_level="warning", generate_client_file=False)
