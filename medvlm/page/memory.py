"""How much memory this machine can still give."""


def free_memory() -> int:
    """Bytes that can be had without swapping."""
    import psutil  # type: ignore[import-untyped]

    return int(psutil.virtual_memory().available)
