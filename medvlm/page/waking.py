"""How the app's settings become a model: called once, in the thread that loads it."""

from collections.abc import Callable
from typing import cast

from medvlm.config import AppSettings
from medvlm.page.host import PageModel, Progress


def loader(settings: AppSettings) -> Callable[[Progress], PageModel]:
    """What a `Host` runs. The heavy libraries are imported there, after the page is up."""
    if settings.endpoint:
        return remote_loader(settings.endpoint, settings.base, settings.tuned or None)

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


def remote_loader(endpoint: str, base: str, tuned: str | None = None) -> Callable[[Progress], PageModel]:
    """What a `Host` runs where a server answers; `base` and `tuned` are what the server calls them.

    Loading is asking each for one word, so that a wrong address or name shows at the start. Nothing heavy is imported.
    """

    def load(progress: Progress) -> PageModel:
        from medvlm.endpoint import Patience
        from medvlm.remote import RemoteModel

        progress(f"Asking the server at {endpoint}", 0.1)
        # Somebody waits at the page: two tries, not the five of an evaluation that runs overnight.
        model = RemoteModel(endpoint, base, tuned, patience=Patience(tries=2))
        model.check()
        progress("Ready", 1.0)
        return cast(PageModel, model)

    return load
