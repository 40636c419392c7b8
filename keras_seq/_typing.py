"""Types that many signatures share."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, TypeVar
from typing import Unpack as Unpack  # for `**kwargs: Unpack[Options]`

Kind = TypeVar("Kind")

Tensor: TypeAlias = Any  # of the backend that runs, or what it makes one of
Mask: TypeAlias = Tensor | None
Tensors: TypeAlias = list[Tensor]
Nest: TypeAlias = Any  # lists, tuples and dicts of tensors, as `keras.tree` knows them
Shape: TypeAlias = tuple[int | None, ...]
Config: TypeAlias = dict[str, Any]  # what `get_config` returns
PathLike: TypeAlias = str | os.PathLike[str]
Chosen: TypeAlias = str | Config | Kind  # a name, a config, or an instance
Function: TypeAlias = Chosen[Callable[..., Any]] | None  # an activation, initialiser, ...

if TYPE_CHECKING:
    from keras import DTypePolicy
    from keras.layers import Layer
    from keras.random import SeedGenerator
    from matplotlib.figure import Figure

    AnyCell: TypeAlias = Chosen[Layer]
    DType: TypeAlias = Chosen[DTypePolicy] | None
    Seed: TypeAlias = int | SeedGenerator | None
else:  # Matplotlib is for those who draw, and data sets do without Keras
    AnyCell = DType = Seed = Figure = Any


class Options(TypedDict, total=False):
    """What every layer of Keras takes."""

    name: str | None
    dtype: DType
    trainable: bool
    autocast: bool
    activity_regularizer: Function


class RecurrentOptions(Options, total=False):
    """What an LSTM and a GRU take besides their size: the options of Keras, and ours."""

    activation: Function
    recurrent_activation: Function
    use_bias: bool
    kernel_initializer: Function
    recurrent_initializer: Function
    bias_initializer: Function
    kernel_regularizer: Function
    recurrent_regularizer: Function
    bias_regularizer: Function
    kernel_constraint: Function
    recurrent_constraint: Function
    bias_constraint: Function
    dropout: float
    recurrent_dropout: float
    seed: Seed
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool
    use_cudnn: bool | str
    weight_dropout: float
    truncate: int | None
    recompute: int | None
