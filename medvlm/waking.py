"""How the app's settings become a model in memory: called once, in the thread that loads it."""

from collections.abc import Callable
from typing import cast

from medvlm.config import AppSettings
from medvlm.host import PageModel, Progress


def loader(settings: AppSettings) -> Callable[[Progress], PageModel]:
    """What a `Host` runs. The heavy libraries are imported there, after the page is up."""

    def load(progress: Progress) -> PageModel:
        from medvlm.model import LocalModel

        model = LocalModel.load(
            settings.base,
            None if settings.adapter == "none" else settings.adapter,
            device=settings.device,
            quantization=settings.quantization,
            compute_dtype=settings.compute_dtype,
            unpack=settings.unpack,
            progress=progress,
            queue_size=settings.queue_size,
        )
        return cast(PageModel, model)

    return load
