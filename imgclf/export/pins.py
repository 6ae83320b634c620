"""Pin what an exported folder installs to the versions that are installed here, dependencies included."""

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from itertools import islice

from packaging.requirements import Requirement


def pinned(names: Iterable[str], *, dependencies: bool = True) -> str:
    """Return the text of a requirements file: these packages, each with ``==``.

    Args:
        names: what to install; one that is not installed here is named without a version.
        dependencies: pin all that they need too.
    """
    found: dict[str, str] = {}
    for name in names:
        for key, line in islice(_closure(name, ()), None if dependencies else 1):
            found.setdefault(key, line)
    return "".join(f"{found[key]}\n" for key in sorted(found))


def _closure(name: str, seen: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        if not seen:  # What it needs on other machines (CUDA, say) is for pip to find out there.
            yield key, key
        return
    yield (
        key,
        f"{key}=={installed.version.split('+')[0]}",
    )  # no local label such as 2.10.0+cpu: no index has it
    for text in installed.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield from _closure(requirement.name, (*seen, key))
