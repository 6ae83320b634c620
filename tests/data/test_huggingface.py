"""`hf:OWNER/NAME`: quick without a network, and the Hub's own client against a small server with it."""

import json
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imgclf.data import open_dataset
from imgclf.data.fetching import huggingface
from imgclf.errors import DataError, DownloadError, MissingExtraError
from imgclf.records import Progress

hub = pytest.importorskip("huggingface_hub", reason="the extra 'hf' is not installed")


def error_of(spec: str, root: Path, kind: type[Exception] = DataError, **arguments: bool) -> str:
    """Return the sentence that opening gives."""
    with pytest.raises(kind) as caught:
        open_dataset(spec, root, **arguments)
    return str(caught.value)


@pytest.mark.parametrize("name", ["mnist", "a/b/c", "../x", "a/..", ""])
def test_name_needs_owner_and_name(tmp_path: Path, name: str) -> None:
    """Nothing else leaves this machine or the data directory."""
    assert error_of(f"hf:{name}", tmp_path) == (
        f"'hf:{name}' names no dataset of the Hub. Expected hf:OWNER/NAME, such as hf:ylecun/mnist."
    )


def test_downloading_may_be_off(tmp_path: Path) -> None:
    """The message says where it was looked for."""
    assert error_of("hf:a/b", tmp_path, download=False) == (
        f"'hf:a/b' is not in {tmp_path} and downloading is off. Allow it."
    )


def test_offline_mode_is_respected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert error_of("hf:a/b", tmp_path, DownloadError) == (
        f"'hf:a/b' is not in {tmp_path}/hf/a--b, and HF_HUB_OFFLINE forbids to download it. Unset it, or use a folder "
        f"that has the data: --data PATH."
    )


def test_no_network_is_an_error_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client itself would retry for minutes."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "*")
    assert error_of("hf:a/b", tmp_path, DownloadError) == (
        f"'hf:a/b' is not in {tmp_path}/hf/a--b, and the Hugging Face Hub cannot be reached (Connection refused)"
        f". Without a network, use a folder that has the data: --data PATH."
    )


def test_missing_client_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How to install it is in the message."""
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.setattr(huggingface, "find_spec", lambda _: None)
    assert error_of("hf:a/b", tmp_path, MissingExtraError) == (
        "The dataset 'hf:a/b' needs the extra 'hf'. Install it with: pip install 'imgclf[hf]'"
    )


def test_complete_copy_needs_no_network(tmp_path: Path) -> None:
    """The second time it is read from the data directory."""
    folder = tmp_path / "hf" / "ann--spots"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"image": [b"x", b"y"], "label": ["a", "b"]}), folder / "train.parquet")
    (folder / ".complete").touch()
    dataset = open_dataset("hf:ann/spots", tmp_path)
    assert dataset.info.name == "spots"
    assert dataset.info.source == "https://huggingface.co/datasets/ann/spots"
    assert dataset.class_names == ("a", "b")


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["README.md", "data/train-0.parquet", "load.py", "x/1.jpg"], ["data/train-0.parquet"]),
        (
            ["README.md", "train/a/1.jpg", "train/b/2.PNG", "logo.png", "metadata.csv"],
            ["train/a/1.jpg", "train/b/2.PNG", "metadata.csv"],
        ),
        (["README.md", "text.csv", "load.py"], []),
    ],
)
def test_code_is_never_fetched(names: list[str], wanted: list[str]) -> None:
    """Parquet files, or else images and manifests."""
    assert huggingface._wanted(names) == wanted


class HubHandler(BaseHTTPRequestHandler):
    """What the client asks of the Hub: a repository's files by revision, and one file."""

    listings: ClassVar[dict[str, list[str]]]
    content: ClassVar[dict[str, bytes]]

    def do_GET(self) -> None:
        """Answer; 401 is what the Hub says to a repository that it does not know."""
        if "/datasets/ann/spots/" not in self.path:
            return self._answer(401, {"error": "Repository not found"})
        place, _, rest = self.path.partition("/tree/")
        if rest:
            names = self.listings.get(unquote(rest.partition("?")[0]))
            if names is None:
                return self._answer(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
            return self._answer(
                200, [{"type": "file", "path": name, "size": 1, "oid": "0"} for name in names]
            )
        name = place.partition("/resolve/main/")[2]
        return self._answer(200, self.content[name], {"ETag": '"1f2e3d"', "X-Repo-Commit": "0" * 40})

    do_HEAD = do_GET  # noqa: N815 - the server's own spelling

    def _answer(self, code: int, body: object, headers: dict[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for key, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[HubHandler]]:
    """A small Hub with one repository, ann/spots."""
    HubHandler.listings, HubHandler.content = {}, {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), HubHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    # The client reads the environment once, when it is imported.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "list_repo_files", hub.HfApi(endpoint=address).list_repo_files)
    monkeypatch.setattr(hub, "hf_hub_download", partial(hub.hf_hub_download, endpoint=address))
    yield HubHandler
    server.shutdown()
    server.server_close()
    thread.join()


def test_parquet_files_are_fetched_once(hub_server: type[HubHandler], tmp_path: Path) -> None:
    """Into the data directory, with progress; the second time nobody is asked."""
    table = pa.BufferOutputStream()
    pq.write_table(pa.table({"image": [b"x", b"y"], "label": ["a", "b"]}), table)
    hub_server.listings["main"] = ["README.md", "data/train-00000.parquet"]
    hub_server.content["data/train-00000.parquet"] = table.getvalue().to_pybytes()
    reports: list[Progress] = []
    dataset = open_dataset("hf:ann/spots", tmp_path, progress=reports.append)
    assert dataset.class_names == ("a", "b")
    assert reports == [Progress("Downloading ann/spots", 1, 1, "data/train-00000.parquet")]
    hub_server.listings.clear()
    assert list(open_dataset("hf:ann/spots", tmp_path).splits["train"].images) == [b"x", b"y"]


def test_repository_without_images_is_an_error(hub_server: type[HubHandler], tmp_path: Path) -> None:
    """Neither of its own nor in the Hub's conversion."""
    hub_server.listings["main"] = ["README.md"]
    assert error_of("hf:ann/spots", tmp_path) == (
        "'hf:ann/spots' holds neither Parquet files nor images. Only image datasets can be used."
    )


def test_unknown_repository_is_an_error(hub_server: type[HubHandler], tmp_path: Path) -> None:
    """The Hub's answer in one line, and what to check."""
    sentence = error_of("hf:ann/nothing", tmp_path, DownloadError)
    assert sentence.startswith("'hf:ann/nothing' could not be downloaded: ")
    assert "401" in sentence
    assert sentence.endswith(
        "Check the name at https://huggingface.co/datasets; a private one needs 'hf auth login'."
    )
    assert "\n" not in sentence
