"""Search over sequences: samplers know only `step(token_ids, state, memory)`."""

from typing import Any

from keras_seq._checks import resolve
from keras_seq._registry import SAMPLERS, load
from keras_seq.samplers.beam import Beam
from keras_seq.samplers.exhaustive import Exhaustive
from keras_seq.samplers.greedy import Greedy
from keras_seq.samplers.random import Random
from keras_seq.samplers.sampler import Sampler

load(SAMPLERS)


def get(identifier: "str | dict[str, Any] | Sampler") -> Sampler:
    """Return the sampler for a name in `SAMPLERS`, a config, or an instance."""
    return resolve(identifier, SAMPLERS, "sampler", Sampler)


__all__ = ["SAMPLERS", "Beam", "Exhaustive", "Greedy", "Random", "Sampler", "get"]
