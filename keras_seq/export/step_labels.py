"""Step graphs of taggers and classifiers that read from the left, with text."""

import numpy as np

from keras_seq.export.step_model import StepModel
from keras_seq.export.step_search import best_path, log_softmax, marginals
from keras_seq.text.blank import is_blank
from keras_seq.text.forms import one_or_many, single_text
from keras_seq.text.sentences import check_sentences, listed_sentences
from keras_seq.text.tag_schemes import spans
from keras_seq.text.word_ids import listed_character_columns, listed_word_ids


class StepTagger(StepModel):
    """Step graphs of a `TextTagger` that reads from the left."""

    def __init__(self, *args):
        super().__init__(*args)
        self.tokenizer, self.characters = self._tokenizer("text"), None
        if "characters" in self.manifest["tokenizers"]:
            self.characters = self._tokenizer("characters")
        self.tag_names = self.manifest["tag_names"]
        chain = self.manifest["chain"]
        if chain is not None:
            chain = [np.array(chain[name], "float32") for name in ("transitions", "start", "end")]
        self.chain = chain

    def encode(self, words):
        """Return what a step takes of each of a list of words, dicts of arrays with one row."""
        (ids,) = listed_word_ids([words], self.tokenizer, self.manifest["zero_digits"])
        steps = [{"token_ids": ids[i : i + 1]} for i in range(len(words))]
        if self.characters is not None:
            length = self.manifest["max_word_length"]
            for step, word in zip(steps, words, strict=True):
                (letters,), (ends,) = listed_character_columns([[word]], self.characters, length)
                step["char_ids"] = np.pad(letters, (0, not len(letters)))[None]
                step["char_ends"] = ends[None]
        return steps

    def emissions(self, words):
        """Return how well each tag fits each word, float32 `(words, tags)`."""
        state, memory = self.start()
        rows = []
        for inputs in self.encode(words):
            row, state = self.step(inputs, state, memory)
            rows.append(row[0])
        return np.array(rows, "float32").reshape(len(words), -1)

    def tag(self, inputs, return_probabilities=False, return_spans=False, batch_size=None):
        """Tag the words of a sentence, or of each of a list; see `TextTagger.tag`.

        `batch_size` has no meaning here: each sentence is read by itself.
        """
        text = single_text(inputs)
        listed = [text] if text is not None else listed_sentences(inputs, "inputs")
        most, answers = self.manifest["max_length"], []
        for sentence, words in zip(listed, check_sentences(listed, "inputs"), strict=True):
            pieces = [self._decode(words[i : i + most]) for i in range(0, len(words), most)]
            tags = [self.tag_names[number] for numbers, _ in pieces for number in numbers]
            answer = {"tokens": words, "tags": tags}
            if return_probabilities:
                nothing = np.zeros((0, len(self.tag_names)), "float32")
                answer["probabilities"] = np.concatenate([nothing, *(part for _, part in pieces)])
            if return_spans:
                if self.manifest["scheme"] is None:
                    raise ValueError('`return_spans` is for a tagger with a scheme, such as "BIO".')
                answer["spans"] = spans(tags, self.manifest["scheme"])
            plain = single_text(sentence) is None and len(answer) == 2
            answers.append(tags if plain else answer)
        return answers[0] if text is not None else answers

    def _decode(self, words):
        """The numbers of the tags of a piece, and the probabilities of all."""
        emissions = self.emissions(words)
        if self.chain is None:
            return emissions.argmax(axis=1), np.exp(log_softmax(emissions))
        return best_path(emissions, *self.chain), marginals(emissions, *self.chain)

    def stream(self, words):
        """Give the tag of each word as soon as it is read, `(word, tag, probability)`.

        It is the most probable one given the words so far; of a tagger whose tags know of each
        other, `tag` may choose otherwise when it has seen the end.
        """
        state, memory = self.start()
        past = None
        for word in words:
            (inputs,) = self.encode([word])
            row, state = self.step(inputs, state, memory)
            likely = log_softmax(row[0])
            if self.chain is not None:
                transitions, start, _ = self.chain
                reached = start
                if past is not None:
                    reached = np.logaddexp.reduce(past[:, None] + transitions, axis=0)
                likely = past = log_softmax(reached + row[0])
            yield word, self.tag_names[int(likely.argmax())], float(np.exp(likely.max()))


class StepClassifier(StepModel):
    """Step graphs of a `TextClassifier` that reads from the left."""

    def __init__(self, *args):
        super().__init__(*args)
        self.tokenizer, self.class_names = self._tokenizer("text"), self.manifest["class_names"]

    def probabilities(self, logits):
        """Return the probabilities of the classes, `(classes,)`."""
        if self.manifest["multi_label"]:
            return 1 / (1 + np.exp(-np.asarray(logits, "float32")))
        return np.exp(log_softmax(logits))

    def stream(self, text):
        """Give `(token, probabilities)` after each token of a text, in the order of the classes."""
        ids = self.tokenizer.tokenize(text)[: self.manifest["max_length"]]
        state, memory = self.start()
        for token, token_id in zip(self.tokenizer.split(text), ids, strict=False):
            logits, state = self.step(np.array([token_id], "int32"), state, memory)
            yield token, self.probabilities(logits[0])

    def classify(self, inputs, return_probabilities=False, threshold=None, batch_size=None):
        """Name the classes of a text, or of each of a list; see `TextClassifier.classify`.

        `batch_size` has no meaning here: each text is read by itself.
        """
        texts, single = one_or_many(inputs, "inputs")
        several = self.manifest["multi_label"]
        if threshold is not None and not several:
            raise ValueError("`threshold` is for a classifier with `multi_label`.")
        threshold = self.manifest["threshold"] if threshold is None else threshold
        nothing = self.probabilities(self._before()["first_logits"][0])
        answers = []
        for text, ids in zip(texts, self.tokenizer.encode(texts), strict=True):
            found = [nothing, *(probabilities for _, probabilities in self.stream(text))][-1]
            blank = is_blank(text, ids)
            if several:
                pairs = zip(self.class_names, found, strict=True)
                named = [] if blank else [name for name, p in pairs if p > threshold]
            else:
                named = None if blank else self.class_names[int(found.argmax())]
            if return_probabilities:
                chances = dict(zip(self.class_names, found.tolist(), strict=True))
                named = {"labels" if several else "label": named, "probabilities": chances}
            answers.append(named)
        return answers[0] if single else answers
