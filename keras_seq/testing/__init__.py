"""Hold a layer, cell, score, sampler, tokenizer or task of your own to the rules of the package.

Each function makes the part as a user would, feeds it small arrays, and raises an `AssertionError`
that says which rule is broken. They need no test runner:

    import keras_seq.testing

    def test_my_cell():
        keras_seq.testing.check_cell(lambda **k: MyCell(8, **k))
"""

from keras_seq.testing.attention import check_attention
from keras_seq.testing.cell import check_cell
from keras_seq.testing.layer import check_layer
from keras_seq.testing.sampler import check_sampler
from keras_seq.testing.task import check_task
from keras_seq.testing.tokenizer import check_tokenizer

__all__ = [
    "check_attention",
    "check_cell",
    "check_layer",
    "check_sampler",
    "check_task",
    "check_tokenizer",
]
