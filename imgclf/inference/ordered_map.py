"""Map a function over a stream in threads: results in input order, memory bounded."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    initializer: Callable[[], None] | None = None,
) -> Iterator[Result]:
    """Yield ``function(item)`` for each item, in order, computed by ``workers`` threads.

    At most two items a worker are in flight, whatever the length of the stream. What the function raises is
    raised here; a caller that stops early waits only for what is being computed at that moment.

    >>> list(ordered_map(abs, [-1, -2, 3], workers=2))
    [1, 2, 3]
    """
    pool = ThreadPoolExecutor(workers, "imgclf-predict", initializer)
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
