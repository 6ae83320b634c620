"""KServe's Open Inference Protocol, version 2, over HTTP: what Triton's and KServe's clients speak.

https://github.com/kserve/open-inference-protocol. One model with one version. Its input is either ``image``, BYTES of
encoded images, or ``pixels``, UINT8 of the model's own size; its outputs are ``probabilities`` FP32 and ``label`` BYTES.
"""

from fastapi import APIRouter

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol"])
