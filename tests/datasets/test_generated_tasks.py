"""What holds for every generated task, and that the scores of the word tasks are what they say."""

import inspect
import itertools

import numpy as np
import pytest

from keras_seq.datasets import (
    TASKS,
    SequenceTask,
    adding_problem,
    agreement,
    associative_recall,
    copy_memory,
    coreference,
    recall,
    temporal_order,
)
from keras_seq.datasets.agreement import PLURAL, SINGULAR

SHORTEST = {
    "recall": 4,
    "copy_memory": 21,
    "adding_problem": 2,
    "temporal_order": 5,
    "agreement": 5,
    "coreference": 15,
    "noisy_sine": 2,
    "autoregressive": 2,
    "mackey_glass": 18,
}
ROWS = 20_000


def close(hits, expected):
    """Assert that the mean of independent rows is what was expected, within five of its errors."""
    hits = np.asarray(hits, "float64")
    error = np.sqrt(max(hits.var(), expected * (1 - expected) if expected < 1 else 0) / len(hits))
    assert abs(hits.mean() - expected) <= 5 * error + 1e-12


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("more", [0, 1, 2, 3, 8, 30])
def test_every_length_is_exact(name, more):
    length = SHORTEST[name] + more
    task = TASKS[name](7, length)
    assert isinstance(task, SequenceTask) and task.name == name
    assert len(task) == 7 and task.length == length
    if task.vocabulary is not None:
        assert task.inputs.min() > 0  # no padding
        assert all(len(text.split()) == length for text in task.texts)
        assert len(set(task.vocabulary)) == len(task.vocabulary)


@pytest.mark.parametrize("name", TASKS)
def test_the_seed_decides(name):
    first, again, other = (TASKS[name](50, 40, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.inputs, again.inputs)
    np.testing.assert_array_equal(first.targets, again.targets)
    assert (first.inputs != other.inputs).any() and (first.targets != other.targets).any()
    assert list(inspect.signature(TASKS[name]).parameters)[:3] == ["count", "length", "seed"]
    np.testing.assert_array_equal(TASKS[name](5, 40).inputs, TASKS[name](5, 40, seed=0).inputs)


@pytest.mark.parametrize("name", TASKS)
def test_bad_input_is_told_the_smallest_possible(name):
    shortest = SHORTEST[name]
    for length in (0, 1, shortest - 1, -5, 30.5, "30"):
        with pytest.raises(
            ValueError, match=f"`length` must be an integer of at least {shortest} "
        ):
            TASKS[name](5, length)
    for count in (0, -1, 2.0):
        with pytest.raises(ValueError, match="`count` must be an integer of at least 1"):
            TASKS[name](count, 40)
    with pytest.raises(ValueError, match="`seed` must be an integer of at least 0"):
        TASKS[name](5, 40, seed=-1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: recall(5, 8, distractors=True),
        lambda: recall(5, 7, opening=True),
        lambda: recall(5, 9, countries=1),
        lambda: recall(5, 9, countries=21),
        lambda: copy_memory(5, 20),
        lambda: copy_memory(5, 40, symbols=1),
        lambda: copy_memory(5, 40, symbols=27),
        lambda: copy_memory(5, 40, copied=0),
        lambda: agreement(5, 7, attractors=2),
        lambda: associative_recall(5, 1),
        lambda: associative_recall(5, 9, keys=27),
        lambda: associative_recall(5, 9, values=1),
        lambda: associative_recall(5, 9, asked="middle"),
        lambda: associative_recall(5, 9, asked=None),
        lambda: associative_recall(5, 9, asked=0),
        lambda: associative_recall(5, 9, asked=9),
        lambda: agreement(5, 20, attractors=-1),
        lambda: coreference(5, 20, names=2),
        lambda: coreference(5, 20, names=41),
    ],
)
def test_options_out_of_range_are_refused(make):
    with pytest.raises(ValueError, match="must be"):
        make()


@pytest.mark.parametrize("name", ["recall", "temporal_order", "agreement", "coreference"])
def test_a_blind_guess_scores_as_derived(name):
    task = TASKS[name](ROWS, 30)
    expected = task.baselines["any name"] if name == "coreference" else task.chance
    for guess in (0, 1):
        close(task.targets == guess, expected)


def test_recall_is_decided_by_the_first_word():
    task = recall(300, 12, countries=20)
    language = {text.split()[0]: label for text, label in zip(task.texts, task.labels, strict=True)}
    assert all(language[t.split()[0]] == n for t, n in zip(task.texts, task.labels, strict=True))
    assert language["France"] == "French" and len(set(language.values())) == 20
    assert all(text.endswith("I speak fluent") for text in task.texts)
    named = [sum(word in language for word in text.split()) for text in task.texts]
    assert set(named) == {1}


def test_the_distractors_of_recall_are_no_hint():
    task = recall(ROWS, 20, countries=4, distractors=True, opening=True)
    words = [text.split() for text in task.texts[:200]]
    assert all(row[:4] == ["I", "grew", "up", "in"] and "friend" in row for row in words)
    vocabulary = np.array(task.vocabulary)
    places = np.isin(vocabulary[task.inputs], ["France", "Spain", "Germany", "Italy"])
    rows = np.arange(ROWS)
    assert places[:, 4].all() and (places.sum(axis=1) >= 2).all()
    answer = task.inputs[:, 4]
    last = task.inputs[rows, 19 - places[:, ::-1].argmax(axis=1)]
    close(answer == last, 1 / 4)
    for place in set(answer.tolist()):
        close(last == place, 1 / 4)
    assert len(set(zip(answer.tolist(), task.targets.tolist(), strict=True))) == 4


def test_copy_memory_asks_for_what_it_showed():
    task = copy_memory(ROWS // 5, 13, symbols=5, copied=4)
    counts = task.weights > 0
    np.testing.assert_array_equal(counts.any(axis=0), np.arange(13) >= 9)
    assert [text.replace(" ", "")[:4] for text in task.texts] == [
        label.replace(" ", "") for label in task.labels
    ]
    assert {text.replace(" ", "")[4:] for text in task.texts} == {"____>____"}
    assert not task.targets[~counts].any() and task.targets[counts].min() == 1
    for guess in (1, 5):
        close(task.targets[counts] == guess, task.chance)


@pytest.mark.parametrize("asked", ["newest", "oldest", 3])
def test_associative_recall_asks_what_was_there(asked):
    task = associative_recall(2_000, 12, keys=3, values=5, asked=asked)
    for text, answers, weights in zip(task.texts[:50], task.targets, task.weights, strict=False):
        tokens = text.split()
        for t, token in enumerate(tokens):
            if isinstance(asked, int):
                before = tokens[max(t - asked, 0) : t][: max(0, t - asked + 1)]
            else:
                before = [other for other in tokens[:t] if other[0] == token[0]]
            assert weights[t] == bool(before)
            if before:
                wanted = before[-1 if asked == "newest" else 0]
                assert task.classes[answers[t]] == wanted[1]
    counts = task.weights > 0
    for guess in (0, 4):
        close(task.targets[counts] == guess, task.chance)


def test_the_adding_problem_adds_one_number_of_each_half():
    task = adding_problem(ROWS, 9)
    values, marks = task.inputs[..., 0], task.inputs[..., 1]
    assert set(np.unique(marks)) == {0.0, 1.0}
    assert (marks[:, :4].sum(axis=1) == 1).all() and (marks[:, 4:].sum(axis=1) == 1).all()
    assert (marks.sum(axis=0) > 0).all()
    targets = task.targets[:, 0]
    np.testing.assert_allclose((values * marks).sum(axis=1), targets, atol=1e-6)
    close((targets - 1.0) ** 2, task.chance)
    for kept in (slice(0, 4), slice(4, None)):
        answer = (values * marks)[:, kept].sum(axis=1) + 0.5
        close((targets - answer) ** 2, task.baselines["one of the two numbers kept"])


def test_temporal_order_names_both_symbols_in_order():
    task = temporal_order(ROWS, 20)
    found = np.isin(np.array(task.vocabulary)[task.inputs], ["X", "Y"])
    assert (found.sum(axis=1) == 2).all()
    assert np.flatnonzero(found.any(axis=0)).tolist() == [2, 3, 4, 10, 11, 12]
    symbols = np.array(task.vocabulary)[task.inputs[found]].reshape(-1, 2)
    assert ["".join(pair) for pair in symbols] == task.labels
    first = np.where(symbols[:, 0] == "X", "XX", "YX")  # the first one, and a guess
    close(first == task.labels, task.baselines["one of the two symbols kept"])


def nouns_of(task):
    """Booleans `(rows, steps)`: where a noun stands, and where it is plural."""
    words = np.array(task.vocabulary)[task.inputs]
    return np.isin(words, SINGULAR + PLURAL), np.isin(words, PLURAL)


@pytest.mark.parametrize("attractors", [None, 0, 1, 3])
def test_agreement_is_with_the_subject(attractors):
    task = agreement(ROWS, 16, attractors=attractors)
    noun, plural = nouns_of(task)
    assert noun[:, 1].all()
    np.testing.assert_array_equal(plural[:, 1], task.targets == 1)
    last = 15 - noun[:, ::-1].argmax(axis=1)
    close(plural[np.arange(ROWS), last] == task.targets, task.baselines["the last noun"])
    opposite = (noun & (plural != plural[:, [1]])).sum(axis=1)
    if attractors is None:
        assert set(opposite) == {0, 1, 2, 3, 4} and set(noun.sum(axis=1)) == {3, 4, 5}
        # All other nouns together say nothing either.
        others = np.sign((noun * (2 * plural - 1))[:, 2:].sum(axis=1))
        close((others[others != 0] > 0) == task.targets[others != 0], task.chance)
    else:
        assert set(opposite) == {attractors} and set(noun.sum(axis=1)) == {attractors + 1}


def test_agreement_has_a_grammar():
    singular, plural = set(SINGULAR), set(PLURAL)
    assert len(singular) == len(SINGULAR) == len(plural) and not singular & plural
    task = agreement(500, 17)
    kind = {word: "noun" for word in singular | plural}
    module = inspect.getmodule(agreement)
    for name in ("PREPOSITIONS", "ADJECTIVES", "ADVERBS"):
        kind |= dict.fromkeys(getattr(module, name), name)
    follows = {
        "the": {"noun", "ADJECTIVES"},
        "ADJECTIVES": {"noun", "ADJECTIVES"},
        "noun": {"ADVERBS", "PREPOSITIONS"},
        "ADVERBS": {"ADVERBS", "PREPOSITIONS"},
        "PREPOSITIONS": {"the"},
    }
    for text in task.texts:
        kinds = [kind.get(word, word) for word in text.split()]
        assert kinds[:2] == ["the", "noun"] and kinds[-1] in ("noun", "ADVERBS")
        assert all(after in follows[one] for one, after in itertools.pairwise(kinds))


@pytest.mark.parametrize("length", [15, 22])
def test_the_answer_of_coreference_is_the_other_one(length):
    task = coreference(ROWS, length, names=5)
    first, second, speaker = task.inputs[:, 0], task.inputs[:, 6], task.inputs[:, -4]
    answer = task.targets + task.vocabulary.index(task.classes[0])
    assert ((first != second) & ((speaker == first) | (speaker == second))).all()
    np.testing.assert_array_equal(np.where(speaker == first, second, first), answer)
    close(speaker == first, 1 / 2)
    for known in (first, second):
        close(known == answer, task.baselines["one of the two who came in"])
    name_after = (speaker - 1 + 1) % 5 + 1  # anybody but the speaker
    close(name_after == answer, task.chance)
    names = np.isin(np.array(task.vocabulary)[task.inputs], task.classes)
    assert (names.sum(axis=1) == 3).all()
