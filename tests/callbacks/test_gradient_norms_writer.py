"""The norms of every step, as TensorBoard reads them from the disk."""

import keras
import numpy as np
import pytest

from keras_seq._tensorflow import tensorflow
from keras_seq.callbacks import GradientNorms

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def fit(*callbacks, epochs=2, x=X, **options):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="out")])
    model.compile(keras.optimizers.SGD(0.01, **options), "mse")
    model.fit(x, Y, batch_size=4, epochs=epochs, verbose=0, callbacks=list(callbacks))


def scalars(folder):
    """From the name of a number to a dict from steps to values, out of all event files."""
    tf = tensorflow()
    found = {}
    for file in sorted(folder.rglob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            event = tf.compat.v1.Event.FromString(record)
            for value in event.summary.value:
                assert value.metadata.plugin_data.plugin_name == "scalars"
                number = float(tf.make_ndarray(value.tensor))
                assert event.step not in found.setdefault(value.tag, {})
                found[value.tag][event.step] = number
    return found


def test_every_step_is_in_the_folder(tmp_path):
    norms = GradientNorms(every_step=True, buffer_steps=2, writer=tmp_path / "logs")
    fit(norms)
    found = scalars(tmp_path / "logs")
    assert set(found) == set(norms.norms) >= {"gradient_norm", "gradient_norm/out"}
    for name, values in norms.norms.items():
        assert list(found[name]) == [1, 2, 3, 4, 5, 6]
        np.testing.assert_allclose(list(found[name].values()), values, rtol=1e-6)
    first = norms.norms["gradient_norm"]
    fit(norms, epochs=1)  # goes on from the sixth step
    found = scalars(tmp_path / "logs")["gradient_norm"]
    assert list(found) == list(range(1, 10))
    both = [*first, *norms.norms["gradient_norm"]]
    np.testing.assert_allclose(list(found.values()), both, rtol=1e-6)


def test_a_writer_stays_open(tmp_path):
    writer = tensorflow().summary.create_file_writer(str(tmp_path))
    fit(GradientNorms("global", writer=writer), epochs=1)
    assert list(scalars(tmp_path)["gradient_norm"]) == [1, 2, 3]
    with writer.as_default():
        tensorflow().summary.write("more", 1.0, step=1)
    writer.close()


def test_what_is_not_applied_is_not_written_and_what_is_not_finite_is(tmp_path):
    norms = GradientNorms("global", writer=str(tmp_path / "a"))
    fit(norms, gradient_accumulation_steps=2)
    found = scalars(tmp_path / "a")
    assert list(found["gradient_norm"]) == [1, 2, 3, 4, 5, 6]
    assert list(found["clipped_gradient_norm"]) == [2, 4, 6]
    fit(GradientNorms(warn=False, writer=tmp_path / "b"), epochs=1, x=np.full_like(X, np.nan))
    assert np.isnan(list(scalars(tmp_path / "b")["gradient_norm"].values())).all()


@pytest.mark.once
def test_tensorboard_reads_it(tmp_path):
    name = "tensorboard.backend.event_processing.event_accumulator"
    events = pytest.importorskip(name).EventAccumulator(str(tmp_path))
    norms = GradientNorms(every_step=True, writer=tmp_path)
    fit(norms)
    events.Reload()
    read = [tensorflow().make_ndarray(one.tensor_proto) for one in events.Tensors("gradient_norm")]
    np.testing.assert_allclose(read, norms.norms["gradient_norm"], rtol=1e-6)


@pytest.mark.once
@pytest.mark.parametrize("writer", [5, True, ["logs"], b"logs"], ids=repr)
def test_mistakes(writer):
    with pytest.raises(ValueError, match=r"`writer` must be a folder or a writer of tf\.summary"):
        GradientNorms(writer=writer)
