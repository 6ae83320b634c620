"""How a program asks the same of the API, ready to be copied."""

import shlex
from dataclasses import dataclass
from urllib.parse import urlencode

from imgclf.serving.model.explaining import Wish


@dataclass(frozen=True)
class Call:
    """What to ask.

    Attributes:
        server: its address, such as ``http://127.0.0.1:8000``.
        file: the image's name.
        top_k: how many classes.
        wish: the map that is shown as well, None without one.
        with_key: whether the server asks for a key.
    """

    server: str
    file: str
    top_k: int
    wish: Wish | None = None
    with_key: bool = False

    @property
    def predict_address(self) -> str:
        """Where the answer comes from."""
        return f"{self.server}/predict?{urlencode({'top_k': self.top_k})}"

    @property
    def explain_address(self) -> str:
        """Where the map comes from; empty without one."""
        if self.wish is None:
            return ""
        wish = self.wish
        query = {
            "method": wish.method,
            "layer": wish.layer,
            "target": wish.target,
            "opacity": f"{wish.opacity:g}",
            "format": "png",
        }
        return f"{self.server}/explain?{urlencode(query)}"


def curl(call: Call) -> str:
    """Return shell commands."""
    key = " -H 'X-API-Key: YOUR_KEY'" if call.with_key else ""
    file = shlex.quote(f'file=@"{_quoted(call.file)}"')
    lines = [f"curl{key} -F {file} \\\n  {shlex.quote(call.predict_address)}"]
    if call.explain_address:
        lines.append(f"curl{key} -F {file} -o map.png \\\n  {shlex.quote(call.explain_address)}")
    return "\n\n".join(lines)


def python(call: Call) -> str:
    """Return a Python program."""
    key = '\nheaders = {"X-API-Key": "YOUR_KEY"}' if call.with_key else ""
    headers = ", headers=headers" if call.with_key else ""
    lines = [
        f"import requests  # pip install requests\n{key}\n"
        f"image = open({call.file!r}, 'rb').read()\n"
        f"answer = requests.post(\n    {call.predict_address!r},\n    files={{'file': image}}{headers},\n)\n"
        "answer.raise_for_status()\n"
        "for best in answer.json()['top_k']:\n"
        "    print(best['label'], best['confidence'])"
    ]
    if call.explain_address:
        lines.append(
            f"picture = requests.post(\n    {call.explain_address!r},\n    files={{'file': image}}{headers},\n)\n"
            "picture.raise_for_status()\n"
            "open('map.png', 'wb').write(picture.content)"
        )
    return "\n\n".join(lines) + "\n"


def _quoted(file: str) -> str:
    """Return a name as curl reads it between double quotes; without them a comma or semicolon would end it."""
    return file.replace("\\", "\\\\").replace('"', '\\"')
