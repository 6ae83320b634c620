"""Is a server there? Asked once, briefly, because a failing download is tried for the better part of a minute."""

import threading
import urllib.error
import urllib.request
from functools import cache

_SECONDS = 3.0


@cache
def is_reachable(address: str) -> bool:
    """Return whether the server answers within three seconds, whatever it answers.

    One HEAD request, which respects proxies, in a thread of its own: no timeout bounds the look-up of a name.

    Args:
        address: an http(s) URL; remembered for the rest of the program.
    """
    answered = threading.Event()
    thread = threading.Thread(target=_ask, args=(address, answered), daemon=True)
    thread.start()
    thread.join(_SECONDS + 0.5)
    return answered.is_set()


def _ask(address: str, answered: threading.Event) -> None:
    try:
        request = urllib.request.Request(address, method="HEAD")
        with urllib.request.urlopen(request, timeout=_SECONDS):
            answered.set()
    except urllib.error.HTTPError:
        answered.set()  # An error page is an answer.
    except (OSError, ValueError):
        return
