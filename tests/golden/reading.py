"""Read a golden model and say what it answers, in the form in which the answers are kept."""

import json
import pathlib
import re
import zipfile

import h5py
import keras
import numpy as np

FOLDER = pathlib.Path(__file__).parent
BACKEND = keras.config.backend()
_COUNTER = re.compile(r"_\d+(?=[/_]|$)")


def plainly(model):
    """The model without XLA and `torch.compile`, which take long; JAX knows no other way."""
    model.jit_compile = BACKEND == "jax"
    return model


def read(path):
    """The model of a file, read by Keras alone."""
    return plainly(keras.saving.load_model(path))


def plain(value):
    """A nest of answers as JSON holds it."""
    if isinstance(value, dict):
        return {str(key): plain(x) for key, x in value.items()}
    if isinstance(value, (str, bool, int, type(None))):
        return value
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.7g}")
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (list, tuple)):
        return [plain(x) for x in value]
    if keras.ops.is_tensor(value):
        value = keras.ops.convert_to_numpy(value)
    return plain(value.tolist())


def without_counters(path):
    """The path of a weight without the numbers that tell how many layers a process has made."""
    return _COUNTER.sub("", path)


def cleaned(x):
    """A config without what may change: the files that classes stand in, and counted names.

    An optimiser stands in another file of Keras on each backend.
    """
    if not isinstance(x, dict):
        return [cleaned(y) for y in x] if isinstance(x, (list, tuple)) else x
    own = str(x.get("registered_name") or "").startswith("keras_seq>")
    left_out = {"module", "shared_object_id", *(() if own else ("registered_name",))}
    return {
        key: without_counters(value) if key == "name" and value else cleaned(value)
        for key, value in x.items()
        if key not in left_out
    }


def config_of(model):
    """What a file holds of a model beside its weights, as JSON."""
    serialized = keras.saving.serialize_keras_object(model)
    return cleaned(json.loads(json.dumps(serialized, default=plain)))


def variables_of(variables):
    """Path, shape, dtype, sum and sum of squares of each variable, in their order."""
    rows = []
    for variable in variables:
        numbers = keras.ops.convert_to_numpy(keras.ops.cast(variable, "float32"))
        numbers = numbers.astype("float64")
        sums = float(numbers.sum()), float((numbers**2).sum())
        path = without_counters(variable.path)
        kind = (
            "int" if variable.dtype in ("int32", "int64") else variable.dtype
        )  # as backends count
        rows.append([path, list(variable.shape), kind, *plain(sums)])
    return rows


def optimizer_of(model):
    """The same for the optimiser of a model; `None` where it has none."""
    if getattr(model, "optimizer", None) is None:
        return None
    return variables_of(model.optimizer.variables)


def array(x):
    """An array for a bare Keras model."""
    x = np.asarray(x)
    return x.astype("float32" if x.dtype.kind == "f" else "int32")


def ask(model, question):
    """The answer of one method, such as `["tag", ["Anna sings"], {"return_spans": true}]`."""
    method, args, options = question
    if method == "layers":  # a bare Keras model
        arrays = [array(x) for x in args]
        return plain(model.predict_on_batch(arrays if len(arrays) > 1 else arrays[0]))
    if method == "stream":
        return plain(list(model.stream(*args, **options)))
    if method == "predict":
        options = {"verbose": 0, **options}
        if isinstance(args[0], dict):
            args = [{name: np.asarray(x, "int32") for name, x in args[0].items()}]
    return plain(getattr(model, method)(*args, **options))


def data_of(record):
    """What a golden model was trained on: `(x, y)`, arrays for a bare Keras model."""
    x, y = record["data"]
    if record["bare"]:
        x = [array(column) for column in x]
        return x if len(x) > 1 else x[0], array(y)
    return x, y


def evaluate(model, record):
    """Loss and metrics on the texts of the training."""
    x, y = data_of(record)
    return plain(model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True))


def trains(record):
    """Whether this backend can go on: Keras writes down the optimisers of PyTorch as such."""
    written = record["written"]["backend"]
    return record["trains"] and (written != "torch" or BACKEND == "torch")


def begin(seed):
    """Go back to the names and the random numbers of a new process."""
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)


def go_on(name, record):
    """Read a model, and train it for one more epoch with the optimiser as it was saved.

    The states of random generators are not in the file: they are drawn when it is read.
    """
    begin(3)
    model = read(FOLDER / f"{name}.keras")
    before = int(model.optimizer.iterations)
    x, y = data_of(record)
    history = model.fit(x, y, batch_size=32, shuffle=False, verbose=0).history
    losses = {name: values[0] for name, values in history.items()}
    return plain({**losses, "steps": int(model.optimizer.iterations) - before})


def stored_names(path):
    """The name and the shape of each array in the file, in which Keras finds them again."""
    names = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            names[name] = tuple(item.shape)

    with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as stream:
        h5py.File(stream, "r").visititems(visit)
    return names


def deflate(path):
    """Pack the archive of a model tightly: Keras stores it as it is, which is mostly zeros."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)


def read_record(name):
    """What is known of a name; nothing where there is no file."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def write_record(name, record):
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")


def recording(task, seen):
    """A subclass of a task that notes down in `seen` each batch that it is trained on."""

    class Recording(task):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            batch = plain([x, y, sample_weight])
            columns = [array(column) for column in batch[0].values()]
            if any(np.any(column != 1) for column in columns):
                seen.append(batch)  # Keras tries a model out with ones
            return super().compute_loss(x, y, y_pred, sample_weight, training)

    return Recording


def first_epochs(function, epochs=2):
    """The first weights of a model for a seed, and the first epochs of its training."""
    begin(7)
    golden = function()
    model, found = plainly(golden.model), {"weights": variables_of(golden.model.weights)}
    if epochs:
        options = {"batch_size": 4, "epochs": epochs, "verbose": 0, **golden.fit}
        found["history"] = model.fit(golden.x, golden.y, **options).history
    return plain(found)


def encodings(tokenizers, texts):
    """Vocabulary, pieces, ids and the way back for each tokenizer."""
    found = {}
    for name, make in tokenizers.items():
        tokenizer = make()
        ids = tokenizer.tokenize(texts)
        found[name] = {
            "vocabulary": tokenizer.vocabulary,
            "split": tokenizer.split(texts),
            "ids": ids,
            "text": tokenizer.detokenize(ids),
        }
    return plain(found)


def all_batches(functions):
    """The batches of two epochs, as losses see them, of lists and of `tf.data`."""
    import tensorflow as tf

    found = {}
    for name, function in functions.items():
        begin(7)
        golden = function()
        model, seen = golden.model, []
        model.__class__ = recording(type(model), seen)
        model.run_eagerly = True
        x, y = golden.x, golden.y
        begin(8)
        model.fit(x, y, batch_size=2, epochs=2, verbose=0, **golden.fit)
        lists, seen[:] = list(seen), []
        begin(9)
        model.fit(x, y, batch_size=3, shuffle=False, validation_split=0.4, verbose=0)
        split, seen[:] = list(seen), []
        if not any(isinstance(row, list) for row in y or ()):
            texts = tf.data.Dataset.from_tensor_slices(x if y is None else (x, y))
            begin(10)
            model.fit(texts, batch_size=2, shuffle=False, verbose=0)
        found[name] = {"lists": lists, "split": split, "dataset": list(seen)}
    return plain(found)
