"""Names of files as a person can read them: which ones are images, and how an odd name is shown."""

import os
from pathlib import Path, PurePath

from imgclf.data.images.signatures import image_format

# Those after gif are not read, but the reader says what is wrong with each: nothing is lost silently.
_IMAGES = (
    "jpg jpeg jpe jfif png apng webp bmp dib tif tiff gif avif heic heif svg psd ico jp2 eps ppm pgm tga "
    "jxl j2k jpx jpf dcm dicom exr hdr fits fit nef cr2 cr3 arw dng raf orf rw2 nii svs npy"
)
IMAGE_EXTENSIONS = frozenset(_IMAGES.split())

# Met beside images so often that they are not worth opening to see whether they are images after all.
_OTHER = (
    "txt md csv tsv json jsonl xml yaml yml toml html htm pdf doc docx xls xlsx zip tar gz tgz bz2 xz 7z rar "
    "parquet npz pkl pt pth mat h5 hdf5 safetensors onnx py ipynb sh log db ini lnk url mp4 avi mov mkv mp3 wav"
)
OTHER_EXTENSIONS = frozenset(_OTHER.split())

SYSTEM_NAMES = frozenset(["thumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "@eadir", "lost+found"])


def is_hidden(name: str) -> bool:
    """Say whether a file or folder is none of the user's images: hidden, or left by an operating system."""
    return name.startswith(".") or name.lower() in SYSTEM_NAMES


def extension(name: str) -> str:
    """Return the lower-case extension without its dot, or an empty string."""
    stem, _, ending = name.rpartition(".")
    return ending.lower() if stem else ""


def looks_like_image(path: str) -> bool:
    """Say from the first bytes whether a regular file is an image; an unreadable file is not."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    return image_format(head) is not None


def display_name(path: str | PurePath) -> str:
    r"""Return a name that can be printed and written anywhere: bytes that are no UTF-8 and control characters escaped.

    >>> display_name("cats/caf\udce9\n.jpg")
    'cats/caf\\xe9\\n.jpg'
    """
    text = str(path)
    if text.isascii() and text.isprintable():  # Nearly always, and a hundred thousand times over.
        return text
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )
