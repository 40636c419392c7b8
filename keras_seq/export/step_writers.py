"""Step graphs of translators and language models, with text."""

import numpy as np

from keras_seq._checks import check_choice, check_positive
from keras_seq.export.step_model import StepModel
from keras_seq.export.step_search import OPTIONS, checked, log_softmax, next_token, search
from keras_seq.text.blank import is_blank
from keras_seq.text.forms import one_or_many
from keras_seq.text.pipeline import frame
from keras_seq.text.pointer import Pointer

TAIL = 8  # tokens before a new one that decide how it is written


class StepWriter(StepModel):
    """Step graphs of a model that writes."""

    @property
    def knows_sampler(self):
        """Whether the reader has the sampler that the model was exported with."""
        return self.manifest["sampler"]["name"] in OPTIONS

    def _sampler(self, sampler, options):
        """`(name, options)` of a sampler, by default the one that the model was exported with."""
        own = self.manifest["sampler"]
        name = own["name"] if sampler is None else sampler
        if not self.knows_sampler and sampler is None:
            raise ValueError(
                f"The model's own sampler, {name}, runs in Keras alone: choose one of "
                f"{', '.join(map(repr, OPTIONS))} as `sampler`."
            )
        check_choice("sampler", name, OPTIONS)
        if unknown := sorted({*options} - {*OPTIONS[name]}):
            raise ValueError(
                f"The sampler {name!r} takes {', '.join(OPTIONS[name])}; received "
                f"{', '.join(unknown)}."
            )
        config = own["config"] if name == own["name"] else {}
        return name, checked(name, {**OPTIONS[name], **config, **options})

    def _ends(self, tokenizer, stop_tokens):
        """The ids that end a text."""
        if stop_tokens is None:
            return tuple(self.manifest["end_ids"])
        tokens = [stop_tokens] if isinstance(stop_tokens, str) else list(stop_tokens)
        for token in tokens:
            if token not in tokenizer:
                raise ValueError(
                    "`stop_tokens` must be tokens of the vocabulary, each a single one; received "
                    f"{token!r}."
                )
        return (tokenizer.end_token_id, *map(tokenizer.token_to_id, tokens))

    def _search(self, inputs, how, first, ends, limit, row):
        """The answers `(token_ids, score)` to one text."""
        name, options = how
        state, memory = self.start(**inputs)
        repeated = {}

        def step(token_ids, state):
            rows = len(token_ids)
            if rows not in repeated:
                repeated[rows] = {x: np.repeat(array, rows, axis=0) for x, array in memory.items()}
            return self.step(token_ids, state, repeated[rows])

        return search(name, options, step, state, first, ends, limit, row)


def _shown(answers, n_best, dicts):
    """The answers to one text as `generate` returns them."""
    answers = answers if dicts else [answer["text"] for answer in answers]
    return answers[0] if n_best is None else answers[:n_best]


class StepTranslator(StepWriter):
    """Step graphs of a `Seq2Seq`."""

    def __init__(self, *args):
        super().__init__(*args)
        self.source, self.target = self._tokenizer("source"), self._tokenizer("target")
        self.lengths = self.manifest["max_source_length"], self.manifest["max_target_length"]
        self.pointer = None
        if self.manifest["copy"]:
            self.pointer = Pointer(self.source, self.target, *self.lengths)

    def encode(self, texts):
        """Return the inputs of the graphs for each of a list of texts, dicts of arrays `(1, n)`."""
        if self.pointer is not None:
            columns, _ = self.pointer.encode(texts)
        else:
            ids, end = self.source.encode(texts), self.source.end_token_id
            columns = {"source_ids": frame(ids, None, end, self.lengths[0])}
        rows = zip(*columns.values(), strict=True)
        return [{x: ids[None] for x, ids in zip(columns, row, strict=True)} for row in rows]

    def generate(
        self,
        inputs,
        sampler=None,
        max_length=None,
        return_scores=False,
        return_attention=False,
        replace_unknown=False,
        stop_tokens=None,
        batch_size=None,
        first_row=0,
        **options,
    ):
        """Translate a text, or each of a list; see `keras_seq.models.Seq2Seq.generate`.

        Args:
            sampler: `"greedy"`, `"random"` or `"beam"`; that of the model where `None`.
            batch_size: has no meaning here: each text is searched by itself.
            **options: those of the sampler, such as `width`.
        """
        texts, single = one_or_many(inputs, "inputs")
        how, ends = self._sampler(sampler, options), self._ends(self.target, stop_tokens)
        longest = self.manifest["max_length"] if max_length is None else max_length
        longest = longest and check_positive("max_length", longest)
        results = []
        pairs = zip(texts, self.encode(texts), strict=True)
        for row, (text, encoded) in enumerate(pairs, start=first_row):
            source_ids = encoded["source_ids"][0]
            limit = min(self.lengths[1], longest or 3 * len(source_ids) + 32)
            limit = 0 if is_blank(text, source_ids) else limit
            first = self.target.start_token_id
            found = self._search(encoded, how, first, ends, limit, row)
            end = self.source.id_to_token(self.source.end_token_id)
            source = [*self.source.split(text), end][: self.lengths[0]]
            answers = []
            for ids, score in found[: how[1].get("n_best") or 1]:
                tokens, weights = [self._token(i, source) for i in ids], None
                if return_attention or replace_unknown:
                    weights = self._attention(encoded, ids)
                if replace_unknown:
                    self._replace_unknown(tokens, ids, source, weights)
                copied = replace_unknown or self.pointer is not None
                text = self.target.join(tokens) if copied else self.target.detokenize(ids)
                answer = {"text": text, "score": score}
                if return_attention:
                    answer |= {"source_tokens": source, "target_tokens": tokens}
                    answer["attention"] = weights
                answers.append(answer)
            results.append(_shown(answers, how[1].get("n_best"), return_scores or return_attention))
        return results[0] if single else results

    def _token(self, token_id, source):
        """The token of an id; behind the vocabulary are the places of the source."""
        place = token_id - self.target.vocabulary_size
        if place >= len(source):
            token_id, place = self.target.unknown_token_id, -1
        return self.target.id_to_token(token_id) if place < 0 else source[place]

    def _replace_unknown(self, tokens, ids, source, weights):
        """Put the source token that an unknown one attends to most in its place."""
        if weights is None:
            raise ValueError(
                "`replace_unknown` looks where an unknown token attends to; this model has no "
                "attention."
            )
        for t, token_id in enumerate(ids):
            if token_id == self.target.unknown_token_id and len(source) > 1:
                tokens[t] = source[int(weights[t, : len(source) - 1].argmax())]

    def _attention(self, encoded, ids):
        """Where the model looked while it wrote `ids`, float32 `(tokens, source tokens)`."""
        rows, (state, memory) = [], self.start(**encoded)
        for token_id in [self.target.start_token_id, *ids][: len(ids)]:
            fed = np.array([token_id], "int32")
            _, state, seen = self.step(fed, state, memory, inspect=True)
            if "attention" not in seen:
                return None
            rows.append(seen["attention"][0])
        return np.array(rows, "float32").reshape(len(ids), -1)


class StepLanguageModel(StepWriter):
    """Step graphs of a `LanguageModel`."""

    def __init__(self, *args):
        super().__init__(*args)
        self.tokenizer = self._tokenizer("text")

    def encode(self, text):
        """Return `(inputs, first)`: the inputs of the start, and the id that is fed behind it."""
        ids = [self.tokenizer.start_token_id, *self.tokenizer.tokenize(text)]
        # The start takes one token at least; padding leaves the state alone.
        return {"prompt_ids": np.array([ids[:-1] or [0]], "int32")}, ids[-1]

    def generate(
        self,
        prompts="",
        sampler=None,
        max_length=None,
        strip_prompt=False,
        return_scores=False,
        stop_tokens=None,
        batch_size=None,
        first_row=0,
        **options,
    ):
        """Continue a text, or each of a list; see `keras_seq.models.LanguageModel.generate`.

        Args:
            sampler: `"greedy"`, `"random"` or `"beam"`; that of the model where `None`.
            batch_size: has no meaning here: each text is searched by itself.
            **options: those of the sampler, such as `temperature`.
        """
        texts, single = one_or_many(prompts, "prompts")
        how, ends = self._sampler(sampler, options), self._ends(self.tokenizer, stop_tokens)
        limit = self.manifest["max_length"] if max_length is None else max_length
        check_positive("max_length", limit)
        results = []
        for row, text in enumerate(texts, start=first_row):
            inputs, first = self.encode(text)
            before, answers = [] if strip_prompt else self.tokenizer.split(text), []
            found = self._search(inputs, how, first, ends, limit, row)
            for ids, score in found[: how[1].get("n_best") or 1]:
                tokens = [self.tokenizer.id_to_token(i) for i in ids]
                text = self.tokenizer.join([*before, *tokens])
                answers.append({"text": text, "score": score, "tokens": tokens})
            results.append(_shown(answers, how[1].get("n_best"), return_scores))
        return results[0] if single else results

    def stream(self, prompt="", sampler=None, max_length=None, stop_tokens=None, **options):
        """Give what comes after a text piece by piece, each as soon as it is written.

        The time of a piece is the same however long the text is. The arguments are those of
        `generate`; the sampler must be `"greedy"` or `"random"`.
        """
        name, options = self._sampler(sampler, options)
        check_choice("sampler", name, ("greedy", "random"))
        early, ends = options.pop("min_length"), self._ends(self.tokenizer, stop_tokens)
        inputs, token_id = self.encode(prompt)
        (state, memory), tokens, position = self.start(**inputs), self.tokenizer.split(prompt), 0
        while max_length is None or position < max_length:
            logits, state = self.step(np.array([token_id], "int32"), state, memory)
            likely = log_softmax(logits[0])
            token_id = next_token(name, options, likely, position, 0, ends, early)
            if token_id == self.tokenizer.end_token_id:
                return
            tail, token = tokens[-TAIL:], self.tokenizer.id_to_token(token_id)
            tokens.append(token)
            position += 1
            yield self.tokenizer.join([*tail, token])[len(self.tokenizer.join(tail)) :]
            if token_id in ends:
                return
