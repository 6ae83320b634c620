"""Who may call: keys, names, rates."""

import base64
from pathlib import Path

import httpx
import pytest

from imgclf.errors import UsageError
from imgclf.serving.http.credentials import KeyRing, StoredKey, add_key, hash_password, load_keys
from tests.serving.conftest import Start


def _basic(name: bytes, secret: bytes) -> str:
    return "Basic " + base64.b64encode(name + b":" + secret).decode()


def test_keys_are_taken_in_every_form_and_refused_in_every_wrong_one(
    start: Start, circle: bytes, tmp_path: Path
) -> None:
    """Two named keys: by header, as bearer, with HTTP Basic; 401 otherwise, before the body is looked at."""
    file = tmp_path / "keys.txt"
    anna, bert = add_key(file, "anna"), add_key(file, "bert")
    good = [
        {"X-API-Key": anna},
        {"X-API-Key": bert},
        {"Authorization": f"Bearer {anna}"},
        {"Authorization": _basic(b"bert", bert.encode())},
    ]
    bad = [
        {},
        {"X-API-Key": "wrong"},
        {"X-API-Key": ""},
        [("X-API-Key", anna), ("X-API-Key", anna)],
        [("X-API-Key", anna), ("Authorization", f"Bearer {anna}")],
        {"Authorization": _basic(b"anna", bert.encode())},
        {"Authorization": _basic(b"\xff\xfe", b"\x00\xff")},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        {"Authorization": "Digest x"},
        {"Authorization": b"Bearer \xe9\xff"},
    ]
    with start(keys_file=file) as server, server.client() as client:
        for headers in good:
            assert client.post("/predict", files={"file": circle}, headers=headers).status_code == 200
        for headers in bad:
            response = client.post("/predict", content=bytes(100), headers=headers)
            assert response.status_code == 401, headers
            assert response.headers["www-authenticate"].startswith("Basic")
            assert "Send yours as 'X-API-Key: KEY'" in response.json()["error"]
        assert {client.get(path).status_code for path in ("/health", "/ready", "/v2/health/live")} == {200}
        protected = ("/", "/docs", "/openapi.json", "/metrics", "/model", "/classes", "/v2/models/default")
        assert {client.get(path).status_code for path in protected} == {401}
        document = client.get("/openapi.json", headers=good[0]).json()
    kinds = {(one["type"], one.get("scheme")) for one in document["components"]["securitySchemes"].values()}
    assert kinds == {("http", "basic"), ("http", "bearer"), ("apiKey", None)}
    assert {name for one in document["security"] for name in one} == set(
        document["components"]["securitySchemes"]
    )
    assert document["paths"]["/health"]["get"]["security"] == []
    assert "security" not in document["paths"]["/predict"]["post"]


def test_secrets_are_hashed_at_rest(tmp_path: Path) -> None:
    """The file has a name and a hash, and only its owner may read it."""
    file = tmp_path / "keys.txt"
    key = add_key(file, "anna")
    assert key not in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o077 == 0
    assert load_keys(file, {}).quick_owner(key.encode()) == "anna"
    assert load_keys(file, {}).quick_owner(b"imgclf_other") is None


def test_a_password_is_stretched_and_remembered() -> None:
    """Scrypt matches the password alone; the second time costs nothing."""
    ring = KeyRing((StoredKey("anna", hash_password("sësame")),))
    secret = "sësame".encode()
    assert ring.quick_owner(secret, b"anna") is None
    assert ring.password_owner(secret, b"anna") == "anna"
    assert ring.quick_owner(secret, b"anna") == "anna"
    assert ring.password_owner(secret, b"bert") is None
    assert ring.password_owner(secret) is None
    assert ring.password_owner(b"\xff", b"anna") is None
    assert KeyRing(()).password_owner(secret, b"anna") is None


def test_keys_of_the_environment(tmp_path: Path) -> None:
    """One key, or a name with a password."""
    ring = load_keys(None, {"IMGCLF_API_KEY": "k", "IMGCLF_USERNAME": "anna", "IMGCLF_PASSWORD": "p"})
    assert ring.quick_owner(b"k") == "default"
    assert ring.password_owner(b"p", b"anna") == "anna"
    assert not load_keys(None, {})
    with pytest.raises(
        UsageError, match="IMGCLF_USERNAME is set, and IMGCLF_PASSWORD is not: set both for HTTP"
    ):
        load_keys(None, {"IMGCLF_USERNAME": "anna"})


def test_what_is_wrong_with_a_key_file_is_told(tmp_path: Path) -> None:
    """A missing file, a line that is no key, a name twice, a name that cannot be written."""
    file = tmp_path / "keys.txt"
    with pytest.raises(UsageError, match=r"not a readable file of API keys \(No such file"):
        load_keys(file, {})
    file.write_text("# comment\nanna plaintext\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"line 2: not a key\. A line is NAME HASH"):
        load_keys(file, {})
    file.unlink()
    add_key(file, "anna")
    with pytest.raises(UsageError, match="there is a key named 'anna' already"):
        add_key(file, "anna")
    with pytest.raises(UsageError, match="'a b' cannot be the name of a key"):
        add_key(file, "a b")
    with pytest.raises(UsageError, match="the key cannot be written there"):
        add_key(tmp_path / "none" / "keys.txt", "anna")
    file.write_text(file.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(UsageError, match="Two API keys have the name 'anna'"):
        load_keys(file, {})


def test_the_rate_is_limited_for_each_key(start: Start, tmp_path: Path) -> None:
    """Two requests a minute: the third is told when to come back; another key is not concerned."""
    file = tmp_path / "keys.txt"
    anna, bert = add_key(file, "anna"), add_key(file, "bert")
    with start(keys_file=file, rate_limit=2) as server, server.client() as client:
        replies = [client.get("/classes", headers={"X-API-Key": anna}) for _ in range(3)]
        assert [reply.status_code for reply in replies] == [200, 200, 429]
        assert 0 < int(replies[2].headers["retry-after"]) <= 30
        assert replies[2].json()["error"].startswith("More than 2 requests a minute")
        assert client.get("/classes", headers={"X-API-Key": bert}).status_code == 200


def test_a_local_server_answers_to_local_names_only(start: Start) -> None:
    """A page that points its own name at this machine reads nothing (DNS rebinding)."""
    with start(local_names_only=True) as server, server.client() as client:
        for name in ("localhost", f"127.0.0.1:{server.port}", "[::1]:8000", "LOCALHOST:1"):
            assert client.get("/classes", headers={"Host": name}).status_code == 200
        response = client.get("/classes", headers={"Host": "evil.example"})
        assert response.status_code == 400
        assert response.json()["error"].startswith("This server listens on this machine only")


def test_without_keys_the_description_asks_for_none(client: httpx.Client) -> None:
    """A client that is made from it must not ask a person for what the server does not want."""
    document = client.get("/openapi.json").json()
    assert "security" not in document
    assert "securitySchemes" not in document["components"]


def test_security_headers_are_on_every_answer(client: httpx.Client) -> None:
    """Also on errors; the docs may load their scripts, nothing else may."""
    for path in ("/classes", "/nowhere"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "server" not in headers
    assert "x-request-id" in client.get("/docs").headers


def test_a_request_id_is_taken_over_where_it_is_harmless(client: httpx.Client) -> None:
    """A client's own id comes back; one with odd characters is replaced."""
    assert client.get("/", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert client.get("/", headers={"X-Request-ID": "a b<script>"}).headers["x-request-id"] != "a b<script>"
