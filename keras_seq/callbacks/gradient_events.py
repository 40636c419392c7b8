"""Vanishing, exploding and non-finite gradients: their thresholds and their messages."""

import numpy as np

HELD = 20  # steps in a row before a gradient is said to vanish
KINDS = ("vanishing", "exploding", "not finite")
CURES = {
    "vanishing": "What shortens its way or keeps it alive: gates (LSTM, GRU, a larger forget "
    "bias), orthogonal or identity initialisation, skip connections, attention.",
    "exploding": "What holds it: `clipnorm`, `global_clipnorm` or `clipvalue` of the optimizer, a "
    "lower learning rate, recurrent weights with a smaller spectral radius, gates.",
    "not finite": "Look at the loss (a logarithm of 0, a division by 0), at the inputs, and at "
    "whether it exploded just before; clip it, or lower the learning rate.",
}


class GradientEvents:
    """Reads the norms of the layers, step by step.

    - `vanishing`: for 20 steps in a row the norm of a layer is below `vanishing` times that of
      the layer with the largest. Steps in which the layer gets no gradient at all, exactly 0 (all
      its sample weights are 0, or it has no part in the loss), count neither way.
    - `exploding`: the norm of all gradients together is above `exploding`, in one step.
    - `not finite`: it is inf or NaN, in one step; where the loss is scaled, and such a step is
      skipped on purpose, in 20 steps in a row.

    Args:
        layers: the names of the layers.
        vanishing, exploding: the thresholds.
        skips: whether the optimiser skips what is not finite.
    """

    def __init__(self, layers, vanishing, exploding, skips):
        self.layers = layers
        self.vanishing = vanishing
        self.exploding = exploding
        self.skips = skips
        self._small = np.zeros(len(layers), int)  # steps in a row, for each layer
        self._not_finite = 0

    def read(self, norms):
        """`(kind, layer, norm)` of all there is to tell of a step with `norms`, `(layers,)`."""
        total = float(np.sqrt(np.sum(norms**2)))
        if not np.isfinite(total):
            self._not_finite += 1
            if not self.skips or self._not_finite >= HELD:
                # Gradients flow from the end to the beginning: there they began to be so.
                last = np.flatnonzero(~np.isfinite(norms))[-1]
                yield "not finite", self.layers[last], total
            return
        self._not_finite = 0
        if total > self.exploding:
            yield "exploding", self.layers[int(norms.argmax())], total
        small = norms < self.vanishing * norms.max()
        self._small = np.where(norms == 0, self._small, np.where(small, self._small + 1, 0))
        for i in np.flatnonzero((norms > 0) & (self._small >= HELD)):
            yield "vanishing", self.layers[i], float(norms[i])


def in_words(event, exploding):
    """An event as a sentence or two, with what can be done."""
    place = f"at step {event['step']} (epoch {event['epoch']})"
    layer, norm = event["layer"], event["norm"]
    if event["kind"] == "vanishing":
        text = (
            f"The gradient of layer {layer!r} vanishes: its norm is {norm:.3g} {place}, and has "
            f"been next to nothing beside the largest layer's for {HELD} steps."
        )
    elif event["kind"] == "exploding":
        text = (
            f"The gradient explodes: its norm is {norm:.3g} {place}, above {exploding:g}, most of "
            f"it in layer {layer!r}."
        )
    else:
        text = f"The gradient is not finite {place}: its norm is {norm}, from layer {layer!r} on."
    return f"{text} {CURES[event['kind']]}"
