"""Recurrent cells, attention, encoder and decoder: tensors in, tensors out."""

from keras_seq.layers.attention import AttentionMechanism
from keras_seq.layers.attention_cell import AttentionCell
from keras_seq.layers.bahdanau_attention import BahdanauAttention
from keras_seq.layers.bridge import Bridge
from keras_seq.layers.decoder import Decoder
from keras_seq.layers.encoder import Encoder
from keras_seq.layers.local_attention import LocalAttention
from keras_seq.layers.luong_attention import LuongAttention
from keras_seq.layers.monotonic_attention import MonotonicAttention
from keras_seq.layers.scaled_dot_attention import ScaledDotAttention
from keras_seq.layers.vanilla_rnn_cell import VanillaRNNCell

__all__ = [
    "AttentionCell",
    "AttentionMechanism",
    "BahdanauAttention",
    "Bridge",
    "Decoder",
    "Encoder",
    "LocalAttention",
    "LuongAttention",
    "MonotonicAttention",
    "ScaledDotAttention",
    "VanillaRNNCell",
]
