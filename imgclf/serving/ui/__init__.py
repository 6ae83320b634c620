"""The page for people: Gradio in front of the same service that answers programs.

It keeps no state: what a person sees travels with each request, no image is written to the disk, and any worker process
can answer. Gradio is imported by the modules in here only, and only where a page was asked for.
"""

from importlib.util import find_spec

from imgclf.errors import MissingExtraError


def check_installed() -> None:
    """Say what to install where there is no Gradio.

    Raises:
        MissingExtraError: there is none.
    """
    if find_spec("gradio") is None:
        raise MissingExtraError("The page (--ui)", "ui")
