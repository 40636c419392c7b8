"""The weights of PyTorch's recurrent layers, taken and given."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_seq.layers.cells import output_size
from keras_seq.layers.recurrences import equations_of

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # in PyTorch's order
DIRECTIONS = ("", "_reverse")
SHOWN = 8  # names in a message
OPTIONS = ("activation", "recurrent_activation", "reset_after", "readout_units")
OPTIONS += ("learn_initial_state", "units", "use_bias")


class TorchWeights:
    """A mixin of layers whose weights may be those of a `torch.nn.LSTM`, `GRU` or `RNN`.

    Whether PyTorch has a kind of cell, and with its gates in what order, its `Recurrence` says.
    """

    built: Any

    def _layers_of_cells(self):
        """For each layer its cells, forward first."""
        raise NotImplementedError(f"{type(self).__name__} must define _layers_of_cells().")

    def set_torch_weights(self, state_dict: Mapping[str, Any], prefix: str = "") -> None:
        """Take the weights of a `torch.nn.LSTM`, `GRU` or `RNN`.

            kernel = weight_ih^T
            recurrent_kernel = weight_hh^T
            bias = bias_ih + bias_hh

        with the gates in our order; the biases of a GRU stay two rows. With them the layer computes
        what PyTorch's does: outputs, final states, gradients. A mask does what a packed sequence
        does there. PyTorch's `num_layers` and `bidirectional` are those of `RNNStack`; one layer
        that reads from both sides is a `Bidirectional` too. A layer that is not built is built for
        the inputs of these weights. Arrays do without PyTorch.

        Args:
            state_dict: from PyTorch's names (`"weight_ih_l0"`, `"bias_hh_l0_reverse"`, ...) to
                tensors of PyTorch, of any dtype and on any device, or arrays: the `state_dict()`
                of a layer, or of a model that has one.
            prefix: what stands before the names of the layer, such as `"encoder.rnn."`; what does
                not begin with it is not looked at.

        Raises:
            ValueError: for a layer that PyTorch does not have, such as one with a readout, another
                activation or `layer_norm`; for names that are missing or too many, such as those of
                more layers or of `proj_size`; for other shapes, and anything but floating-point
                numbers. The layer is then as it was.
        """
        self._check_torch()
        values = _behind(prefix, state_dict)
        if self.built:
            features = self._layers_of_cells()[0][0].kernel.shape[0]
        else:
            *_, features = (None, *np.shape(values.get("weight_ih_l0", 0)))
        places = self._torch_places(features)
        shapes = {name: shape for _, own in places for name, shape in own.items()}
        _check_names(values, shapes, prefix, state_dict)
        arrays = {name: _checked(values[name], shapes[name], prefix + name) for name in shapes}
        if not self.built and getattr(self, "stateful", False):
            raise ValueError(
                "A layer with `stateful=True` must be built, for a number of rows that is known, "
                "before it takes weights; received one that is not built."
            )
        if not self.built:
            self.build((None, None, features))
        for cell, names in places:
            kind = equations_of(cell)
            kernel, recurrent, *biases = (
                _reordered(arrays[name].T, kind.torch_columns, kind.columns) for name in names
            )
            cell.kernel.assign(kernel)
            cell.recurrent_kernel.assign(recurrent)
            if biases:
                cell.bias.assign(np.stack(biases) if kind.bias_rows == 2 else sum(biases))

    def torch_weights(self, prefix: str = "") -> dict[str, np.ndarray]:
        """Return the weights as a `torch.nn.LSTM`, `GRU` or `RNN` of the same sizes has them.

        It takes them by `load_state_dict({name: torch.tensor(x) for name, x in
        layer.torch_weights().items()})`. Where PyTorch has two biases and this layer their sum,
        `bias_hh` is 0.

        Args:
            prefix: what to put before the names.

        Returns:
            A dict from PyTorch's names, in its order, to arrays, which are copies.

        Raises:
            ValueError: for a layer that PyTorch does not have, and for one that is not built.
        """
        self._check_torch()
        if not self.built:
            raise ValueError(
                "`torch_weights` needs a layer that is built, by a first call or by `build`; "
                f"received a {type(self).__name__} that is not."
            )
        found = {}
        for cell, names in self._torch_places():
            kind = equations_of(cell)
            arrays = [_as_numpy(cell.kernel), _as_numpy(cell.recurrent_kernel)]
            if cell.use_bias:
                bias = _as_numpy(cell.bias)
                arrays += list(bias) if kind.bias_rows == 2 else [bias, np.zeros_like(bias)]
            for name, values in zip(names, arrays, strict=True):
                values = _reordered(values, kind.columns, kind.torch_columns).T
                found[prefix + name] = np.array(values, order="C")
        return found

    def _check_torch(self):
        """Raise a `ValueError` unless PyTorch has a layer that computes the same."""
        cells = [cell for directions in self._layers_of_cells() for cell in directions]
        shown = [f"{type(cell).__name__}({_options(cell)})" for cell in cells]
        for cell, text in zip(cells, shown, strict=True):
            kind = equations_of(cell)
            if kind is None or not kind.in_torch(cell):
                raise ValueError(
                    "PyTorch has layers of the LSTM, of the GRU with `reset_after=True` and of the "
                    'vanilla RNN with "tanh" or "relu", each with its usual activations, without a '
                    f"readout and without a learnt first state; received {text}."
                )
        if len(set(shown)) > 1:
            raise ValueError(
                "PyTorch's layers read from both sides by cells of one kind and size; received "
                f"{' and '.join(shown)}."
            )

    def _torch_places(self, features=None):
        """For each cell a pair of it and of its weights in PyTorch: a dict from names to shapes."""
        places = []
        for i, directions in enumerate(self._layers_of_cells()):
            for direction, cell in zip(DIRECTIONS, directions, strict=False):
                units = output_size(cell)
                rows = units * max(1, len(equations_of(cell).columns))
                shapes = [(rows, features), (rows, units), (rows,), (rows,)]
                names = [f"{name}_l{i}{direction}" for name in NAMES]
                count = 4 if cell.use_bias else 2
                places.append((cell, dict(zip(names[:count], shapes, strict=False))))
            features = sum(map(output_size, directions))
        return places


def _behind(prefix, state_dict):
    """The entries whose names begin with the prefix, named without it."""
    if not isinstance(prefix, str):
        raise ValueError(f'`prefix` must be a string, such as "encoder.rnn."; received {prefix!r}.')
    if not isinstance(state_dict, Mapping):
        raise ValueError(
            "`state_dict` must be a dict from names to weights, such as "
            f"`torch.nn.LSTM(8, 16).state_dict()`; received a {type(state_dict).__name__}."
        )
    return {
        name[len(prefix) :]: value
        for name, value in state_dict.items()
        if isinstance(name, str) and name.startswith(prefix)
    }


def _check_names(values, shapes, prefix, state_dict):
    """Raise a `ValueError` unless the names are those of the layer."""
    missing = [name for name in shapes if name not in values]
    strange = [name for name in values if name not in shapes]
    if not missing and not strange:
        return
    where = f" behind the prefix {prefix!r}" if prefix else ""
    received = [f"none of {_listed(missing)}"] if missing else []
    received += [f"{_listed(strange)} besides"] if strange else []
    message = (
        f"`state_dict` must have{where} the names {_listed(shapes)}, and no others; received "
        f"{', and '.join(received)}."
    )
    first = "weight_ih_l0"
    others = [str(name).removesuffix(first) for name in state_dict if str(name).endswith(first)]
    if "weight_hr_l0" in strange:
        message += " A projection (`proj_size`) is none of this layer."
    elif others and first in missing:
        message += f" There is a {first} behind `prefix=` {' or '.join(map(repr, others[:SHOWN]))}."
    raise ValueError(message)


def _checked(value, shape, name):
    """A weight as an array, if it is one of floating-point numbers and of this shape."""
    try:
        if hasattr(value, "detach"):  # of PyTorch: in a graph, on a device, perhaps bfloat16
            value = value.detach().cpu()
            value = value.double() if value.is_floating_point() else value
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"`{name}` must hold numbers; received what has none: {reason}") from error
    if not array.dtype.name.startswith(("float", "bfloat")):
        raise ValueError(f"`{name}` must hold floating-point numbers; received {array.dtype.name}.")
    if array.shape != shape:
        raise ValueError(f"`{name}` must have the shape {shape}; received {array.shape}.")
    return array


def _as_numpy(variable):
    """The values of a variable in a dtype that every library knows."""
    values = ops.convert_to_numpy(variable)
    return values.astype("float32") if values.dtype.name == "bfloat16" else values


def _reordered(values, columns, order):
    """`values`, whose last axis has blocks named `columns`, with the blocks in another order."""
    if not columns:  # a single one
        return values
    blocks = dict(zip(columns, np.split(values, len(columns), axis=-1), strict=True))
    return np.concatenate([blocks[name] for name in order], axis=-1)


def _options(cell):
    """What decides whether PyTorch has a cell, for messages."""
    values = {name: getattr(cell, name) for name in OPTIONS if hasattr(cell, name)}
    return ", ".join(
        f"{name}={keras.activations.serialize(value) if callable(value) else value!r}"
        for name, value in values.items()
    )


def _listed(names):
    """Names in a sentence, the first few of many."""
    names = list(names)
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
