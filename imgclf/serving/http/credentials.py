"""API keys: made at random, kept as hashes, compared in constant time.

A key file has one ``NAME HASH`` a line; ``#`` begins a comment. A key that ``imgclf serve --new-key`` made has 256
random bits, so SHA-256 keeps it safe; a password that a person chose is stretched with scrypt (RFC 7914).
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from imgclf.errors import UsageError

_PREFIX = "imgclf_"
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_SCRYPT = {"n": 1 << 14, "r": 8, "p": 1}
_REMEMBERED = 256


@dataclass(frozen=True)
class StoredKey:
    """One line of a key file: a name and the hash of its secret."""

    name: str
    hash: str

    @property
    def is_password(self) -> bool:
        """Whether a person chose it."""
        return self.hash.startswith("scrypt$")

    def matches(self, secret: bytes) -> bool:
        """Say whether this is the secret, in a time that does not depend on where it differs."""
        kind, _, rest = self.hash.partition("$")
        if kind == "sha256":
            return hmac.compare_digest(hashlib.sha256(secret).hexdigest(), rest)
        salt, _, expected = rest.partition("$")
        return hmac.compare_digest(_scrypt(secret, base64.b64decode(salt)), expected)


@final
class KeyRing:
    """All keys that a server takes.

    Args:
        keys: in any order.
    """

    def __init__(self, keys: tuple[StoredKey, ...]) -> None:
        self.keys = keys
        self._proofs: dict[bytes, str] = {}
        self._pepper = secrets.token_bytes(32)
        # Compared where the name is unknown, so that the time does not tell which names are known.
        has_passwords = any(key.is_password for key in keys)
        self._decoy = StoredKey("", hash_password(secrets.token_hex())) if has_passwords else None

    def __bool__(self) -> bool:
        return bool(self.keys)

    def quick_owner(self, secret: bytes, name: bytes | None = None) -> str | None:
        """Return the owner of a random key, or of a password that was right before; takes microseconds.

        Args:
            secret: as it was sent; any bytes.
            name: the user name of HTTP Basic; None takes a key alone.
        """
        found = self._proofs.get(self._proof(secret, name))
        for key in self.keys:  # all of them: stopping early would tell how many were tried
            asked = name is None or hmac.compare_digest(key.name.encode(), name)
            if asked and not key.is_password and key.matches(secret):
                found = key.name
        return found

    def password_owner(self, secret: bytes, name: bytes | None = None) -> str | None:
        """Return whose password it is; takes 50 ms where there are passwords, which is meant for thieves."""
        if self._decoy is None or name is None:
            return None
        asked = [key for key in self.keys if key.is_password and key.name.encode() == name]
        matched = [key for key in asked or [self._decoy] if key.matches(secret)]
        if not asked or not matched:
            return None
        if len(self._proofs) < _REMEMBERED:
            self._proofs[self._proof(secret, name)] = matched[0].name
        return matched[0].name

    def _proof(self, secret: bytes, name: bytes | None) -> bytes:
        return hmac.digest(self._pepper, (name or b"") + b"\0" + secret, "sha256")


def load_keys(file: Path | None, environment: Mapping[str, str] = os.environ) -> KeyRing:
    """Read the keys of a file and of the environment.

    The environment may have ``IMGCLF_API_KEY`` (one key; its name is ``default``), and ``IMGCLF_USERNAME`` with
    ``IMGCLF_PASSWORD`` for HTTP Basic (without a name: ``admin``). What is read from it is hashed at once.

    Raises:
        UsageError: the file cannot be read, one of its lines is no key, or a user name has no password.
    """
    keys = [*_from_file(file)] if file else []
    if key := environment.get("IMGCLF_API_KEY"):
        keys.append(StoredKey("default", _sha256(key.encode())))
    if environment.get("IMGCLF_USERNAME") and not environment.get("IMGCLF_PASSWORD"):
        raise UsageError(
            "IMGCLF_USERNAME is set, and IMGCLF_PASSWORD is not: set both for HTTP Basic, or neither."
        )
    if password := environment.get("IMGCLF_PASSWORD"):
        keys.append(StoredKey(environment.get("IMGCLF_USERNAME", "admin"), hash_password(password)))
    names = [key.name for key in keys]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"Two API keys have the name '{repeated}'. Give each its own.")
    return KeyRing(tuple(keys))


def add_key(file: Path, name: str) -> str:
    """Make a random key, add its hash to the file, and return the key: it is written down nowhere else.

    Raises:
        UsageError: the name is taken or cannot be written, or the file cannot be.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot be the name of a key. Use up to 64 letters, digits and . _ @ - without spaces."
        )
    if file.exists() and any(key.name == name for key in _from_file(file)):
        raise UsageError(f"{file}: there is a key named '{name}' already. Remove its line to replace it.")
    key = _PREFIX + secrets.token_urlsafe(32)
    try:
        with os.fdopen(
            os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8"
        ) as out:
            out.write(f"{name} {_sha256(key.encode())}\n")
    except OSError as error:
        raise UsageError(f"{file}: the key cannot be written there ({error.strerror}).") from None
    return key


def hash_password(password: str) -> str:
    """Return what a key file keeps of a password that a person chose."""
    salt = secrets.token_bytes(16)
    return f"scrypt${base64.b64encode(salt).decode()}${_scrypt(password.encode(), salt)}"


def _from_file(file: Path) -> Iterator[StoredKey]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise UsageError(
            f"{file}: not a readable file of API keys ({reason}). "
            f"Make one with: imgclf serve --api-key-file {file} --new-key NAME"
        ) from None
    for number, line in enumerate(lines, start=1):
        words = line.split("#", 1)[0].split()
        if words:
            yield _stored_key(words, f"{file}, line {number}")


def _stored_key(words: list[str], place: str) -> StoredKey:
    if len(words) == 2 and _NAME.fullmatch(words[0]) and _is_hash(words[1]):
        return StoredKey(words[0], words[1])
    raise UsageError(
        f"{place}: not a key. A line is NAME HASH, as written by: imgclf serve --api-key-file FILE --new-key NAME"
    )


def _is_hash(text: str) -> bool:
    return (
        re.fullmatch(r"sha256\$[0-9a-f]{64}|scrypt\$[A-Za-z0-9+/]{16,}={0,2}\$[0-9a-f]{64}", text) is not None
    )


def _sha256(secret: bytes) -> str:
    return "sha256$" + hashlib.sha256(secret).hexdigest()


def _scrypt(secret: bytes, salt: bytes) -> str:
    return hashlib.scrypt(secret, salt=salt, dklen=32, maxmem=64 << 20, **_SCRYPT).hex()
