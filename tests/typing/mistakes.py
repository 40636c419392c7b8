"""Mistakes that a type checker finds; nobody runs it.

A line without one is an error of its own: `reportUnnecessaryTypeIgnoreComment`.
"""

import numpy as np

import keras_seq as ks

ks.layers.LSTM(4, return_sequence=True)  # pyright: ignore[reportCallIssue]
ks.layers.LSTM(4, reset_after=True)  # pyright: ignore[reportCallIssue]
ks.layers.GRU(4, forget_bias=1.0)  # pyright: ignore[reportCallIssue]
ks.layers.GRU("4")  # pyright: ignore[reportArgumentType]
ks.layers.MinGRU(4, return_sequences="yes")  # pyright: ignore[reportArgumentType]
ks.layers.RNNStack("lstm", unit=4)  # pyright: ignore[reportCallIssue]
ks.layers.RNNStack(np.tanh)  # pyright: ignore[reportArgumentType]
ks.layers.Encoder(vocabulary_size=20)  # pyright: ignore[reportCallIssue]
ks.layers.Decoder(20, attention=1)  # pyright: ignore[reportArgumentType]
ks.layers.Decoder(20, order=1)  # pyright: ignore[reportArgumentType]
ks.layers.BahdanauAttention(4, kernel="zeros")  # pyright: ignore[reportCallIssue]
ks.layers.SelfAttention(4, positions=True)  # pyright: ignore[reportArgumentType]
ks.layers.CRFLoss("crf")  # pyright: ignore[reportArgumentType]
ks.layers.Bridge([4])  # pyright: ignore[reportArgumentType]
ks.initializers.Chrono(30.5)  # pyright: ignore[reportArgumentType]
ks.samplers.Beam("5")  # pyright: ignore[reportArgumentType]
