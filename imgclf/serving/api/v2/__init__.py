"""KServe's Open Inference Protocol, version 2, over HTTP: what Triton's and KServe's clients speak.

https://github.com/kserve/open-inference-protocol, with Triton's extensions for binary tensors and classification. In
reading order: ``requests.py`` (what a client sends), ``responses.py`` (what it gets), ``routes.py`` (the addresses).
"""
