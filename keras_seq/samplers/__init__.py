"""Search over sequences: samplers know only `step(token_ids, state, memory)`."""

from keras_seq.identifiers import resolve
from keras_seq.samplers.beam import Beam
from keras_seq.samplers.greedy import Greedy
from keras_seq.samplers.sampler import Sampler

SAMPLERS = {"greedy": Greedy, "beam": Beam}


def get(identifier):
    """Return the sampler for `"greedy"`, `"beam"`, a config, or an instance."""
    return resolve(identifier, SAMPLERS, "sampler", Sampler)


__all__ = ["SAMPLERS", "Beam", "Greedy", "Sampler", "get"]
