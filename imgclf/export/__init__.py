"""Take a model away: ONNX, torch.export, a Docker image, a Hugging Face Space."""
