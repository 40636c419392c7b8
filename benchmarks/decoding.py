"""Translating: sentences a second, greedily and with a beam of 5, beside JoeyNMT.

    KERAS_SEQ_DATA=... KERAS_BACKEND=torch python -m benchmarks.decoding [--json FILE] [--quick]
        [--repeats N]

A bidirectional GRU of 512, embeddings of 256, one layer, additive attention, on captions of
Multi30k's val split, in batches of 64 and one at a time. "Luong, fed" has the decoder of JoeyNMT.

The speed of a search depends on how much it writes, and untrained models end nowhere or at
random. So neither may end: the end token's logit is -1e9 in ours, and JoeyNMT's shortest length is
its longest. All write exactly as many tokens for every sentence, the mean of the references with
their end token, and each benchmark checks that they did. What a search saves when some sentences
end early is so left out on both sides: that ours puts sentences of similar length together, and
that both leave the loop when all rows are done.

Ours goes from strings to strings. JoeyNMT reads tokens split at spaces, which were written to a
file beforehand, and ends with strings; the files and the splitting are not counted. Its batches
come in the order of the sentences, and only within a batch are they sorted. A first round, not
counted, meets (and compiles) all shapes.
"""

import tempfile

import torch  # noqa: F401  # isort: skip  (before TensorFlow: after it, it can crash)

import keras

from benchmarks import timing
from benchmarks.captions import captions
from benchmarks.peers import joeynmt_translator
from keras_seq import samplers
from keras_seq.models import Seq2Seq
from keras_seq.text import WordTokenizer
from keras_seq.text.tokenizer import SPECIAL_TOKENS

BATCH_SIZE = 64
COUNT, ALONE = 1000, 50  # sentences: in batches, and one at a time
SIZES = {"units": 512, "embedding_dim": 256}
MODELS = {
    "keras_seq": {},
    "keras_seq, Luong, fed": {"order": "luong", "input_feeding": True},
}
BEAMS = (1, 5)


def endless(model):
    """The model, which now never ends a sentence."""
    bias = model.decoder.projection.bias
    values = keras.ops.convert_to_numpy(bias).copy()
    values[model.target_tokenizer.end_token_id] = -1e9
    bias.assign(values)
    return model


def sampler(beam):
    """The sampler of a beam of so many."""
    return samplers.Greedy() if beam == 1 else samplers.Beam(beam)


def our_function(model, sentences, beam, length, batch_size):
    """A function that translates all sentences; before, check that it writes `length` tokens."""
    search = sampler(beam)
    options = {"sampler": search, "max_length": length}
    for found in model.generate(sentences[:8], return_attention=True, **options):
        if len(found["target_tokens"]) != length:
            raise AssertionError(f"expected {length} tokens, {found['target_tokens']} came")

    def in_batches():
        model.generate(sentences, batch_size=batch_size, **options)

    def one_by_one():
        for sentence in sentences:
            model.generate(sentence, **options)

    return one_by_one if batch_size == 1 else in_batches


class Joey:
    """JoeyNMT's side: the model, and the files that it reads."""

    def __init__(self, tokenizers, sizes, folder):
        self.source, self.folder = tokenizers[0], folder
        self.model = joeynmt_translator.JoeyTranslator(
            [one.vocabulary[len(SPECIAL_TOKENS) :] for one in tokenizers],
            sizes["embedding_dim"],
            sizes["units"],
            timing.torch_device(),
        )

    def function(self, sentences, beam, length, batch_size):
        """A function that translates all sentences."""
        tokens = self.source.split(sentences)
        data = self.model.dataset(self.folder, f"test{len(sentences)}", tokens)

        def run():
            self.model.translate(data, beam, length, batch_size)

        return run


def compare(makers, sentences, beam, length, batch_size, repeats):
    """The results of all systems for one way to search."""
    functions = {name: make(sentences, beam, length, batch_size) for name, make in makers.items()}
    return [
        {
            "system": name,
            "beam": beam,
            "batch_size": batch_size,
            "sentences": len(sentences),
            "tokens_per_sentence": length,
            "seconds": timing.spread(times),
            "sentences_per_second": len(sentences) / timing.spread(times)["median"],
        }
        for name, times in timing.interleaved(functions, repeats).items()
    ]


def rows(results):
    """The lines of a table; the ratio is to the last line."""
    lines = []
    for one in results:
        rate = one["sentences_per_second"]
        ratio = rate / results[-1]["sentences_per_second"]
        lines.append([one["system"], rate, rate * one["tokens_per_sentence"], ratio])
    return lines


def main():
    """Run all ways to search, a table each."""
    parser = timing.parser(__doc__, repeats=3)
    parser.add_argument(
        "--vocabulary", type=int, default=8000, help="largest word vocabulary; %(default)s"
    )
    options = parser.parse_args()
    report = timing.Report("decoding", options)
    *pairs, _ = captions("train")
    sentences, references, origin = captions("val")
    sizes, count, alone = SIZES, COUNT, ALONE
    if options.quick:
        pairs, sizes = [texts[:200] for texts in pairs], {"units": 8, "embedding_dim": 4}
        count, alone = 5, 2
    limits = {"max_vocabulary": options.vocabulary, "lowercase": True}
    tokenizers = [WordTokenizer.from_texts(texts, **limits) for texts in pairs]
    written = tokenizers[1].encode(references)
    length = round(sum(map(len, written)) / len(written)) + 1  # and the end token
    makers = {}
    for name, config in MODELS.items():
        model = endless(Seq2Seq(*tokenizers, cell="gru", **sizes, **config))
        makers[name] = lambda *case, model=model: our_function(model, *case)
    with tempfile.TemporaryDirectory() as folder:
        if joeynmt_translator.is_installed():
            makers["JoeyNMT"] = Joey(tokenizers, sizes, folder).function
        else:
            print("JoeyNMT is not installed: left out; see benchmarks/peers/joeynmt_translator.py")
        print(f"{origin}; {length} tokens for each sentence\n")
        for batch_size, some in ((BATCH_SIZE, sentences[:count]), (1, sentences[:alone])):
            for beam in BEAMS:
                results = compare(makers, some, beam, length, batch_size, options.repeats)
                how = "greedy" if beam == 1 else f"beam {beam}"
                where = "one at a time" if batch_size == 1 else f"batches of {batch_size}"
                headers = ["system", "sentences/s", "tokens/s", f"times {results[-1]['system']}"]
                title = f"{how}, {where}, {len(some):,} sentences"
                report.add(title, headers, rows(results), results)


if __name__ == "__main__":
    main()
