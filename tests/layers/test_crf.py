"""The CRF against enumeration of all sequences, and in models that are trained, saved and read."""

import itertools

import keras
import numpy as np
import pytest
from cases import floats
from checks import array, arrays, assert_close, compiled_call, weight_gradients

from keras_seq.backend import gradient
from keras_seq.layers import CRF, CRFLoss
from keras_seq.text import check_tags, tag_constraints

N, T = 3, 4
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]], bool)
B = len(MASK)
EMISSIONS = 2 * floats(B, T, N)
TAGS = np.array([[0, 1, 0, 1], [2, 1, 9, 9], [9, 0, 9, 2], [9] * 4, [2, 9, 9, 9]], "int32")
CONSTRAINTS = {"transitions": [[1, 2], [1, 1]], "start": [1], "end": [0]}


def made(units=N, constraints=None, **config):
    """A built CRF whose weights are normal numbers."""
    crf = CRF(units, constraints, **config)
    crf.build((None, None, units))
    shapes = [weight.shape for weight in crf.weights]
    crf.set_weights([floats(*shape) for shape in shapes[:2]] + [-2 * floats(*shapes[2])])
    return crf


@pytest.fixture(scope="module", params=[None, CONSTRAINTS], ids=["free", "constrained"])
def crf(request):
    return made(constraints=request.param)


def everything(crf):
    """A function of emissions, tags and mask to all that the methods give."""

    def run(emissions, tags, mask):
        return {
            "likelihood": crf.log_likelihood(emissions, tags, mask),
            "marginals": crf.marginals(emissions, mask),
            "partition": crf.log_partition(emissions, mask),
            "path": crf.decode(emissions, mask),
            "score": crf.score(emissions, tags, mask),
        }

    return compiled_call(run, crf.variables)


@pytest.fixture(scope="module")
def found(crf):
    return everything(crf)(EMISSIONS, TAGS, MASK)


def potentials(crf):
    """The scores of transitions, start and end in float64, -inf where forbidden."""
    tables = [array(w).astype("float64") for w in (crf.transitions, crf.start, crf.end)]
    for kind, table in zip(("transitions", "start", "end"), tables, strict=True):
        for one in (crf.constraints or {}).get(kind, ()):
            table[tuple(one) if kind == "transitions" else one] = -np.inf
    return tables


def score_of(tables, emissions, tags):
    """s(x, y) of one row without padding, in float64."""
    transitions, start, end = tables
    if len(tags) == 0:
        return 0.0
    total = start[tags[0]] + end[tags[-1]] + sum(e[y] for e, y in zip(emissions, tags, strict=True))
    return total + sum(transitions[pair] for pair in itertools.pairwise(tags))


def enumerated(tables, emissions):
    """All sequences of one row without padding, and their scores."""
    paths = [*itertools.product(range(len(tables[1])), repeat=len(emissions))]
    return paths, np.array([score_of(tables, emissions, path) for path in paths])


def likelihood_of(tables, emissions, tags, mask):
    rows = []
    for e, y, m in zip(emissions, tags, mask, strict=True):
        _, scores = enumerated(tables, e[m])
        rows.append(score_of(tables, e[m], y[m].tolist()) - np.log(np.exp(scores).sum()))
    return np.array(rows)


def test_it_is_what_enumeration_finds(crf, found):
    tables, found = potentials(crf), keras.tree.map_structure(array, found)
    for row, mask in enumerate(MASK):
        emissions = EMISSIONS[row].astype("float64")[mask]
        paths, scores = enumerated(tables, emissions)
        partition = np.log(np.exp(scores).sum())
        score = score_of(tables, emissions, TAGS[row][mask].tolist())
        assert np.isfinite(score)
        assert found["score"][row] == pytest.approx(score, abs=1e-5)
        assert found["partition"][row] == pytest.approx(partition, abs=1e-5)
        assert found["likelihood"][row] == pytest.approx(score - partition, abs=1e-5)
        marginals = np.zeros((T, N))
        steps = np.flatnonzero(mask)
        for path, one in zip(paths, scores, strict=True):
            marginals[steps, list(path)] += np.exp(one - partition)
        np.testing.assert_allclose(found["marginals"][row], marginals, atol=1e-5)
        tags, best = (x[row] for x in found["path"])
        assert tuple(tags[mask]) == paths[scores.argmax()] and not tags[~mask].any()
        assert best == pytest.approx(scores.max(), abs=1e-5)


def test_types(found):
    tags = found["path"][0]
    assert keras.backend.standardize_dtype(tags.dtype) == "int32"
    others = [
        *keras.tree.flatten({k: v for k, v in found.items() if k != "path"}),
        found["path"][1],
    ]
    assert {keras.backend.standardize_dtype(x.dtype) for x in others} == {"float32"}


def test_the_probabilities_of_all_sequences_sum_to_one(crf):
    every = np.array([*itertools.product(range(N), repeat=T)], "int32")
    emissions = np.repeat(EMISSIONS[:1], len(every), axis=0)
    mask = np.ones(every.shape, bool)
    likelihoods = array(compiled_call(crf.log_likelihood, crf.variables)(emissions, every, mask))
    assert np.exp(likelihoods).sum() == pytest.approx(1, abs=1e-5)
    forbidden = np.isinf(enumerated(potentials(crf), EMISSIONS[0])[1])
    assert forbidden.any() == (crf.constraints is not None)
    np.testing.assert_array_equal(likelihoods < -1e11, forbidden)
    assert np.isfinite(likelihoods).all()


def test_gradients_are_finite_differences(crf):
    """Of the enumerated likelihood, with respect to every weight and emission."""
    factors = np.arange(1.0, B + 1)
    run = compiled_call(crf.log_likelihood, crf.variables)

    def total(emissions):
        weights = keras.ops.convert_to_tensor(factors.astype("float32"))
        return keras.ops.sum(run(emissions, TAGS, MASK) * weights)

    of_weights = weight_gradients(crf.trainable_variables, lambda: total(EMISSIONS))
    # What is masked is not looked at, be it nothing that one could reckon with.
    spoilt = np.where(MASK[..., None], EMISSIONS, np.nan)
    _, of_emissions = gradient(total, spoilt)
    args = [*potentials(crf), EMISSIONS.astype("float64")]  # changed in place, one by one

    def objective():
        return factors @ likelihood_of(args[:3], args[3], TAGS, MASK)

    for one, actual in zip(args, [*of_weights, array(of_emissions)], strict=True):
        expected = np.zeros(one.shape)
        for place in np.ndindex(one.shape):
            middle = one[place]
            both = []
            for side in (1e-5, -1e-5):
                one[place] = middle + side
                both.append(objective())
            one[place] = middle
            expected[place] = (both[0] - both[1]) / 2e-5
        np.testing.assert_allclose(actual, expected, atol=2e-4)


def test_marginals_are_the_gradient_of_the_log_partition(crf, found):
    run = compiled_call(crf.log_partition, crf.variables)
    _, slope = gradient(lambda x: keras.ops.sum(run(x, MASK)), EMISSIONS)
    assert_close(slope, found["marginals"])


def test_padding_and_rows_change_nothing(crf, found):
    widths = [(0, 0), (0, 3)]
    run = everything(crf)
    longer = run(
        np.pad(EMISSIONS, [*widths, (0, 0)], constant_values=np.nan),
        np.pad(TAGS, widths, constant_values=-1),
        np.pad(MASK, widths),
    )
    for one, other in zip(arrays(longer), arrays(found), strict=True):
        np.testing.assert_allclose(one[:, :T] if one.ndim > 1 else one, other, atol=1e-5)
        assert one.ndim == 1 or not one[:, T:].any()
    rows = [arrays(run(EMISSIONS[i : i + 1], TAGS[i : i + 1], MASK[i : i + 1])) for i in range(B)]
    assert_close([np.concatenate(column) for column in zip(*rows, strict=True)], arrays(found))


def test_a_mask_of_ones_is_no_mask(crf):
    ones = np.ones((B, T), bool)
    tags = TAGS % N
    assert_close(crf.log_likelihood(EMISSIONS, tags), crf.log_likelihood(EMISSIONS, tags, ones))
    assert_close(crf.decode(EMISSIONS), crf.decode(EMISSIONS, ones))
    assert_close(crf.marginals(EMISSIONS), crf.marginals(EMISSIONS, ones))


def test_float64_is_exact():
    if keras.config.backend() == "jax":
        pytest.skip("needs a process of its own")
    crf = made()
    emissions = EMISSIONS.astype("float64")
    likelihood = crf.log_likelihood(emissions, TAGS, MASK)
    assert keras.backend.standardize_dtype(likelihood.dtype) == "float64"
    expected = likelihood_of(potentials(crf), emissions, TAGS, MASK)
    np.testing.assert_allclose(array(likelihood), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(0, T), (2, 0), (0, 0)])
def test_nothing_gives_a_defined_answer(shape):
    crf = made()
    emissions, tags = np.zeros((*shape, N), "float32"), np.zeros(shape, "int32")
    assert_close(crf.log_likelihood(emissions, tags), np.zeros(shape[0]))
    assert_close(crf.decode(emissions), [tags, np.zeros(shape[0])])
    assert_close(crf.marginals(emissions), emissions)


def test_one_tag_is_certain():
    crf = made(1)
    emissions, tags = floats(2, T, 1), np.zeros((2, T), "int32")
    assert_close(crf.log_likelihood(emissions, tags), np.zeros(2))
    assert_close(crf.decode(emissions)[0], tags)
    assert_close(crf.marginals(emissions), np.ones((2, T, 1)))


def test_long_sequences_keep_their_digits():
    crf, steps = made(), 300
    emissions = 5 * floats(1, steps, N)
    transitions, start, end = potentials(crf)
    alpha = start + emissions[0, 0].astype("float64")
    for e in emissions[0, 1:].astype("float64"):
        alpha = np.logaddexp.reduce(alpha[:, None] + transitions, axis=0) + e
    expected = np.logaddexp.reduce(alpha + end)
    partition = compiled_call(crf.log_partition, crf.variables)(emissions)
    np.testing.assert_allclose(array(partition), [expected], rtol=1e-6)


def test_without_weights_each_step_is_a_softmax():
    crf = CRF(N)
    assert_close(crf.marginals(EMISSIONS), keras.ops.softmax(EMISSIONS, axis=-1))


@pytest.mark.parametrize("scheme", ["BIO", "IOB1", "IOBES", "bilou"])
def test_decoded_tags_keep_to_their_scheme(scheme):
    names = [
        "O",
        *(
            f"{p}-{kind}"
            for kind in "XY"
            for p in {"IOBES": "BIES", "bilou": "BILU"}.get(scheme, "BI")
        ),
    ]
    crf = CRF(len(names), tag_constraints(names, scheme))
    mask = np.arange(6) < np.array([6, 3, 1] * 10)[:, None]
    emissions = 1e6 * floats(30, 6, len(names))  # certain, and mostly of what may not be
    paths = array(compiled_call(crf.decode, ())(emissions, mask)[0])
    for path, length in zip(paths, mask.sum(1), strict=True):
        check_tags([names[tag] for tag in path[:length]], scheme)
    free = [[names[tag] for tag in row] for row in emissions.argmax(-1)]
    with pytest.raises(ValueError, match="not valid"):
        for row in free:
            check_tags(row, scheme)


# A model: the first step tells whether 0 1 0 1 ... or 1 0 1 0 ... comes, the others tell nothing.

LENGTHS = np.array([5, 3, 1, 4] * 4)
STARTS = np.array([0, 1] * 8)
KEPT = np.arange(5) < LENGTHS[:, None]
LABELS = (np.arange(5) + STARTS[:, None]) % 2
FEATURES = np.eye(2, dtype="float32")[STARTS][:, None] * (np.arange(5) == 0)[:, None]


def tagger(masking=False):
    """A model without a memory of its own below its CRF, over sequences of any length."""
    inputs = keras.Input((None, 2))
    mask = keras.Input((None,), dtype="bool")
    crf = CRF(2, transition_initializer="glorot_uniform")
    hidden = keras.layers.Dense(2)(inputs)
    model = keras.Model([inputs, mask], crf(hidden, mask=mask))
    model.compile(keras.optimizers.Adam(0.2), loss=CRFLoss(crf))
    return model, crf


@pytest.mark.parametrize("name", ["float32", "mixed_float16"])
def test_it_is_trained_saved_and_loaded(name, policy, tmp_path):
    policy(name)
    model, crf = tagger()
    inputs = [FEATURES, KEPT]
    model.fit(inputs, LABELS, batch_size=16, epochs=25, verbose=0)
    loss = model.evaluate(inputs, LABELS, batch_size=16, verbose=0)
    assert loss < 0.3
    emissions = model.predict(inputs, verbose=0)
    assert emissions.dtype == ("float32" if name == "float32" else "float16")
    assert_close(crf.decode(emissions, KEPT)[0], LABELS * KEPT)
    assert {weight.dtype for weight in crf.weights} == {"float32"}

    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    assert copy.evaluate(inputs, LABELS, batch_size=16, verbose=0) == pytest.approx(loss, abs=1e-5)
    # The loss reads the weights of the layer that came with it.
    other = copy.get_layer(crf.name)
    other.set_weights([-weight for weight in crf.get_weights()])
    assert copy.evaluate(inputs, LABELS, batch_size=16, verbose=0) > 2 * loss
    assert model.evaluate(inputs, LABELS, batch_size=16, verbose=0) == pytest.approx(loss, abs=1e-5)


def test_it_decodes_inside_a_model():
    class Tags(keras.Model):
        def __init__(self):
            super().__init__()
            self.crf = made(constraints=CONSTRAINTS)

        def call(self, inputs):
            return self.crf.decode(inputs["emissions"], inputs["mask"])

    model = Tags()
    for time in (T, T + 1):
        widths = [(0, 0), (0, time - T)]
        inputs = {
            "emissions": np.pad(EMISSIONS, [*widths, (0, 0)]),
            "mask": np.pad(MASK, widths),
        }
        tags, score = model.predict(inputs, verbose=0)
        expected = arrays(model.crf.decode(EMISSIONS, MASK))
        assert_close([tags[:, :T], score], expected)


def test_padding_is_told_in_any_way():
    crf = made()
    loss = CRFLoss(crf)
    expected = -array(crf.log_likelihood(EMISSIONS, TAGS, MASK))
    marked = np.where(MASK, TAGS, -1)
    ones = np.where(MASK, 1.0, 0.0)
    tags = TAGS % N
    emissions = crf(EMISSIONS, mask=MASK)
    for found in (
        loss(marked, EMISSIONS),
        loss(marked[..., None], EMISSIONS),
        loss(tags, EMISSIONS, sample_weight=ones),
        loss(tags, emissions),
        loss(tags, EMISSIONS, sample_weight=MASK),
    ):
        assert float(array(found)) == pytest.approx(expected.mean(), abs=1e-5)
    weights = np.array([1.0, 0.5, 2.0, 1.0, 3.0], "float32")
    for weight in (weights, weights[:, None] * ones):
        found = loss(marked, EMISSIONS, sample_weight=weight)
        assert float(array(found)) == pytest.approx((weights * expected).mean(), abs=1e-5)
    summed = CRFLoss(crf, reduction="sum")(marked, EMISSIONS)
    assert float(array(summed)) == pytest.approx(expected.sum(), abs=1e-4)


def test_a_mask_travels_through_it():
    crf = made()
    ids = np.array([[1, 2, 0, 0], [2, 0, 0, 0]])
    embedded = keras.layers.Embedding(3, N, mask_zero=True)(ids)
    outputs = crf(embedded)
    assert_close(outputs, array(embedded) * (ids > 0)[..., None])
    tags = np.zeros((2, 4), "int32")
    expected = -array(crf.log_likelihood(embedded, tags, ids > 0)).mean()
    assert float(array(CRFLoss(crf)(tags, outputs))) == pytest.approx(expected, abs=1e-5)


def test_what_is_forbidden_is_not_trained():
    crf = made(constraints=CONSTRAINTS, transition_regularizer=keras.regularizers.L2(0.0))
    assert len(crf.losses) == 1
    slopes = weight_gradients(
        crf.trainable_variables,
        lambda: keras.ops.sum(crf.log_likelihood(EMISSIONS, TAGS, MASK)),
    )
    assert slopes[0][1, 2] == slopes[0][1, 1] == slopes[1][1] == slopes[2][0] == 0


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: CRF(0), "`units` must be an integer above 0"),
        (lambda: CRF(3, [(0, 3)]), r"pairs \(from, to\) of tags in \[0, 3\); received \(0, 3\)"),
        (lambda: CRF(3, [1]), "received 1"),
        (lambda: CRF(3, {"start": ["O"]}), r"`constraints\['start'\]` must hold tags .* 'O'"),
        (lambda: CRF(3, {"starts": [0]}), r"keys \['transitions', 'start', 'end'\]; .*'starts'"),
        (lambda: CRF(2, {"start": [0, 1]}), "leave no sequence of 2 tags"),
        (lambda: CRF(2, {"start": [0], "transitions": [(1, 0)], "end": [1]}), "leave no sequence"),
        (lambda: CRF(3)(floats(2, 4, 5)), r"needs emissions \(batch, time, 3\).*\(2, 4, 5\)"),
        (lambda: CRF(3).decode(floats(2, 3)), r"needs emissions \(batch, time, 3\)"),
        (lambda: CRF(3).decode(EMISSIONS, MASK[:, :2]), r"`mask` .*\(5, 4\); .*\(5, 2\)"),
        (lambda: CRF(3).score(EMISSIONS, TAGS[:, 0] * 0), r"`tags` must be .*shape \(5,\)"),
        (lambda: CRF(3).score(EMISSIONS, TAGS), "received 9 in row 1 at step 2"),
        (lambda: CRF(3).score(EMISSIONS, -MASK.astype(int), MASK), "received -1 in row 0"),
        (lambda: CRFLoss("crf"), "`crf` must be a layer CRF; received 'crf'"),
    ],
)
def test_mistakes_are_told(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()
