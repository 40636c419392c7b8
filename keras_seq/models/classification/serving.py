"""The signatures of a served classifier, for texts and for ids."""

import json

from keras import ops

from keras_seq._tensorflow import tensorflow, to_utf8
from keras_seq.export.id_function import IdFunction
from keras_seq.export.signature import Field, Signature
from keras_seq.models.base.id_function import id_examples, id_metadata, ids_field
from keras_seq.models.base.serving import dense, padded
from keras_seq.text.blank import are_blank


class ClassifierGraph:
    """From texts to classes, in TensorFlow.

    Args:
        model: a `TextClassifier`.
    """

    def __init__(self, model):
        self.model = model

    def classify(self, text):
        """Texts `(batch,)` -> `labels`, `probabilities` and `class_names`."""
        columns = self.model.encode_tensors(text)[0]
        blank = are_blank(text, columns["token_ids"])
        return self._answer(self.model(dense(columns), training=False), blank)

    def attend(self, text):
        """The same, with the tokens and how much each of them counts."""
        tf = tensorflow()
        columns = self.model.encode_tensors(text)[0]
        blank = are_blank(text, columns["token_ids"])
        logits, weights = self.model(dense(columns), training=False, return_attention=True)
        tokens = self.model.preprocessor.split(text)
        steps = tf.shape(weights)[1]
        read = tf.sequence_mask(tokens.row_lengths(), steps, "float32")
        return {
            **self._answer(logits, blank),
            "tokens": padded(tokens, steps),
            "attention": tf.cast(weights, "float32") * read,
        }

    def _answer(self, logits, blank):
        """The answer to texts, of which some are `blank`: no class is named for these."""
        tf = tensorflow()
        model, logits = self.model, tf.cast(logits, "float32")
        names = tf.constant([to_utf8(name) for name in model.class_names])
        shown = tf.broadcast_to(names, tf.shape(logits))
        if model.multi_label:
            probabilities = tf.sigmoid(logits)
            above = (probabilities > model.threshold) & ~blank[:, None]
            chosen = tf.ragged.boolean_mask(shown, above)
            labels = chosen.to_tensor(shape=(None, len(model.class_names)))
        else:
            probabilities = tf.nn.softmax(logits)
            labels = tf.gather(names, tf.argmax(probabilities, axis=-1))
            labels = tf.where(blank, "", labels)
        return {"labels": labels, "probabilities": probabilities, "class_names": shown}


def classifier_signatures(model, examples):
    """Return the signatures of a classifier: `serving_default`, and `attend` with weights.

    Args:
        model: a `TextClassifier`.
        examples: texts for a request that shows how.
    """
    graph = ClassifierGraph(model)
    count = len(model.class_names)
    text = {"text": Field("string", "the texts, UTF-8")}
    if model.multi_label:
        labels = Field("string", f"the classes above {model.threshold}, '' behind them", (count,))
    else:
        labels = Field("string", "the most probable class; '' of a blank text")
    answers = {
        "labels": labels,
        "probabilities": Field("float32", "of each class, in the order of class_names", (count,)),
        "class_names": Field("string", "the names of the classes", (count,)),
    }
    example = {"text": examples}
    signatures = [
        Signature(
            "serving_default", "Names the classes of texts.", graph.classify, text, answers, example
        )
    ]
    if model.pooling.has_attention:
        more = {
            "tokens": Field("string", "the texts as they were read, '' behind the end", (None,)),
            "attention": Field("float32", "how much each token counts; the sum is 1", (None,)),
        }
        about = "Names the classes of texts, and says which tokens counted."
        signatures.append(
            Signature("attend", about, graph.attend, text, {**answers, **more}, example)
        )
    return signatures


def classifier_ids(model):
    """Return the `IdFunction` of a `TextClassifier`: ids to probabilities."""

    def classify(token_ids):
        logits = ops.cast(model({"token_ids": token_ids}, training=False), "float32")
        probabilities = ops.sigmoid(logits) if model.multi_label else ops.softmax(logits)
        return {"probabilities": probabilities}

    each = "of each class by itself" if model.multi_label else "of the classes, which sum to 1"
    inputs = {"token_ids": ids_field("tokens")}
    outputs = {"probabilities": Field("float32", each, (len(model.class_names),))}
    metadata = {
        **id_metadata(model),
        "class_names": json.dumps(model.class_names, ensure_ascii=False),
        "multi_label": json.dumps(model.multi_label),
    }
    if model.multi_label:
        metadata["threshold"] = str(model.threshold)
    return IdFunction(classify, inputs, outputs, id_examples(model), metadata)
