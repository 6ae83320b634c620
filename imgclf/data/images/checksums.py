"""The checksums of a PNG's pixel data, which Pillow does not compare."""

import zlib
from typing import IO

_SIGNATURE_BYTES = 8
_PIECE = 1 << 20


def has_sound_pixel_chunks(file: IO[bytes]) -> bool:
    """Say whether every IDAT chunk of a PNG fits its checksum; the file's position is kept.

    A flipped bit often still inflates to something, and a picture of noise would pass as an image
    (https://www.w3.org/TR/png-3/#5CRC-algorithm). A file that is cut short is left to the decoder.
    """
    position = file.tell()
    try:
        file.seek(_SIGNATURE_BYTES)
        while len(head := file.read(8)) == 8:
            length, name = int.from_bytes(head[:4], "big"), head[4:]
            if name == b"IDAT":
                if not _fits(file, length):
                    return False
            elif name == b"IEND":
                break
            else:
                file.seek(length + 4, 1)
        return True
    finally:
        file.seek(position)


def _fits(file: IO[bytes], length: int) -> bool:
    """Compare one IDAT chunk with the checksum behind it, in pieces: a chunk may claim two gigabytes."""
    checksum = zlib.crc32(b"IDAT")
    while length > 0:
        piece = file.read(min(length, _PIECE))
        if not piece:
            return True  # cut short
        checksum = zlib.crc32(piece, checksum)
        length -= len(piece)
    stored = file.read(4)
    return len(stored) < 4 or int.from_bytes(stored, "big") == checksum
