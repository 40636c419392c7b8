"""Memory that a process keeps for its next step, where it would ask the system for it anew."""

import os
import sys

# mallopt(3): nothing straight from the system, nothing handed back to it, one store for all
# threads. The other stores have blocks of 64 MB, and take from the system what does not fit.
_SETTINGS = {-4: 0, -1: -1, -8: 1}  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_ARENA_MAX


def keep_memory() -> bool:
    """Let this process keep the memory that it has once had, for its next step.

    JAX and PyTorch take memory for the large arrays of a step on the CPU, and free it at its end.
    On Linux the C library gives blocks of some size back to the system at once, which fills each of
    their pages (4 KiB) with zeros when it is asked for them again: a step of training then takes
    1.1 to 1.7 times as long (`benchmarks.kept_memory`). After this call nothing is given back
    before the process ends: it holds the most that it ever needed, up to 1.2 times what it would
    hold at most without. TensorFlow gains nothing.

    The commands of `keras-seq` do so by themselves with JAX and PyTorch. A script calls it before
    it imports Keras, since what threads that run already have taken is theirs.

    Returns:
        Whether it is done. It is not where the C library is none of GNU's (macOS, Windows, Alpine),
        nor where the environment sets how memory is taken, by a name that begins with `MALLOC_` or
        by `GLIBC_TUNABLES`: that is left as it is.

    Example:

    >>> import keras_seq as ks
    >>> done = ks.keep_memory()  # doctest: +SKIP
    """
    if sys.platform != "linux" or _is_set():
        return False
    import ctypes  # which most who import the package have no use for

    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    return set_option is not None and all(
        [set_option(name, value) == 1 for name, value in _SETTINGS.items()]
    )


def _is_set():
    """Whether the environment says how memory is taken."""
    tuned = os.environ.get("GLIBC_TUNABLES", "")
    return "glibc.malloc." in tuned or any(name.startswith("MALLOC_") for name in os.environ)
