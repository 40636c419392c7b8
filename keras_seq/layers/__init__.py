"""Recurrent cells, attention, encoder and decoder: tensors in, tensors out."""

from keras_seq._registry import ATTENTIONS, CELLS, POOLINGS, POSITION_ENCODINGS, load
from keras_seq.layers.attention_cell import AttentionCell
from keras_seq.layers.attentions.bahdanau import BahdanauAttention
from keras_seq.layers.attentions.local import LocalAttention
from keras_seq.layers.attentions.luong import LuongAttention
from keras_seq.layers.attentions.mechanism import AttentionMechanism
from keras_seq.layers.attentions.monotonic import MonotonicAttention
from keras_seq.layers.attentions.scaled_dot import ScaledDotAttention
from keras_seq.layers.bidirectional import Bidirectional
from keras_seq.layers.bridge import Bridge
from keras_seq.layers.cells import Cell
from keras_seq.layers.character_features import CharacterFeatures
from keras_seq.layers.convolutional_encoder import ConvolutionalEncoder
from keras_seq.layers.crf import CRF
from keras_seq.layers.crf_loss import CRFLoss
from keras_seq.layers.decoder import Decoder
from keras_seq.layers.encoder import Encoder
from keras_seq.layers.gru import GRU
from keras_seq.layers.identity_encoder import IdentityEncoder
from keras_seq.layers.lstm import LSTM
from keras_seq.layers.min_rnn import MinGRU, MinLSTM
from keras_seq.layers.pooling import (
    AttentionPooling,
    FeedForwardPooling,
    LastPooling,
    MaxPooling,
    MeanPooling,
    Pooling,
)
from keras_seq.layers.positions import (
    ALiBi,
    LearntPositions,
    PositionEncoding,
    RotaryPositions,
    SinusoidalPositions,
)
from keras_seq.layers.recurrences.minimal import MinGRUCell, MinLSTMCell
from keras_seq.layers.recurrences.vanilla import VanillaRNNCell
from keras_seq.layers.rnn_stack import RNNStack
from keras_seq.layers.self_attention import SelfAttention
from keras_seq.layers.self_attention_encoder import SelfAttentionEncoder
from keras_seq.layers.time_skip_cell import TimeSkipCell
from keras_seq.layers.vanilla_rnn import VanillaRNN

for _names in (ATTENTIONS, CELLS, POOLINGS, POSITION_ENCODINGS):
    load(_names)

__all__ = [
    "ATTENTIONS",
    "CELLS",
    "CRF",
    "GRU",
    "LSTM",
    "POOLINGS",
    "POSITION_ENCODINGS",
    "ALiBi",
    "AttentionCell",
    "AttentionMechanism",
    "AttentionPooling",
    "BahdanauAttention",
    "Bidirectional",
    "Bridge",
    "CRFLoss",
    "Cell",
    "CharacterFeatures",
    "ConvolutionalEncoder",
    "Decoder",
    "Encoder",
    "FeedForwardPooling",
    "IdentityEncoder",
    "LastPooling",
    "LearntPositions",
    "LocalAttention",
    "LuongAttention",
    "MaxPooling",
    "MeanPooling",
    "MinGRU",
    "MinGRUCell",
    "MinLSTM",
    "MinLSTMCell",
    "MonotonicAttention",
    "Pooling",
    "PositionEncoding",
    "RNNStack",
    "RotaryPositions",
    "ScaledDotAttention",
    "SelfAttention",
    "SelfAttentionEncoder",
    "SinusoidalPositions",
    "TimeSkipCell",
    "VanillaRNN",
    "VanillaRNNCell",
]
