"""Recurrent cells, attention, encoder and decoder: tensors in, tensors out."""

from keras_seq.layers.alibi import ALiBi
from keras_seq.layers.attention import AttentionMechanism
from keras_seq.layers.attention_cell import AttentionCell
from keras_seq.layers.attention_pooling import AttentionPooling
from keras_seq.layers.bahdanau_attention import BahdanauAttention
from keras_seq.layers.bidirectional import Bidirectional
from keras_seq.layers.bridge import Bridge
from keras_seq.layers.character_features import CharacterFeatures
from keras_seq.layers.convolutional_encoder import ConvolutionalEncoder
from keras_seq.layers.crf import CRF
from keras_seq.layers.crf_loss import CRFLoss
from keras_seq.layers.decoder import Decoder
from keras_seq.layers.encoder import Encoder
from keras_seq.layers.feed_forward_pooling import FeedForwardPooling
from keras_seq.layers.gru import GRU
from keras_seq.layers.identity_encoder import IdentityEncoder
from keras_seq.layers.last_pooling import LastPooling
from keras_seq.layers.learnt_positions import LearntPositions
from keras_seq.layers.local_attention import LocalAttention
from keras_seq.layers.lstm import LSTM
from keras_seq.layers.luong_attention import LuongAttention
from keras_seq.layers.max_pooling import MaxPooling
from keras_seq.layers.mean_pooling import MeanPooling
from keras_seq.layers.min_gru import MinGRU
from keras_seq.layers.min_gru_cell import MinGRUCell
from keras_seq.layers.min_lstm import MinLSTM
from keras_seq.layers.min_lstm_cell import MinLSTMCell
from keras_seq.layers.monotonic_attention import MonotonicAttention
from keras_seq.layers.pooling import Pooling
from keras_seq.layers.position_encoding import PositionEncoding
from keras_seq.layers.rnn_stack import RNNStack
from keras_seq.layers.rotary_positions import RotaryPositions
from keras_seq.layers.scaled_dot_attention import ScaledDotAttention
from keras_seq.layers.self_attention import SelfAttention
from keras_seq.layers.self_attention_encoder import SelfAttentionEncoder
from keras_seq.layers.sinusoidal_positions import SinusoidalPositions
from keras_seq.layers.time_skip_cell import TimeSkipCell
from keras_seq.layers.vanilla_rnn import VanillaRNN
from keras_seq.layers.vanilla_rnn_cell import VanillaRNNCell

__all__ = [
    "CRF",
    "GRU",
    "LSTM",
    "ALiBi",
    "AttentionCell",
    "AttentionMechanism",
    "AttentionPooling",
    "BahdanauAttention",
    "Bidirectional",
    "Bridge",
    "CRFLoss",
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
