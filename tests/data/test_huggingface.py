"""`hf:OWNER/NAME`: quick without a network, and the Hub's own client against a small server with it."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imgclf.data import huggingface, open_dataset
from imgclf.errors import DataError, DownloadError, MissingExtraError

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
        f"'hf:a/b' is not in {tmp_path}/hf/a--b, and the Hugging Face Hub cannot be reached ([Errno 111] Connection "
        f"refused). Without a network, use a folder that has the data: --data PATH."
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


@pytest.fixture
def hub_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, list[str]]]:
    """A server that lists a repository's files by revision, and says 401 to what it does not know."""
    listings: dict[str, list[str]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            revision = unquote(self.path.partition("/tree/")[2].partition("?")[0])
            known = "/datasets/ann/spots/" in self.path
            files = [
                {"type": "file", "path": name, "size": 1, "oid": "0"} for name in listings.get(revision, [])
            ]
            body = json.dumps(files)
            self.send_response(200 if known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_HEAD = do_GET  # noqa: N815 - the server's own spelling

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    # The client reads the environment once, when it is imported.
    api = hub.HfApi(endpoint=address)
    monkeypatch.setattr(hub, "list_repo_files", api.list_repo_files)
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", False)
    yield listings
    server.shutdown()
    server.server_close()
    thread.join()


def test_repository_without_images_is_an_error(hub_server: dict[str, list[str]], tmp_path: Path) -> None:
    """Neither of its own nor in the Hub's conversion."""
    hub_server["main"] = ["README.md"]
    assert error_of("hf:ann/spots", tmp_path) == (
        "'hf:ann/spots' holds neither Parquet files nor images. Only image datasets can be used."
    )


def test_unknown_repository_is_an_error(hub_server: dict[str, list[str]], tmp_path: Path) -> None:
    """The Hub's answer in one line, and what to check."""
    sentence = error_of("hf:ann/nothing", tmp_path, DownloadError)
    assert sentence.startswith("'hf:ann/nothing' could not be downloaded: ")
    assert "401" in sentence
    assert sentence.endswith(
        "Check the name at https://huggingface.co/datasets; a private one needs 'hf auth login'."
    )
    assert "\n" not in sentence
