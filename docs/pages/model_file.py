"""The format of the model file, from the records that write it."""

from imgclf.records import MODEL_FILE_FORMAT, ModelHeader, Preprocessing
from pages.docstrings import attribute_table

_INTRODUCTION = f"""# Model file

`model.safetensors` holds the best weights of a run in the
[safetensors](https://github.com/huggingface/safetensors#format) format, and everything that a program needs to
predict with them as one JSON text in the file's own metadata, under the key `imgclf`. Nothing in the file is executed
when it is read. The format's version is {MODEL_FILE_FORMAT}: the header's key `format`. A file of a newer version is
refused by name; keys are added, never given another meaning.

Read the header without imgclf and without torch:

```python
import json
from safetensors import safe_open

with safe_open("model.safetensors", framework="numpy") as file:
    header = json.loads(file.metadata()["imgclf"])
print(header["arch"], header["class_names"])
```

`imgclf.load("model.safetensors")` returns a predictor. Tensor names are those of timm's own network behind `network.`;
a hidden head (`head.hidden`) has its own behind `hidden_head.`.
"""


def page() -> str:
    """Return the page."""
    return "\n".join(
        [
            _INTRODUCTION,
            "## The header\n",
            attribute_table(ModelHeader),
            "## preprocessing\n",
            "How an image becomes the input. Training, `predict`, `serve` and every export read it from here.\n",
            attribute_table(Preprocessing),
        ]
    )
