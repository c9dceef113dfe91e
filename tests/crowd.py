"""Many who do something at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def at_once(count: int, work: Callable[[int], object]) -> None:
    """`work(0)`, `work(1)` and so on in threads that begin together; what goes wrong in one of them is raised."""
    start = threading.Barrier(count)

    def begin(number: int) -> None:
        start.wait()
        work(number)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(begin, range(count)))
