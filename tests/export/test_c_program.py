"""The way through the C program changes nothing: tables, tokenizers, all the types, the errors."""

import sys

import numpy as np
import pytest
from c_program import STRING, ask, graph_names, program, run, text_kernels, to_bytes

from keras_seq._tensorflow import tensorflow, tensorflow_text
from keras_seq.text import SubwordTokenizer

pytestmark = pytest.mark.slow

TEXTS = ["one", "", "naïve café", "日本語", "🙂👍🏽", "a\0b", "long " * 50, "ｆｕｌｌ"]  # noqa: RUF001


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A SavedModel and its functions by the names of their signatures."""
    tf = tensorflow()
    module = tf.Module()
    module.functions = {
        "mix": _mix(tf, module),
        "cut": _cut(tf, module),
        "check": _check(tf),
    }
    folder = tmp_path_factory.mktemp("saved")
    tf.saved_model.save(module, folder, signatures=module.functions)
    return folder, module.functions


def _mix(tf, module):
    pairs = tf.lookup.KeyValueTensorInitializer(["one", "日本語"], [1.0, 2.5])
    module.table = tf.lookup.StaticHashTable(pairs, default_value=-1.0)
    module.scale = tf.Variable(3.0)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, "text"),
            tf.TensorSpec([None], tf.int32, "count"),
            tf.TensorSpec([None], tf.float32, "weight"),
        ]
    )
    def mix(text, count, weight):
        return {
            "same": text,
            "found": module.table.lookup(text) * weight * module.scale,
            "doubled": 2 * count,
            "places": tf.where(count[:, None] > [0, 1]),
            "pairs": tf.stack([text, tf.strings.as_string(count)], 1)[:, :, None],
            "rows": tf.size(text),
        }

    return mix


def _cut(tf, module):
    tokenizer = SubwordTokenizer.from_texts(["one two three", "日本語"], max_vocabulary=40)
    module.resources = tokenizer.resources()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def cut(text):
        text = tensorflow_text().normalize_utf8(text, "NFKC")
        ids = tokenizer.tokenize(text)
        return {"text": text, "ids": ids.to_tensor(), "joined": tokenizer.detokenize(ids)}

    return cut


def _check(tf):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, "number")])
    def check(number):
        tf.print("checked", output_stream=sys.stdout)
        positive = tf.debugging.assert_positive(number, "there is a number below one")
        with tf.control_dependencies([positive]):
            return {"number": tf.identity(number)}

    return check


def _equal(found, expected):
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        array = np.asarray(tensor.numpy())
        assert found[name].dtype == array.dtype, name
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_every_type_goes_through(saved):
    folder, functions = saved
    numbers = range(-1, len(TEXTS) - 1)
    requests = [
        {"text": TEXTS, "count": [*numbers], "weight": [0.1 * number for number in numbers]},
        {"text": ["one"], "count": [7], "weight": [1e-9]},
        {"text": [], "count": [], "weight": []},
        {"text": [b"\xff\xfe", b"one"], "count": [0, 2**31 - 1], "weight": [np.inf, 1.0]},
    ]
    answers = ask(folder, "mix", *requests)
    tf = tensorflow()
    for request, answer in zip(requests, answers, strict=True):
        expected = functions["mix"](
            tf.constant(request["text"], tf.string),
            tf.constant(request["count"], tf.int32),
            tf.constant(request["weight"], tf.float32),
        )
        _equal(answer, expected)
    assert answers[0]["pairs"].shape == (len(TEXTS), 2, 1)
    assert answers[0]["same"].tolist() == [text.encode() for text in TEXTS]


def test_text_operations_are_loaded(saved):
    folder, functions = saved
    texts = [text for text in TEXTS if "\0" not in text]
    whole, *rows, none = ask(
        folder, "cut", {"text": texts}, *({"text": [text]} for text in texts), {"text": []}
    )
    _equal(whole, functions["cut"](tensorflow().constant(texts)))
    assert whole["text"][-1] == b"full"
    assert whole["joined"].tolist() == [row["joined"].item() for row in rows]
    assert none["ids"].shape == (0, 0)


def test_what_the_model_prints_is_no_answer(saved):
    (answer,) = ask(saved[0], "check", {"number": [3, 4]})
    assert answer["number"].tolist() == [3, 4]


def test_an_error_of_the_model_is_told(saved):
    with pytest.raises(RuntimeError, match="there is a number below one"):
        ask(saved[0], "check", {"number": [3]}, {"number": [0]})


def test_an_operation_that_is_not_loaded_is_named(saved):
    with pytest.raises(RuntimeError, match="not registered 'Sentencepiece"):
        ask(saved[0], "cut", {"text": ["one"]}, libraries=())


def test_a_wrong_request_is_told_before_it_runs(saved):
    with pytest.raises(ValueError, match=r"no signature turn, only .*check, cut, mix"):
        ask(saved[0], "turn", {"text": []})
    with pytest.raises(ValueError, match="mix takes count, text, weight; received text"):
        ask(saved[0], "mix", {"text": []})


def test_a_wrong_call_of_the_program_is_told(saved, tmp_path):
    folder, words = saved[0], [f"-l{path}" for path in text_kernels()]
    name = graph_names(folder, "cut")[0]["text"][0]
    cut_off = to_bytes(["one"], STRING)[:-1]
    for call, message in [
        (lambda: run(tmp_path), "SavedModel"),
        (lambda: run(), "expected one folder, received 0"),
        (lambda: run(f"-l{tmp_path / 'none.so'}", folder), "none.so"),
        (lambda: run(*words, "-inone:0", folder), "no operation none"),
        (lambda: run(*words, f"-i{name}", folder, asked=cut_off), "ends within a request"),
    ]:
        with pytest.raises(RuntimeError, match=message):
            call()


def test_without_a_compiler_the_test_is_skipped(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(pytest.skip.Exception, match="no C compiler"):
        program()
