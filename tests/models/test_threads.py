"""Several threads use one model: each gets the answers that one thread alone would get."""

import http.server
import json
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from checks import shortened

from keras_seq.analysis import gradient_flow
from keras_seq.models import LanguageModel, Seq2Seq, TextClassifier, TextTagger
from keras_seq.samplers import Random

TEXTS = ["ab a", "b", "ba b a", "aaaa", "b b", "abab"]


@pytest.fixture(autouse=True)
def _often():
    """Threads take turns in the middle of everything."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


def language_model():
    return LanguageModel.from_texts(["ab a", "b ba"], units=3, window=3)


def translator():
    return Seq2Seq.from_texts(
        ["ab a", "b ba"], ["xy", "y"], tokens="char", units=2, bidirectional=False
    )


def classifier():
    return TextClassifier.from_texts(["ab a", "b"], ["x", "y"], units=2, pooling="attention")


def tagger():
    return TextTagger.from_texts(["ab a", "b"], ["X Y", "Y"], units=2, characters=None)


def made(make):
    keras.utils.set_random_seed(0)
    model = make()
    model.compile("adam")
    return model


RANDOM = Random(seed=3)  # shared by all threads and models

CALLS = {
    "generate": (language_model, lambda m, text: m.generate(text, RANDOM, max_length=4)),
    "stream": (language_model, lambda m, text: "".join(m.stream(text, "greedy", max_length=3))),
    "score": (language_model, lambda m, text: m.score(text)["log_probability"]),
    "translate": (translator, lambda m, text: m.generate(text, max_length=4)),
    "attention": (translator, lambda m, text: m.attention([text], ["xy"])[0]["attention"]),
    "classify": (classifier, lambda m, text: m.classify(text, return_probabilities=True)),
    "weights": (classifier, lambda m, text: m.attention([text])[0]["attention"]),
    "tag": (tagger, lambda m, text: m.tag(text, return_probabilities=True)["probabilities"]),
}
MEASURED = {
    language_model: lambda m, text: m.evaluate([text], verbose=0),
    translator: lambda m, text: m.evaluate([text], ["xy"[: len(text) % 3]], verbose=0),
    classifier: lambda m, text: m.evaluate([text], ["xy"[len(text) % 2]], verbose=0),
    tagger: lambda m, text: m.test_on_batch([text], [" ".join("X" for _ in text.split())]),
}


def in_threads(function, things):
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(function, things))


def assert_same(found, expected):
    """Numbers are near each other, all else is equal."""
    found, expected = keras.tree.flatten(found), keras.tree.flatten(expected)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, str):
            assert one == other
        else:
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", shortened(CALLS, "generate", "translate", "weights", "tag"))
def test_answers(name):
    make, call = CALLS[name]
    texts = TEXTS if name != "tag" else [text for text in TEXTS if text.strip()]
    model = made(make)
    first = in_threads(lambda text: call(model, text), texts)
    later = in_threads(lambda text: call(model, text), texts)
    other = made(make)
    expected = [call(other, text) for text in texts]
    assert_same(first, expected)
    assert_same(later, expected)


@pytest.mark.parametrize(
    "make", shortened(MEASURED, language_model, tagger), ids=lambda make: make.__name__
)
def test_what_is_measured(make):
    model, call = made(make), MEASURED[make]
    found = in_threads(lambda text: call(model, text), TEXTS)
    assert_same(found, [call(model, text) for text in TEXTS])


def test_answers_beside_a_gradient_flow():
    model, other = made(classifier), made(classifier)
    expected = other.predict(TEXTS, verbose=0)
    data = ["ab a", "b"], ["x", "y"]
    flow = gradient_flow(other, *data)

    def work(number):
        return gradient_flow(model, *data) if number % 2 else model.predict(TEXTS, verbose=0)

    found = in_threads(work, range(4))
    for number, one in enumerate(found):
        if number % 2:
            assert list(one) == list(flow)
            assert_same(one, flow)
        else:
            np.testing.assert_allclose(one, expected, atol=1e-5)


@pytest.mark.slow
def test_answers_beside_a_training():
    """Nothing that answers changes what is learnt, and every answer is one of some step."""
    model, alone = made(language_model), made(language_model)
    texts = ["ab a b", "ba b a"] * 4
    alone.fit(texts, batch_size=2, epochs=4, verbose=0, validation_data=texts[:2])
    stop, problems, scores = threading.Event(), [], []

    def ask():
        while not stop.is_set():
            try:
                scores.append(model.score("ab")["log_probability"])
                model.generate("a", max_length=2)
            except Exception as error:
                problems.append(error)
                return

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        model.fit(texts, batch_size=2, epochs=4, verbose=0, validation_data=texts[:2])
    finally:
        stop.set()
        asking.join()
    assert not problems
    assert scores and np.isfinite(scores).all()
    for one, other in zip(model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert_same(model.score("ab"), alone.score("ab"))


class Ask(keras.callbacks.Callback):
    """Asks the model in other threads, at the end of an epoch."""

    def on_epoch_end(self, epoch, logs=None):
        self.answers = in_threads(self.model.classify, TEXTS)
        self.weights = self.model.get_weights()
        with ThreadPoolExecutor(1) as pool, pytest.raises(RuntimeError, match="another thread"):
            pool.submit(self.model.evaluate, ["a"], ["x"], verbose=0).result()


def test_a_callback_may_have_threads():
    model, ask = made(classifier), Ask()
    model.fit(["ab a", "b"], ["x", "y"], verbose=0, callbacks=[ask])
    model.set_weights(ask.weights)
    assert ask.answers == model.classify(TEXTS)


def test_a_server():
    model = made(classifier)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = json.dumps(model.classify(text, return_probabilities=True)).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    def ask(text):
        with urllib.request.urlopen(url, text.encode(), timeout=100) as answer:
            return json.load(answer)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            found = in_threads(ask, TEXTS)
        finally:
            server.shutdown()
            thread.join()
    assert_same(found, made(classifier).classify(TEXTS, return_probabilities=True))
