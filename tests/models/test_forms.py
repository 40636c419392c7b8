"""Texts, labels and weights in any form that holds them, through every way in."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import shortened
from forms import (
    COLUMNS,
    Batches,
    Column,
    Frame,
    Items,
    Lines,
    Loader,
    PolarsSeries,
    Series,
    Table,
    generator,
)

from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger
from keras_seq.text import CharacterTokenizer, SubwordTokenizer, WordTokenizer, forms

TEXTS = ["ab c", "c", "bä", "a b", "cab", "b c a"]
LABELS = ["x", "y", "x", "z", "y", "x"]
WEIGHTS = [1.0, 0.5, 2.0, 1.0, 0.0, 3.0]
TARGETS = ["ba", "c a", "ab", "b", "bac", "ca"]
TAGS = ["N V", "V", "N", "V N", "N", "N V N"]


WORDS = [text.split() for text in TEXTS]


def made(model):
    model.compile(keras.optimizers.SGD(0.1))
    model.first = [variable.numpy() for variable in model.trainable_variables]
    return model


@pytest.fixture(scope="module")
def classifier():
    return made(TextClassifier.from_texts(TEXTS, LABELS, tokens="char", cell="gru", units=3))


@pytest.fixture(scope="module")
def translator():
    return made(
        Seq2Seq.from_texts(TEXTS, TARGETS, tokens="char", cell="gru", units=3, bidirectional=False)
    )


@pytest.fixture(scope="module")
def language():
    return made(LanguageModel.from_texts(TEXTS, cell="gru", units=3, window=4))


@pytest.fixture(scope="module")
def tagger():
    how = {"characters": None, "cell": "gru", "units": 3, "unknown_rate": 0.0}
    return made(TextTagger.from_texts(TEXTS, TAGS, **how))


@pytest.fixture(params=["classifier", "translator", "language", "tagger"])
def task(request):
    """A model and what it is trained on."""
    y = {"classifier": LABELS, "translator": TARGETS, "tagger": TAGS}.get(request.param)
    return request.getfixturevalue(request.param), [TEXTS] if y is None else [TEXTS, y]


def fresh(model):
    for variable, value in zip(model.trainable_variables, model.first, strict=True):
        variable.assign(value)
    model.reset_metrics()
    keras.utils.set_random_seed(0)
    return model


def trained(model, *data, **options):
    """The losses of a training, always from the same weights and the same seed."""
    options = {"batch_size": 2, "epochs": 2, "verbose": 0, "shuffle": False, **options}
    history = fresh(model).fit(*data, **options).history
    return [history[name] for name in ("loss", "val_loss") if name in history]


def evaluated(model, *data, **options):
    return fresh(model).evaluate(*data, verbose=0, **options)


def close(found, expected):
    np.testing.assert_allclose(
        np.concatenate([np.ravel(one) for one in found]),
        np.concatenate([np.ravel(one) for one in expected]),
        rtol=1e-5,
    )


class Arrived(Exception):
    """What reached the place where texts are encoded."""


def arrived(monkeypatch, model, call):
    """What a call hands to `encode_examples`: texts, and what `check_targets` made of the rest."""

    def encode_examples(x, y=None, sample_weight=None):
        raise Arrived(x, y)

    with monkeypatch.context() as patch:
        patch.setattr(model, "encode_examples", encode_examples)
        with pytest.raises(Arrived) as found:
            call()
    x, y = found.value.args
    return x, None if y is None else [np.asarray(one).tolist() for one in y]


@pytest.mark.once
@pytest.mark.parametrize("form", COLUMNS)
def test_every_way_in_takes_every_form(task, form, monkeypatch):
    (m, data), f = task, COLUMNS[form]
    if m.takes_words and form == "array (rows, 1)":
        return  # sentences of one word
    expected = arrived(monkeypatch, m, lambda: m.evaluate(*data))
    assert [" ".join(one) if m.takes_words else one for one in expected[0]] == TEXTS
    for call in (
        lambda: m.fit(*map(f, data), verbose=0),
        lambda: m.fit(f(TEXTS), *data[1:], verbose=0),
        lambda: m.fit(TEXTS, *map(f, data[1:]), verbose=0),
        lambda: m.fit(*map(f, data), validation_split=0.4, verbose=0),
        lambda: m.fit(*data, validation_data=tuple(map(f, data)), verbose=0),
        lambda: m.evaluate(*map(f, data), verbose=0),
        lambda: m.train_on_batch(*map(f, data)),
        lambda: m.test_on_batch(*map(f, data)),
    ):
        assert arrived(monkeypatch, m, call) == expected
    if isinstance(m, TextClassifier):
        assert arrived(monkeypatch, m, lambda: m.predict_on_batch(f(TEXTS)))[0] == expected[0]


@pytest.mark.once
@pytest.mark.parametrize("form", COLUMNS)
def test_every_answer_is_that_of_a_list(classifier, translator, language, tagger, form):
    f = COLUMNS[form]
    assert classifier.classify(f(TEXTS)) == classifier.classify(TEXTS)
    close(classifier.predict(f(TEXTS), verbose=0), classifier.predict(TEXTS, verbose=0))
    assert translator.generate(f(TEXTS)) == translator.generate(TEXTS)
    assert translator.predict(f(TEXTS)).tolist() == translator.generate(TEXTS)
    found = translator.attention(f(TEXTS), f(TARGETS))
    assert [one["source_tokens"][:-1] for one in found] == list(map(list, TEXTS))
    assert language.score(f(TEXTS)) == language.score(TEXTS)
    assert language.generate(f(TEXTS), max_length=3) == language.generate(TEXTS, max_length=3)
    if form != "array (rows, 1)":  # sentences of one word
        assert tagger.tag(f(TEXTS)) == tagger.tag(TEXTS)
        close(tagger.predict(f(TEXTS), verbose=0), tagger.predict(TEXTS, verbose=0))


@pytest.mark.once
@pytest.mark.parametrize("form", COLUMNS)
def test_vocabularies_are_those_of_a_list(classifier, translator, language, tagger, form):
    f = COLUMNS[form]
    new = TextClassifier.from_texts(f(TEXTS), f(LABELS), tokens="char", units=3)
    assert new.class_names == classifier.class_names
    assert new.tokenizer.vocabulary == classifier.tokenizer.vocabulary
    new = Seq2Seq.from_texts(f(TEXTS), f(TARGETS), tokens="char", units=3)
    assert new.source_tokenizer.vocabulary == translator.source_tokenizer.vocabulary
    assert new.target_tokenizer.vocabulary == translator.target_tokenizer.vocabulary
    new = LanguageModel.from_texts(f(TEXTS), units=3)
    assert new.tokenizer.vocabulary == language.tokenizer.vocabulary
    if form != "array (rows, 1)":
        new = TextTagger.from_texts(f(TEXTS), f(TAGS), characters=None, units=3)
        assert new.tag_names == tagger.tag_names
        assert new.tokenizer.vocabulary == tagger.tokenizer.vocabulary


@pytest.mark.slow
@pytest.mark.parametrize("form", shortened(["Series", "generator"], "generator"))
def test_training_is_that_on_a_list(task, form):
    (m, data), f = task, COLUMNS[form]
    close(trained(m, *map(f, data)), trained(m, *data))
    options = {"validation_data": tuple(map(f, data))}
    close(trained(m, *data, **options), trained(m, *data, validation_data=tuple(data)))


@pytest.mark.once
@pytest.mark.parametrize(
    "form",
    [
        tuple,
        lambda rows: list(map(tuple, rows)),
        lambda rows: list(map(np.array, rows)),
        lambda rows: [np.array(row, object) for row in rows],
        lambda rows: [[word.encode() for word in row] for row in rows],
        lambda rows: list(map(Series, rows)),
        lambda rows: list(map(Column, rows)),
        lambda rows: list(map(tf.constant, rows)),
        tf.ragged.constant,
        Series,
        PolarsSeries,
        Column,
        Items,
        Lines,
        generator,
        lambda rows: Series(list(map(np.array, rows))),
        lambda rows: map(generator, rows),
    ],
)
def test_a_tagger_takes_words_in_every_form(tagger, form, monkeypatch):
    tags = [row.split() for row in TAGS]
    expected = tagger.tag(WORDS)
    assert expected == [one["tags"] for one in tagger.tag(TEXTS)]
    assert tagger.tag(form(WORDS)) == expected
    close(tagger.predict(form(WORDS), verbose=0), tagger.predict(TEXTS, verbose=0))
    found = arrived(monkeypatch, tagger, lambda: tagger.fit(form(WORDS), form(tags)))
    assert found == arrived(monkeypatch, tagger, lambda: tagger.fit(TEXTS, TAGS))


@pytest.mark.once
@pytest.mark.parametrize("form", COLUMNS)
def test_tokenizers_take_every_form(form):
    f = COLUMNS[form]
    for kind in (CharacterTokenizer, WordTokenizer):
        expected = kind.from_texts(TEXTS)
        tokenizer = kind.from_texts(f(TEXTS))
        assert tokenizer.vocabulary == expected.vocabulary
        ids = [row.tolist() for row in tokenizer.encode(f(TEXTS))]
        assert ids == expected.tokenize(TEXTS)
        if form not in ("tensor", "list of tensors"):  # which give tensors
            assert tokenizer.tokenize(f(TEXTS)) == ids
            assert tokenizer.split(f(TEXTS)) == expected.split(TEXTS)
    subwords = SubwordTokenizer.from_texts(f(TEXTS), max_vocabulary=12)
    assert subwords.model_proto == SubwordTokenizer.from_texts(TEXTS, 12).model_proto


@pytest.mark.once
def test_a_tokenizer_reads_a_dataset():
    dataset = tf.data.Dataset.from_tensor_slices(TEXTS)
    expected = WordTokenizer.from_texts(TEXTS).vocabulary
    assert WordTokenizer.from_texts(dataset).vocabulary == expected
    assert WordTokenizer.from_texts(dataset.batch(4)).vocabulary == expected


@pytest.mark.once
@pytest.mark.parametrize("one", [np.str_("ab"), np.array("ab"), tf.constant("ab"), b"ab"])
def test_one_text_in_every_form(classifier, translator, language, tagger, one):
    assert classifier.classify(one) == classifier.classify("ab")
    assert translator.generate(one) == translator.generate("ab")
    assert language.generate(one, max_length=3) == language.generate("ab", max_length=3)
    assert language.score(one) == language.score("ab")
    assert language.stream(one).text == "ab"
    assert tagger.tag(one) == tagger.tag("ab")
    assert WordTokenizer.from_texts(["ab"]).split(one) in (["ab"], [["ab"]]) or tf.is_tensor(one)
    with pytest.raises(ValueError, match="one string, 'ab'"):
        classifier.fit(one, ["x"], verbose=0)
    with pytest.raises(ValueError, match="`texts` must be an iterable of str"):
        WordTokenizer.from_texts(one)
    close([evaluated(language, one)], [evaluated(language, "ab")])


@pytest.mark.parametrize(
    "form",
    [
        *(tuple, np.array, Series, PolarsSeries, Column, generator, tf.constant),
        lambda values: np.array(values)[:, None],
    ],
)
@pytest.mark.once
def test_weights_in_every_form(classifier, form):
    whole = [1, 0, 2, 1, 0, 3]
    expected = evaluated(classifier, TEXTS, LABELS, sample_weight=whole)
    found = evaluated(classifier, TEXTS, LABELS, sample_weight=form(whole))
    close([found], [expected])


@pytest.mark.once
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, float("nan"), 1, 1, 1, 1], "finite numbers; item 1 is nan"),
        (Series([1.0, float("inf")] * 3), "finite numbers; item 1 is inf"),
        ([1.0], r"one number for each of 6 examples; received shape \(1,\)"),
        (3, r"6 examples; received 3 of type int"),
        (["a"] * 6, "one number for each of 6 examples; received"),
    ],
)
def test_weights_that_are_none(classifier, weights, message):
    with pytest.raises(ValueError, match=message):
        classifier.evaluate(TEXTS, LABELS, sample_weight=weights, verbose=0)


def pairs():
    return generator(zip(TEXTS, LABELS, strict=True))


def triples():
    return generator(zip(TEXTS, LABELS, WEIGHTS, strict=True))


def batches():
    return generator((TEXTS[i : i + 2], np.array(LABELS[i : i + 2])) for i in (0, 2, 4))


NAMED = {"text": TEXTS, "label": LABELS}

# What holds texts and labels together.
WHOLES = {
    "DataFrame": lambda: Frame(**NAMED),
    "DataFrame of other columns": lambda: (
        Frame(id=list(range(6)), Sentence=TEXTS, class_=LABELS)
        and Frame(Sentence=TEXTS, Label=LABELS, id=list(range(6)))
    ),
    "DataFrame of an unknown name": lambda: Frame(note=TEXTS, label=LABELS),
    "Dataset of Hugging Face": lambda: Table(**NAMED),
    "dict of lists": lambda: NAMED,
    "dict of arrays": lambda: {"text": np.array(TEXTS), "label": np.array(LABELS)},
    "pairs": pairs,
    "dicts": lambda: (dict(zip(NAMED, row, strict=True)) for row in pairs()),
    "lists of two": lambda: map(list, pairs()),
    "Dataset of PyTorch": lambda: Items(pairs()),
    "Dataset of dicts": lambda: Items(iter(Table(**NAMED))),
    "iterable": lambda: Lines(list(pairs())),
    "batches": batches,
    "PyDataset": lambda: Batches(TEXTS, LABELS),
    "PyDataset of arrays": lambda: Batches(np.array(TEXTS), np.array(LABELS)[:, None]),
    "DataLoader": lambda: Loader(TEXTS, LABELS),
    "tf.data": lambda: tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)),
    "tf.data of a dict": lambda: tf.data.Dataset.from_tensor_slices(NAMED),
    "tf.data of a dict and y": lambda: tf.data.Dataset.from_tensor_slices(
        ({"review": TEXTS, "id": range(6)}, LABELS)
    ),
    "tf.data of batches of dicts": lambda: tf.data.Dataset.from_tensor_slices(NAMED).batch(2),
}


@pytest.mark.once
@pytest.mark.parametrize("whole", WHOLES)
def test_texts_and_labels_together(classifier, whole):
    make = WHOLES[whole]
    close([evaluated(classifier, make())], [evaluated(classifier, TEXTS, LABELS)])
    if whole != "lists of two":  # two texts
        close(classifier.predict(make(), verbose=0), classifier.predict(TEXTS, verbose=0))


@pytest.mark.once
@pytest.mark.parametrize("whole", ["DataFrame", "dicts", "batches", "DataLoader", "tf.data"])
def test_training_on_texts_and_labels_together(classifier, whole):
    make = WHOLES[whole]
    losses = trained(classifier, make())
    assert losses[0][1] < losses[0][0] < 1.3
    validated = trained(classifier, TEXTS, LABELS, validation_data=make())
    close(validated, trained(classifier, TEXTS, LABELS, validation_data=(TEXTS, LABELS)))


@pytest.mark.once
@pytest.mark.parametrize(
    "whole",
    [
        triples,
        lambda: Frame(**NAMED, sample_weight=WEIGHTS),
        lambda: Batches(TEXTS, LABELS, WEIGHTS),
        lambda: Loader(TEXTS, LABELS, WEIGHTS),
        lambda: tf.data.Dataset.from_tensor_slices({**NAMED, "weight": WEIGHTS}),
    ],
)
def test_texts_labels_and_weights_together(classifier, whole):
    expected = evaluated(classifier, TEXTS, LABELS, sample_weight=WEIGHTS)
    close([evaluated(classifier, whole())], [expected])


@pytest.mark.once
def test_every_task_takes_pairs_and_batches(task, monkeypatch):
    model, columns = task
    names = dict(zip(model.words, columns, strict=False))
    names = {name.split()[0]: column for name, column in names.items()}
    expected = arrived(monkeypatch, model, lambda: model.evaluate(*columns))
    wholes = [Frame(**names), Table(**names), Batches(*columns), Loader(*columns)]
    if len(columns) > 1:
        wholes += [generator(zip(*columns, strict=True)), Items(zip(*columns, strict=True))]
    if model.takes_words:
        wholes += [generator(zip(WORDS, map(str.split, TAGS), strict=True))]
        wholes += [Batches(WORDS, list(map(str.split, TAGS)))]
    for whole in wholes:
        assert arrived(monkeypatch, model, lambda whole=whole: model.evaluate(whole)) == expected
    dataset = tf.data.Dataset.from_tensor_slices(names)
    close([evaluated(model, dataset)], [evaluated(model, *columns)])
    losses = trained(model, Batches(*columns), epochs=3)[0]
    assert losses[-1] < losses[0]
    if model.takes_words:
        assert len(model.predict(Batches(WORDS), verbose=0)) == len(WORDS)
        close(model.predict(Batches(WORDS, TAGS), verbose=0), model.predict(WORDS, verbose=0))
    if model.needs_targets:
        answers = model.generate(TEXTS)
        assert model.predict(Batches(*columns)).tolist() == answers
        assert model.predict(Loader(TEXTS)).tolist() == answers


@pytest.mark.once
def test_batches_are_read_anew_in_each_epoch(classifier):
    dataset, loader = Batches(TEXTS, LABELS), Loader(TEXTS, LABELS)
    expected = trained(classifier, TEXTS, LABELS, batch_size=6, epochs=1)[0][0]
    for whole in (dataset, loader):
        before = getattr(loader, "iterations", 0)
        losses = trained(classifier, whole, epochs=3, batch_size=None)[0]
        assert len(losses) == 3 and losses[2] < losses[0] < expected * 1.2
    assert dataset.epochs == 3 and loader.iterations - before >= 3


@pytest.mark.once
def test_a_generator_without_an_end_needs_its_steps(classifier, language, monkeypatch):
    def endless():
        return ((text, label) for text, label in itertools.cycle(zip(TEXTS, LABELS, strict=True)))

    read = []
    counted = (read.append(1) or pair for pair in endless())
    losses = trained(classifier, counted, epochs=3, steps_per_epoch=3)[0]
    assert len(losses) == 3 and losses[-1] < losses[0]
    assert 18 <= len(read) <= 30  # 9 batches of 2, and some that are read ahead
    found = evaluated(classifier, endless(), steps=3, batch_size=2)
    close([found], [evaluated(classifier, TEXTS, LABELS)])
    texts = (text for text, _ in endless())
    assert len(classifier.predict(texts, steps=2, verbose=0)) == 64
    data = endless()
    losses = trained(classifier, TEXTS, LABELS, validation_data=data, validation_steps=3)
    close(losses, trained(classifier, TEXTS, LABELS, validation_data=(TEXTS, LABELS)))
    monkeypatch.setattr(forms, "MOST", 50)
    for call in (classifier.fit, classifier.evaluate):
        with pytest.raises(ValueError, match=r"more than 50 examples.*`steps_per_epoch`"):
            call(endless(), verbose=0)
    with pytest.raises(ValueError, match="more than 50 examples"):
        language.score(text for text, _ in endless())


@pytest.mark.once
def test_a_generator_that_ends_too_early_is_no_silent_training(classifier):
    with pytest.warns(UserWarning, match="ran out of data"):
        trained(classifier, pairs(), epochs=3, steps_per_epoch=2)


@pytest.mark.once
def test_a_generator_that_was_read_is_an_error_and_no_empty_corpus():
    def columns():
        return generator(TEXTS), generator(LABELS)

    texts, labels = columns()
    model = TextClassifier.from_texts(texts, labels, tokens="char", units=3)
    model.compile("adam")
    for call in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(ValueError, match="`x` is a generator and gave nothing: it can be read"):
            call(texts, LABELS)
        with pytest.raises(ValueError, match="`labels` is a generator and gave nothing"):
            call(TEXTS, labels)
    with pytest.raises(ValueError, match="can be read once only"):
        model.predict(texts)
    with pytest.raises(ValueError, match="can be read once only"):
        model.classify(texts)
    with pytest.raises(ValueError, match="empty corpus, a generator: it can be read once only"):
        LanguageModel.from_texts(texts)
    with pytest.raises(ValueError, match=r"6 texts and 3 labels"):
        model.fit(TEXTS, generator(LABELS[:3]))


MISSING = {"None": None, "nan": float("nan"), "NumPy's nan": np.float64("nan")}


@pytest.mark.once
@pytest.mark.parametrize("missing", MISSING)
def test_a_missing_value_is_named(classifier, translator, language, tagger, missing):
    texts = Series(["ab", MISSING[missing], "c"], "object")
    message = "item 1 is .*, a missing value"
    for call in (
        lambda: classifier.fit(texts, LABELS[:3], verbose=0),
        lambda: classifier.classify(texts),
        lambda: translator.generate(texts),
        lambda: translator.fit(TEXTS[:3], texts, verbose=0),
        lambda: language.score(texts),
        lambda: language.fit(texts, verbose=0),
        lambda: tagger.tag(texts),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match=r"a missing value \(label 1\)"):
        classifier.fit(TEXTS[:3], Series(["x", MISSING[missing], "y"]), verbose=0)
    with pytest.raises(ValueError, match="position 1, a missing value"):
        LanguageModel.from_texts(texts)


@pytest.mark.once
@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (Frame(a=TEXTS, b=LABELS), None, "Which of the fields 'a', 'b' is the text"),
        (Frame(text=TEXTS, label=LABELS, target=LABELS), None, "Which of the fields"),
        (Frame(text=TEXTS, id=LABELS), None, "received no labels"),
        ({"train": Table(**NAMED)}, None, r"a dict of data sets, 'train'.*x\['train'\]"),
        ({*TEXTS}, LABELS, None),
        (generator(TEXTS), None, "received no labels"),
        (Batches(TEXTS), None, "received no labels"),
        (Batches(TEXTS, LABELS), LABELS[:3], "6 texts and 3 labels|received `y`"),
        (generator([("a", "x"), "b"]), None, "elements of one form; number 1 is 'b'"),
        (Series([1, 2], "int64"), ["x", "y"], "list of strings; received Series of int64"),
        (b"\xff", ["x"], "utf-8"),
        ([b"a", b"\xff"], ["x", "y"], r"item 1 is b'\\xff', which is no UTF-8"),
        (np.array([["a", "b"]]), ["x"], r"item 0 is \['a', 'b'\]"),
    ],
)
def test_what_is_refused_says_what_to_do(classifier, x, y, message):
    with pytest.raises((ValueError, TypeError), match=message):
        classifier.fit(x, y, verbose=0)


@pytest.mark.once
def test_ids_prepared_by_hand_pass_in_every_source(classifier):
    inputs = classifier.as_batch(TEXTS)[0]
    labels = classifier.check_targets(LABELS)
    expected = evaluated(classifier, TEXTS, LABELS)
    ids = inputs["token_ids"]

    class Ids(keras.utils.PyDataset):
        num_batches = 3

        def __getitem__(self, i):
            part = slice(2 * i, 2 * i + 2)
            return {"token_ids": ids[part]}, labels[part]

    def rows():
        yield from map(Ids().__getitem__, range(3))

    for whole in (Ids(), rows()):
        close([evaluated(classifier, whole)], [expected])
    trained(classifier, Ids(), batch_size=None)
    trained(classifier, rows(), batch_size=None, epochs=1)
    close(classifier.predict(inputs, verbose=0), classifier.predict(TEXTS, verbose=0))
