"""Options that a constructor hands on to another class."""

import inspect

import pytest

from keras_seq._options import described, hands_on, options
from keras_seq.samplers import Sampler

pytestmark = pytest.mark.once


class Part:
    """A part.

    Args:
        size: how large it is.
        colour: what it looks like,
            on two lines.
        shape: its form.
        smooth: whether it is.
    """

    def __init__(self, size, colour="red", shape=None, *, smooth=False):
        self.values = (size, colour, shape, smooth)


@hands_on("part_options", Part, without=("size",))
class Whole:
    """A whole.

    Args:
        width: of all.
        part_options: those of `Part`,
            each by its name.
        height: of all, too.

    Returns:
        Nothing.
    """

    def __init__(self, width, part_options=None, height=1, **kwargs):
        self.width, self.height, self.others = width, height, kwargs
        self.part = Part(width, **part_options)


def test_options_of_a_part_are_those_of_the_whole():
    assert str(inspect.signature(Whole)) == (
        "(width, colour='red', shape=None, height=1, *, smooth=False, **kwargs)"
    )
    assert list(options(Whole)) == ["width", "colour", "shape", "height", "smooth"]
    text = "what it looks like,\n        on two lines."
    assert described(Whole) == {
        "width": "of all.",
        **{"colour": text, "shape": "its form.", "smooth": "whether it is."},
        "height": "of all, too.",
    }
    assert Whole.__doc__.endswith("Returns:\n    Nothing.")


def test_each_goes_where_it_belongs():
    whole = Whole(2, "blue", height=3, smooth=True, name="mine")
    assert whole.part.values == (2, "blue", None, True)
    assert (whole.height, whole.others) == (3, {"name": "mine"})
    assert Whole(2, "blue", "round", 4).height == 4
    with pytest.raises(TypeError, match="'width'"):
        Whole()


def test_a_subclass_goes_on():
    class Larger(Whole):
        def __init__(self, *args, depth=5, **kwargs):
            super().__init__(*args, **kwargs)
            self.depth = depth

    assert Larger(1, "blue", depth=6).part.values == (1, "blue", None, False)
    assert list(options(Larger)) == ["depth", *options(Whole)]


def test_a_sampler_says_what_its_constructor_took():
    class Mine(Sampler):
        def __init__(self, strength=0.5, table=None, *, most=3):
            self.strength, self._table, self.most = strength, table, most

    class Narrower(Mine):
        def __init__(self, width, **kwargs):
            super().__init__(**kwargs)
            self.width = width

    assert Mine(0.7).get_config() == {"strength": 0.7, "most": 3}
    config = Narrower(2, most=4).get_config()
    assert config == {"width": 2, "strength": 0.5, "most": 4}
    assert Narrower.from_config(config).get_config() == config

    class Shuffled(Mine):
        def __init__(self, generator=None):
            super().__init__()
            self.generator = object() if generator is None else generator  # no plain value

    assert Shuffled().get_config() == {}
