"""Steps that run as a straight line of PyTorch's operations."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_seq as ks
from keras_seq.backend import straight

pytestmark = pytest.mark.skipif(
    keras.config.backend() != "torch", reason="steps are compiled with their loop elsewhere"
)
SOURCES = ["a b c d", "b c", "d"]
TARGETS = ["d c b a", "c b", "d"]
TRANSLATORS = [
    {},
    {"cell": "lstm", "num_layers": 2, "order": "luong", "input_feeding": True},
    {"cell": "vanilla", "attention": "general", "bidirectional": False},
    {"attention": None},
    {"copy": True},
    {"attention": "local"},
    {"num_layers": 3, "residual": True},
    {"dtype": "mixed_bfloat16"},
]


@pytest.fixture
def often(monkeypatch):
    """Sets after how many steps a trace is made."""
    if keras.config.backend() == "torch":
        from keras_seq.backend.torch import straight as module

        return lambda count: monkeypatch.setattr(module, "OFTEN", count)


def translator(**options):
    keras.utils.set_random_seed(1)
    options = {"cell": "gru", "units": 8, "embedding_dim": 6, "tokens": "word", **options}
    return ks.models.Seq2Seq.from_texts(SOURCES, TARGETS, **options)


def answers(model, **options):
    return [
        model.generate(SOURCES, max_length=7, return_scores=True, sampler=sampler, **options)
        for sampler in ("greedy", "beam", ks.samplers.Random(seed=3))
    ]


def traceable(model):
    """The functions of a model, or of its searches, that may be traced."""
    return [made for made in model._compiled._made[1].values() if hasattr(made, "traces")]


def traces(model):
    """What came of the traces of a model's steps, and of the loops of its searches."""
    steps = [made for made in traceable(model._search) if made.function == model.step]
    loops = [loop for step in steps for loop in step.loops.values()]
    return [trace for made in (*steps, *loops) for trace in made.traces.values()]


@pytest.mark.parametrize("options", TRANSLATORS, ids=str)
def test_a_traced_translator_answers_to_the_digit_as_it_does_without(often, options):
    model = translator(**options)
    often(10**9)
    expected = answers(model)
    assert traces(model) == []
    often(1)
    assert answers(model) == expected
    assert all(traces(model)) and len(traces(model)) >= 2
    assert answers(model) == expected


SEARCHES = [
    ks.samplers.Greedy(),
    ks.samplers.Greedy(min_length=5),
    ks.samplers.Beam(3),
    ks.samplers.Beam(3, length_penalty=0.0),
    ks.samplers.Beam(4, n_best=3, min_length=4),
    ks.samplers.Beam(2, no_repeat_ngram=2),
    ks.samplers.Beam(3, coverage_penalty=0.4),
]


def test_each_kind_of_search_has_a_loop_of_its_own(often):
    """In turns: by what a sampler holds, how long it may write, how many texts there are."""
    model = translator()
    other = ks.models.Seq2Seq.from_texts(SOURCES, TARGETS, cell="gru", units=8, tokens="word")

    def all_answers(model):
        return [
            model.generate(texts, max_length=length, sampler=sampler)
            for texts in (SOURCES, SOURCES[:1])
            for length in (9, 6)
            for sampler in SEARCHES
        ]  # without scores, whose last digit goes by where in memory things lie

    often(10**9)
    expected = all_answers(model), all_answers(other)
    often(1)
    for _ in range(3):
        assert all_answers(model) == expected[0]
        assert all_answers(other) == expected[1]
    assert all(traces(model)) and len(traces(model)) >= 4 * len(SEARCHES)


def test_a_loop_in_one_piece_runs_no_python_of_a_sampler(often, monkeypatch):
    model = translator()
    often(1)
    samplers = ks.samplers.Greedy(min_length=6), ks.samplers.Beam(3, min_length=6)
    for _ in range(2):  # traced, and held against the search itself
        expected = [model.generate(SOURCES, max_length=8, sampler=s) for s in samplers]
    calls = []
    monkeypatch.setattr(ks.samplers.Greedy, "choose_allowed", lambda *args: calls.append(args))
    monkeypatch.setattr(ks.samplers.Beam, "_candidates", lambda *args: calls.append(args))
    assert [model.generate(SOURCES, max_length=8, sampler=s) for s in samplers] == expected
    assert not calls


def test_a_user_s_sampler_is_asked_at_each_step(often):
    class Second(ks.samplers.Greedy):
        """Takes the second best token now and then, by what it has counted."""

        count = 0

        def get_next_token(self, log_probabilities):
            Second.count += 1
            k = 1 if Second.count % 3 == 0 else 0
            return ops.cast(ops.argsort(-log_probabilities, axis=-1)[:, k], "int32")

    model = translator()
    often(1)
    for _ in range(3):
        before = Second.count
        model.generate(SOURCES[:1], max_length=6, sampler=Second(min_length=6))
        assert Second.count == before + 6


def test_so_many_kinds_of_search_are_kept(often, monkeypatch):
    from keras_seq.backend.torch import straight as module

    model = translator()
    often(1)
    monkeypatch.setattr(module, "MOST", 2)
    samplers = [ks.samplers.Greedy(min_length=k) for k in range(4)]
    expected = [model.generate(SOURCES, max_length=8, sampler=s) for s in samplers]
    for _ in range(2):
        assert [model.generate(SOURCES, max_length=8, sampler=s) for s in samplers] == expected
    (step,) = [made for made in traceable(model._search) if made.loops]
    assert len(step.loops) == 2 and len(step.traces) == 1  # the others are traced step by step


def test_a_search_whose_step_cannot_be_traced_goes_on(often, monkeypatch):
    model = translator()
    often(10**9)
    expected = answers(model)
    often(1)
    from keras_seq.backend.torch import straight as module

    def refuse(*args):
        raise RuntimeError("cannot be traced")

    monkeypatch.setattr(module._Trace, "__init__", refuse)
    assert answers(model) == expected == answers(model)
    assert traces(model) and not any(traces(model))


@pytest.mark.parametrize("options", [{}, {"cell": "lstm", "num_layers": 2}, {"cell": "min_gru"}])
def test_so_does_a_language_model_that_writes_or_is_read_from_step_by_step(often, options):
    keras.utils.set_random_seed(1)
    model = ks.models.LanguageModel.from_texts("abcabcab" * 9, units=8, window=8, **options)

    def texts():
        streamed = "".join(model.stream("ab", max_length=12, sampler="greedy"))
        return streamed, model.generate(["ab", "c"], max_length=12, sampler="greedy")

    often(10**9)
    expected = texts()
    often(2)
    assert texts() == expected and texts() == expected
    assert traces(model) and all(traces(model))


def test_a_trace_runs_no_layer_and_reads_the_newest_weights(often, monkeypatch):
    model, other = translator(), translator()
    other.set_weights([weight + 0.3 * np.sign(weight) for weight in model.get_weights()])
    often(1)
    answers(model)
    calls = []
    with monkeypatch.context() as patched:
        patched.setattr(type(model), "step", lambda *args: calls.append(args))
        first = answers(model)
    assert not calls
    model.set_weights(other.get_weights())
    assert answers(model) == answers(other) != first
    for variable in model.trainable_variables:  # as an optimizer does it
        variable.assign(variable - 0.1)
    other.set_weights(model.get_weights())
    often(10**9)
    assert answers(model) == answers(other)


def test_a_part_from_elsewhere_runs_as_it_was_written(often):
    class Translator(ks.models.Seq2Seq):
        """So is a model."""

    model = Translator.from_texts(SOURCES, TARGETS, cell="gru", units=8, tokens="word")
    often(1)
    answers(model)
    assert traces(model) == []


def test_what_decides_by_numbers_draws_or_writes_is_not_traced(often):
    often(2)
    x = ops.convert_to_tensor(np.array([[1.0, -2.0]], "float32"))
    count = keras.Variable(np.float32(0), trainable=False)
    seeds = keras.random.SeedGenerator(1)

    def decides(x):
        return x * 2 if bool(ops.any(x > 5)) else x

    def writes(x):
        count.assign_add(1.0)
        return x + count

    def draws(x):
        return keras.random.uniform(ops.shape(x), seed=seeds)

    def torch_draws(x):
        import torch

        return x + torch.rand(1)

    run = [
        straight(f, v)
        for f, v in ((decides, []), (writes, [count]), (draws, [seeds.state]), (torch_draws, []))
    ]
    import torch

    with torch.no_grad():
        results = [[ops.convert_to_numpy(f(x)).tolist() for _ in range(6)] for f in run]
        assert ops.convert_to_numpy(run[0](x + 9)).tolist() == [[20.0, 14.0]]
    assert results[0] == [[[1.0, -2.0]]] * 6
    assert [row[0][0] for row in results[1]] == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    assert len({str(row) for row in results[2]}) == len({str(row) for row in results[3]}) == 6
    assert [list(f.traces.values()) for f in run] == [[False]] * 4


def test_constants_are_not_written_into_and_nests_keep_their_form(often):
    often(1)
    import torch

    def step(x, state):
        fresh = torch.zeros(2)
        fresh += x["a"]
        return {"y": fresh, "z": [state[0] + torch.tensor([1.0, 2.0]).add_(1.0)]}, (x["a"],)

    run = straight(step)
    with torch.no_grad():
        for k in range(4):
            a, b = torch.full((2,), float(k)), torch.full((2,), 10.0 * k)
            result, (same,) = run({"a": a}, (b,))
            assert torch.equal(result["y"], a) and torch.equal(same, a)
            assert torch.equal(result["z"][0], b + torch.tensor([2.0, 3.0]))
    assert all(run.traces.values())


def test_what_is_the_same_at_each_step_is_computed_once(often):
    often(1)
    import torch

    def step(x):
        places = torch.arange(3) * 2
        return torch.where(places == x, places + 1.5, places + 1), x + 1, x + 1.0, x + 1

    run = straight(step)
    with torch.no_grad():
        for k in range(8):
            first, *rest = run(torch.tensor(k))
            assert first.tolist() == [
                1.5 if k == 0 else 1.0,
                3.5 if k == 2 else 3.0,
                5.5 if k == 4 else 5.0,
            ]
            assert [str(x.dtype) for x in rest] == ["torch.int64", "torch.float32", "torch.int64"]
            assert [int(x) for x in rest] == [k + 1] * 3
    (trace,) = run.traces.values()
    code = trace.run.__self__.code
    assert "arange" not in code and code.count("torch.add") == 2


def test_what_is_written_into_by_way_of_a_view_stays_two_things(often):
    often(1)
    import torch

    def step(x):
        one, other = x * 2, x * 2
        places = torch.zeros(2)
        return one.view(-1).add_(100.0), other, places.view(2, 1)[:, 0].add_(x), x * 2

    run = straight(step)
    with torch.no_grad():
        for k in range(8):
            one, other, places, last = run(torch.tensor([1.0, k]))
            assert one.tolist() == [102.0, 2.0 * k + 100] and other.tolist() == [2.0, 2.0 * k]
            assert places.tolist() == [1.0, k] and last.tolist() == [2.0, 2.0 * k]
    assert all(run.traces.values())


def test_so_many_traces_are_kept_and_no_gradient_is_lost(often):
    often(1)
    import torch

    from keras_seq.backend.torch.straight import MOST

    variable = keras.Variable(np.ones(1, "float32"))
    run = straight(lambda x: x * variable, [variable])
    with torch.no_grad():
        for length in range(1, MOST + 5):
            assert run(torch.ones(length)).shape == (length,)
    assert len(run.traces) == MOST
    run(torch.ones(1)).sum().backward()
    assert float(variable.value.grad) == 1.0


def test_reading_is_traced_where_texts_are_short(often, monkeypatch):
    """Answers of each task are the same; a long text is read as it was written."""
    from keras_seq.models.base import functions

    config = {"cell": "lstm", "units": 8, "embedding_dim": 6}
    labels, tags = ["x", "y", "x"], [["A"] * len(text.split()) for text in SOURCES]
    classifier = ks.models.TextClassifier.from_texts(SOURCES, labels, **config)
    tagger = ks.models.TextTagger.from_texts(SOURCES, tags, **config)
    monkeypatch.setattr(functions, "SHORT", 16)
    long = "a b c " * 9

    def answers():
        return [
            *(classifier.classify(text, return_probabilities=True) for text in (*SOURCES, long)),
            *(tagger.tag(text.split(), return_probabilities=True) for text in SOURCES),
        ]

    often(10**9)
    expected = answers()
    often(1)
    for _ in range(3):
        for answer, right in zip(answers(), expected, strict=True):
            assert str(answer) == str(right)
    for model in (classifier, tagger):
        (read,) = traceable(model)
        assert read.traces and all(read.traces.values())
        assert all(shapes[0][0][1] <= 16 for shapes in read.traces)
