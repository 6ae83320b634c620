"""The network of a model file as an ONNX graph, so that a CPU answers faster and without PyTorch.

``kept.py`` finds it and needs no torch; ``made.py`` writes it and checks it against torch.
"""
