"""Translation with strings: `generate`, and where the decoder looks."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_seq._checks import check_batch_size, check_positive
from keras_seq._typing import Config
from keras_seq.export.step_functions import StepFunctions
from keras_seq.models.base.serving import check_examples
from keras_seq.models.base.stop_tokens import end_token_ids
from keras_seq.models.base.writing import WritingTask, best_answers, by_length, trace_steps
from keras_seq.models.translation.steps import translator_steps
from keras_seq.samplers.sampler import Sampler
from keras_seq.text.blank import is_blank
from keras_seq.text.examples import padded_length
from keras_seq.text.forms import as_texts, one_or_many


class Generation(WritingTask):
    """A task that reads one text and writes another.

    Attributes:
        preprocessor: a `TranslationPreprocessor`, which encodes and names tokens.
        target_tokenizer: a `keras_seq.text.Tokenizer`, of what `step` writes. A model whose `copy`
            is true writes ids behind its vocabulary too: `vocabulary_size + s` is the source token
            at position s.
        max_target_length: how many tokens are written at most.
    """

    def generate(
        self,
        inputs: Any,
        sampler: str | Config | Sampler | None = None,
        max_length: int | None = None,
        batch_size: int = 64,
        return_scores: bool = False,
        return_attention: bool = False,
        return_trace: bool = False,
        replace_unknown: bool = False,
        stop_tokens: str | Sequence[str] | None = None,
        first_row: int = 0,
    ) -> Any:
        """Translate.

        A blank source, one of white space alone or of nothing that the tokenizer keeps, says
        nothing to translate. Its translation is the empty text, for certain: with the score 0, the
        logarithm of 1, and no tokens, steps or other answers. No sampler is asked for it.

        Args:
            inputs: a string, or a list of strings, a `Series` or anything else that holds them.
            sampler: overrides the one of `compile`: a name, a config or an instance.
            max_length: the most tokens to write. By default three times the tokens of the source
                and 32, and never more than `max_target_length`.
            batch_size: how many texts are searched at once; those of similar length go together.
            return_scores: whether to return the sampler's scores too.
            return_attention: whether to return the attention weights too.
            return_trace: whether to return every step of the search too.
            replace_unknown: whether an unknown token is replaced by the source token that it
                attends to most. Both tokenizers should be of one kind.
            stop_tokens: a token or a list of tokens of the target vocabulary, such as `"."`: a
                translation ends with the first of them too, which is a part of it. A sampler's
                `min_length` holds for them as for the end token.
            first_row: the number of the first text, where these are the rest of a longer list: a
                sampler that draws tells texts apart by their numbers.

        Returns:
            A string for a string, a list for a list. Where the sampler has an `n_best`, each string
            is a list of so many, best first (or fewer, where there are no more). With any of
            `return_...` there is a dict in the place of each string:

            - `text` and `score`; with `samplers.Exhaustive` also `exact`, whether it is the best
              of all texts for certain;
            - with `return_attention` `source_tokens`, `target_tokens` and `attention`, float32
              `(target tokens, source tokens)`, the end tokens included. It is `None` for a model
              without attention;
            - with `return_trace` `trace`, a list over steps of lists over the sequences kept, each
              a dict: `token` and `token_id`, the `parent` that it continues (its number in the step
              before), `log_probability` and `score` of the sequence so far, and whether it has
              `finished`. The answers of one text share a trace.

        Raises:
            ValueError: for anything but strings, an unknown sampler, a `max_length` below 1,
                `replace_unknown` for a model without attention, stop tokens that are none, and
                whatever the sampler refuses.
        """
        sampler = self.chosen_sampler(sampler)
        if max_length is not None:
            check_positive("max_length", max_length)
        texts, single = one_or_many(inputs, "inputs")
        end = end_token_ids(self.target_tokenizer, stop_tokens)
        columns = self.encode_examples(texts).inputs
        wanted = _Wanted(return_scores, return_attention, return_trace, replace_unknown, first_row)
        lengths = [len(ids) for ids in columns["source_ids"]]

        def search(rows):
            answers = self._search_batch(rows, texts, columns, sampler, max_length, end, wanted)
            return answers if sampler.n_best else [answer[0] for answer in answers]

        results = by_length(search, lengths, check_batch_size(batch_size, 64))
        return results[0] if single else results

    step_signature = "step"

    def _check_steps(self, sampler=None, max_length=None, **options):
        if max_length is not None:
            check_positive("max_length", max_length)
        end_token_ids(self.target_tokenizer, options.get("stop_tokens"))
        check_examples(options.get("examples"), self.source_tokenizer)

    def make_steps(
        self,
        sampler: str | Config | Sampler | None = None,
        max_length: int | None = None,
        examples: Sequence[str] | None = None,
        stop_tokens: str | Sequence[str] | None = None,
        inspect: bool = False,
    ) -> StepFunctions:
        """Return what the model computes step by step.

        Args:
            sampler: what a reader uses by default; as in `generate`.
            max_length: likewise.
            examples: a text for the example of the manifest; made of frequent tokens where `None`.
            stop_tokens: as in `generate`.
            inspect: whether a step shows gates and candidates too.
        """
        sampler, examples = (
            self.chosen_sampler(sampler),
            check_examples(examples, self.source_tokenizer),
        )
        return translator_steps(self, sampler, max_length, examples, stop_tokens, inspect)

    def _search_batch(self, rows, texts, columns, sampler, max_length, end, wanted):
        """Return the list of answers of each of the texts with numbers `rows`."""
        columns = {name: [column[i] for i in rows] for name, column in columns.items()}
        lengths = [len(ids) for ids in columns["source_ids"]]
        blank = [
            is_blank(texts[i], ids) for i, ids in zip(rows, columns["source_ids"], strict=True)
        ]

        def limit(length):
            return min(self.max_target_length, max_length or 3 * length + 32)

        sequences = self._search(
            columns,
            sampler,
            limits=[0 if empty else limit(n) for n, empty in zip(lengths, blank, strict=True)],
            max_length=limit(padded_length(max(lengths))),
            row_ids=rows + wanted.first_row,
            return_trace=wanted.trace,
            end_token_id=end,
        )
        answers = best_answers(sequences, sampler.n_best or 1)
        sources = self.preprocessor.source_tokens([texts[i] for i in rows])
        if wanted.attention or wanted.replace_unknown:
            self._attend(answers, columns)
        self._write(answers, sources, wanted.replace_unknown)
        results = [[] for _ in rows]
        for answer in answers:
            results[answer.row].append(answer)
        if not wanted.dicts:
            return [[answer.text for answer in group] for group in results]
        return [
            self._dicts(*parts, sequences, wanted)
            for parts in zip(results, sources, blank, strict=True)
        ]

    def _attend(self, answers, columns):
        """Give the answers their attention weights."""
        repeated = {
            name: [column[answer.row] for answer in answers] for name, column in columns.items()
        }
        weights = self._search.attention(repeated, [answer.ids for answer in answers])
        for answer, weight in zip(answers, weights, strict=True):
            answer.attention = weight

    def _write(self, answers, sources, replace_unknown):
        """Give the answers their tokens and their text."""
        target = self.target_tokenizer
        if replace_unknown and any(answer.attention is None for answer in answers):
            raise ValueError(
                "`replace_unknown` looks where an unknown token attends to; this model has no "
                "attention."
            )
        for answer in answers:
            source = sources[answer.row]
            answer.tokens = [self.preprocessor.target_token(i, source) for i in answer.ids]
            if replace_unknown and len(source) > 1:  # more than the end token
                for t in np.flatnonzero(answer.ids == target.unknown_token_id):
                    answer.tokens[t] = source[answer.attention[t, : len(source) - 1].argmax()]
        if replace_unknown or getattr(self, "copy", False):
            texts = [target.join(answer.tokens) for answer in answers]
        else:
            texts = target.detokenize([answer.ids for answer in answers])
        for answer, text in zip(answers, texts, strict=True):
            answer.text = text

    def _dicts(self, answers, source_tokens, blank, sequences, wanted):
        """What `generate` returns for one text where more than strings are wanted."""
        row = answers[0].row
        shared = {"exact": bool(sequences["exact"][row])} if "exact" in sequences else {}
        if wanted.trace:
            steps = {name: values[row] for name, values in sequences["trace"].items()}
            token = functools.partial(self.preprocessor.target_token, source_tokens=source_tokens)
            shared["trace"] = [] if blank else trace_steps(steps, token)
        results = []
        for answer in answers:
            result = {"text": answer.text, "score": answer.score}
            if wanted.attention:
                result["source_tokens"] = source_tokens
                result["target_tokens"] = answer.tokens
                result["attention"] = answer.attention
            results.append({**result, **shared})
        return results

    def attention(self, sources: Any, targets: Any, batch_size: int = 64) -> list[dict[str, Any]]:
        """Return where the decoder looks while it is fed given targets.

        Args:
            sources: a list of strings, or what `generate` takes in the place of one.
            targets: their translations, likewise.
            batch_size: how many pairs at once.

        Returns:
            A list of dicts: `source_tokens`, `target_tokens`, and `attention`, float32
            `(target tokens, source tokens)`, the end tokens included, or `None` for a model
            without attention. `analysis.alignment` makes links of it.

        Raises:
            ValueError: for anything but as many strings on both sides.
        """
        sources, targets = as_texts(sources, "sources"), as_texts(targets, "targets")
        if len(sources) != len(targets):
            raise ValueError(
                "There must be one target for each source; "
                f"received {len(sources)} sources and {len(targets)} targets."
            )
        batch_size = check_batch_size(batch_size, 64)
        results = []
        for start in range(0, len(sources), batch_size):
            part = slice(start, start + batch_size)
            examples = self.encode_examples(sources[part], targets[part])
            columns = {name: x for name, x in examples.inputs.items() if name != "target_ids"}
            weights = self._search.attention(columns, examples.labels)
            tokens = self.preprocessor.source_tokens(sources[part])
            results += [
                {
                    "source_tokens": source,
                    "target_tokens": [self.preprocessor.target_token(i, source) for i in ids],
                    "attention": weight,
                }
                for source, ids, weight in zip(tokens, examples.labels, weights, strict=True)
            ]
        return results


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """What a call of `generate` asks for."""

    scores: bool
    attention: bool
    trace: bool
    replace_unknown: bool
    first_row: int

    @property
    def dicts(self):
        return self.scores or self.attention or self.trace
