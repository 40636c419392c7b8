"""Random texts, labels and options through the public calls of the four tasks.

Whatever goes in, there comes an answer (one for each text) or a ValueError or TypeError that this
package raises itself; afterwards the model still works, and after an error it is as it was. Twelve
seconds are spent on it, or as many as `--fuzz-seconds` says, then with other examples each time.
"""

import contextlib
import dataclasses
import pathlib
import time
import traceback
import warnings

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import keras_seq as ks

PACKAGE = pathlib.Path(ks.__file__).parent
WORDS = ["Anna", "met", "Bo", "in", "Rome", "a", "fine", "dull", "film"]
KNOWN = [" ".join(WORDS[:5]), "a fine film", "a dull film", "Bo", "met Anna"]
AWKWARD = ["", " ", "\n", "\t \r\n", "\0", "a\0b", "\ufeffa", "\u200b", "\ud800", "é", "e\u0301"]
AWKWARD += ["👩‍👩‍👧", "İstanbul", "ﬁne", "א ב", "a\u2028b", "<s>", "[UNK]", "</s>", "\U0010ffff"]
ODD = [None, 0, 1, -1, 3.5, True, float("nan"), b"a", b"\xff", ["a"], [], (), {}, {"a": 1}]
ODD += [np.str_("a"), np.int64(1), np.zeros(2), object, {1}, range(2), 10**30, 1j]

characters = st.characters(exclude_categories=())  # surrogates too
long_texts = st.builds(
    lambda text, times: (text * times)[:5_000],
    st.text(characters, min_size=1, max_size=20),
    st.sampled_from([40, 400, 5_000]),
)
texts = st.one_of(
    st.sampled_from(KNOWN),
    st.sampled_from(AWKWARD),
    st.lists(st.sampled_from([*WORDS, *AWKWARD]), max_size=8).map(" ".join),
    st.text(characters, max_size=20),
    long_texts,
)
odd = st.sampled_from(range(len(ODD))).map(ODD.__getitem__)  # they are not all hashable
FLAGS = st.sampled_from([False, True])


class Series:
    """What holds a column of a table: an array, an order, no list."""

    def __init__(self, items):
        self.items = np.empty(len(items), object)
        for i, item in enumerate(items):
            self.items[i] = item

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(self.items)

    def to_numpy(self):
        return self.items


FORMS = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "objects": lambda items: Series(items).items,
    "series": Series,
    "generator": iter,
    "dict": lambda items: dict(enumerate(items)),
}


@dataclasses.dataclass
class Many:
    """Items in one of several forms; made anew for each call, since some are read only once."""

    items: list
    form: str = "list"

    def make(self):
        try:
            with warnings.catch_warnings(action="ignore"):
                return FORMS[self.form](self.items)
        except (ValueError, TypeError, OverflowError):  # no such array
            return list(self.items)

    @property
    def plain(self):
        """Whether this is a list of texts that any call must answer."""
        if self.form not in ("list", "tuple", "objects"):
            return False
        return all(isinstance(x, str) and x.isprintable() for x in self.items)


def many(items, least=0, most=4, forms=tuple(FORMS)):
    """Mostly lists of `items`, now and then with something odd among them, or in another form."""
    mixed = st.one_of(items, items, items, odd)
    lists = st.lists(items, min_size=least, max_size=most)
    lists = st.one_of(lists, lists, st.lists(mixed, min_size=least, max_size=most))
    return st.builds(Many, lists, st.one_of(st.just("list"), st.sampled_from(forms)))


inputs = st.one_of(many(texts), many(texts), texts, odd)


@st.composite
def pairs(draw, others):
    """Texts and as many of something else, or now and then not as many."""
    x = draw(st.one_of(many(texts, 1), many(texts, 1), inputs))
    count = len(x.items) if isinstance(x, Many) else 1
    if draw(st.integers(0, 9)) == 0:
        count = draw(st.integers(0, 3))
    y = draw(st.one_of(many(others, count, count), many(others, count, count), odd))
    return x, y


def options(**chosen):
    """Some of the options, each with one of its strategies' values."""
    return st.fixed_dictionaries({}, optional=chosen)


sizes = st.one_of(st.integers(1, 5), st.sampled_from([0, -1, 2.5, None, "2", True]))
weights = st.one_of(
    st.lists(st.floats(0, 3, width=32), max_size=4),
    st.lists(st.sampled_from([0.0, 1.0, -1.0, float("nan"), "a", None]), max_size=4),
    st.just(np.ones((2, 2))),
)
TRAINING = {
    "batch_size": sizes,
    "sample_weight": weights,
}
FITTING = {
    **TRAINING,
    "validation_split": st.sampled_from([0.0, 0.3, 0.9, 1.0, -1]),
    "shuffle": FLAGS,
    "epochs": st.sampled_from([1, 2]),
}


def call(name, arguments, keywords):
    return st.tuples(st.just(name), arguments, keywords)


def one(strategy):
    return st.tuples(strategy)


def training(others, **more):
    """Calls that train or evaluate."""
    fit = options(**FITTING, **more)
    return st.one_of(
        call("fit", pairs(others), fit),
        call("evaluate", pairs(others), options(**TRAINING)),
        call("train_on_batch", pairs(others), options(sample_weight=weights)),
        call("test_on_batch", pairs(others), options(sample_weight=weights)),
    )


labels = st.one_of(
    st.sampled_from(["good", "bad"]), st.sampled_from(["", "ugly", 0, 1, 2, -1, True, np.int64(1)])
)
tag_lists = st.one_of(
    st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC"]), max_size=5),
    st.lists(st.sampled_from(["O", "B-PER", "I-PER", "X", ""]), max_size=5).map(" ".join),
)
word_lists = st.lists(
    st.one_of(st.sampled_from(WORDS), st.text(characters, max_size=4)), max_size=5
)
lengths = st.one_of(st.integers(1, 9), st.sampled_from([0, -1, None, 2.5, "3"]))
sampler = st.one_of(
    st.sampled_from(["greedy", "beam", "random", "nonsense", None, 3]),
    st.just(ks.samplers.Beam(2, n_best=2)),
    st.just(ks.samplers.Random(temperature=0.5, seed=1)),
)
WRITING = {
    "sampler": sampler,
    "max_length": lengths,
    "batch_size": sizes,
    "return_scores": FLAGS,
    "return_trace": FLAGS,
}

CALLS = {
    "classifier": st.one_of(
        call(
            "classify",
            one(inputs),
            options(
                return_probabilities=FLAGS,
                return_attention=FLAGS,
                threshold=st.sampled_from([0.5, 0, 2, "a"]),
                batch_size=sizes,
            ),
        ),
        call("predict", one(inputs), options(batch_size=sizes)),
        call("attention", one(inputs), options(batch_size=sizes)),
        training(
            labels,
            class_weight=st.sampled_from(["balanced", {"good": 2.0}, {"ugly": 1.0}, {0: -1.0}, 3]),
        ),
    ),
    "tagger": st.one_of(
        call(
            "tag",
            one(st.one_of(inputs, many(word_lists))),
            options(return_probabilities=FLAGS, return_spans=FLAGS, batch_size=sizes),
        ),
        call("predict", one(inputs), options(batch_size=sizes)),
        training(tag_lists),
    ),
    "translator": st.one_of(
        call(
            "generate",
            one(inputs),
            options(**WRITING, return_attention=FLAGS, replace_unknown=FLAGS),
        ),
        call("predict", one(inputs), options(batch_size=sizes)),
        call("attention", pairs(texts), options(batch_size=sizes)),
        training(texts),
    ),
    "language model": st.one_of(
        call("generate", one(inputs), options(**WRITING, strip_prompt=FLAGS)),
        call("score", one(inputs), options(batch_size=sizes, return_tokens=FLAGS)),
        call("fit", one(inputs), options(**FITTING)),
        call("evaluate", one(inputs), options(**TRAINING)),
    ),
}
MAKERS = {
    "classifier": lambda: ks.models.TextClassifier.from_texts(
        KNOWN[:2], ["good", "bad"], units=4, pooling="attention"
    ),
    "tagger": lambda: ks.models.TextTagger.from_texts(
        KNOWN[:2],
        ["B-PER O B-PER O B-LOC", "O O O"],
        scheme="BIO",
        units=4,
        tag_names=["O", "B-PER", "I-PER", "B-LOC", "I-LOC"],
    ),
    "translator": lambda: ks.models.Seq2Seq.from_texts(
        KNOWN, KNOWN, tokens="word", units=4, max_target_length=8
    ),
    "language model": lambda: ks.models.LanguageModel.from_texts(
        KNOWN, units=4, window=8, embedding_dim=4
    ),
}
READING = {
    "classifier": lambda model: model.predict(KNOWN, verbose=0),
    "tagger": lambda model: np.concatenate(model.predict(KNOWN, verbose=0)),
    "translator": lambda model: [
        answer["score"] for answer in model.generate(KNOWN, max_length=3, return_scores=True)
    ],
    "language model": lambda model: [answer["log_probability"] for answer in model.score(KNOWN)],
}
ONE_ANSWER_A_TEXT = ("classify", "predict", "attention", "tag", "generate", "score")


class TimeIsUp(KeyboardInterrupt):
    """Ends a search for examples: nothing else does but a failure."""


def made(value):
    return value.make() if isinstance(value, Many) else value


def arrays_of(variables):
    return [np.copy(keras.ops.convert_to_numpy(variable)) for variable in variables]


def quiet(name, keywords):
    silent = name in ("fit", "evaluate", "predict")
    return {**keywords, "verbose": 0} if silent else keywords


def check_call(model, task, before, example):
    """Make one call, and check what is promised of every call."""
    name, arguments, keywords = example
    variables = model.trainable_variables
    values = arrays_of(variables)
    x = arguments[0]
    try:
        with warnings.catch_warnings(action="ignore"):
            answer = getattr(model, name)(*map(made, arguments), **quiet(name, keywords))
    except (ValueError, TypeError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        assert PACKAGE in pathlib.Path(place.filename).parents, "the error of somebody else"
        if isinstance(x, Many) and x.plain and name in ONE_ANSWER_A_TEXT:
            assert keywords or len(arguments) > 1, "an error for plain texts"
        for now, value in zip(arrays_of(variables), values, strict=True):
            np.testing.assert_array_equal(now, value)
    else:
        if name in ONE_ANSWER_A_TEXT:
            if isinstance(x, Many):
                assert len(answer) == len(x.items)
            else:
                assert isinstance(x, (str, bytes)) or len(answer) == len(x)
        elif name == "fit":
            assert len(answer.history["loss"]) == keywords.get("epochs", 1)
    if name not in ("fit", "train_on_batch"):
        for now, value in zip(arrays_of(variables), values, strict=True):
            np.testing.assert_array_equal(now, value)
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    np.testing.assert_allclose(READING[task](model), before, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("task", CALLS)
def test_any_call_answers_or_says_what_is_wrong(task, request):
    seconds = request.config.getoption("--fuzz-seconds")
    model = MAKERS[task]()
    model.compile(keras.optimizers.SGD(0.01))
    before = READING[task](model)
    end, failed = time.monotonic() + (seconds or 12) / len(CALLS), []

    @settings(
        max_examples=1_000_000,
        deadline=None,
        derandomize=not seconds,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(CALLS[task])
    def search(example):
        if not failed and time.monotonic() > end:
            raise TimeIsUp
        try:
            check_call(model, task, before, example)
        except Exception:
            failed.append(example)  # from here on it is made smaller, however long that takes
            raise

    with contextlib.suppress(TimeIsUp):
        search()
