"""Work in a thread of its own, so that no thread that lives on keeps processors from the next answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Made = TypeVar("Made")


def aside(work: Callable[[], Made]) -> Made:
    """What `work` gives or raises, done in a thread that ends with it.

    OpenMP keeps helpers for each thread that computed, as long as that thread lives. Once there are more of them than
    cores, they sleep between two products instead of waiting awake, and each small product wakes them: on two cores a
    step of two rows of nano took 96 ms beside a main thread that had loaded the model, and 67 ms beside one that had
    not.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="aside") as pool:
        return pool.submit(work).result()
