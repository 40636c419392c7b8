"""JoeyNMT's recurrent translator, driven by its own parts.

    python -m venv joey && joey/bin/pip install keras_seq torch
    joey/bin/pip install --no-deps joeynmt 'importlib_metadata<9' zipp pyyaml subword-nmt
    joey/bin/pip install --no-deps sacremoses tensorboard tqdm mock joblib click

(JoeyNMT 2.3 itself asks for versions of protobuf that TensorFlow does not take.) Everything here is
its public code put together as its `TrainManager` and its `predict` do; those two themselves want
files of configuration, TensorBoard, and a folder of checkpoints.
"""

import functools
import importlib.util
import pathlib
import types

import torch

SPECIAL = types.SimpleNamespace(
    unk_id=0,
    unk_token="<unk>",
    pad_id=1,
    pad_token="<pad>",
    bos_id=2,
    bos_token="<s>",
    eos_id=3,
    eos_token="</s>",
    sep_id=None,
    sep_token=None,
    lang_tags=[],
)
LANGUAGES = ("de", "en")


def is_installed():
    """Whether JoeyNMT is there."""
    return importlib.util.find_spec("joeynmt") is not None


class JoeyTranslator:
    """A bidirectional GRU encoder and a GRU decoder with Bahdanau's attention, one layer each.

    JoeyNMT's decoder recurs, then attends, and feeds its readout (Luong's order with input
    feeding). Dropout is 0.

    Args:
        vocabularies: two lists of tokens, without the special ones.
        embedding: size of the embeddings.
        hidden: size of the states, per direction.
        device: a name of a PyTorch device.
    """

    def __init__(self, vocabularies, embedding, hidden, device):
        from joeynmt.builders import build_gradient_clipper, build_optimizer
        from joeynmt.model import build_model
        from joeynmt.tokenizers import BasicTokenizer
        from joeynmt.vocabulary import Vocabulary

        vocabularies = [Vocabulary(list(tokens), SPECIAL) for tokens in vocabularies]
        self.tokenizers = {language: BasicTokenizer(level="word") for language in LANGUAGES}
        for tokenizer, vocabulary in zip(self.tokenizers.values(), vocabularies, strict=True):
            tokenizer.set_vocab(vocabulary)
        self.encoders = {
            language: vocabulary.sentences_to_ids
            for language, vocabulary in zip(LANGUAGES, vocabularies, strict=True)
        }
        part = {
            "type": "recurrent",
            "rnn_type": "gru",
            "hidden_size": hidden,
            "num_layers": 1,
            "dropout": 0.0,
            "embeddings": {"embedding_dim": embedding, "scale": False},
        }
        decoder = {"attention": "bahdanau", "init_hidden": "bridge", "input_feeding": True}
        config = {"encoder": {**part, "bidirectional": True}, "decoder": {**part, **decoder}}
        self.device = torch.device(device)
        self.model = build_model(config, *vocabularies).to(self.device)
        self.model.loss_function = ("crossentropy", 0.0)
        self.clip = build_gradient_clipper({"clip_grad_norm": 1.0, "clip_grad_val": None})
        adam = {"optimizer": "adam", "learning_rate": 1e-3}
        self.optimizer = build_optimizer(adam, parameters=self.model.parameters())

    def count_params(self):
        """The number of weights."""
        return sum(weight.numel() for weight in self.model.parameters())

    def dataset(self, folder, name, *columns):
        """A dataset of its own kind: out of files, split at spaces.

        Args:
            folder: where the files are written.
            name: their name.
            *columns: the sources and, for training, the targets: lists of lists of tokens.
        """
        from joeynmt.datasets import PlaintextDataset

        path = pathlib.Path(folder, name)
        for language, texts in zip(LANGUAGES, columns, strict=False):
            lines = "".join(" ".join(tokens) + "\n" for tokens in texts)
            path.with_suffix(f".{language}").write_text(lines, encoding="utf-8")
        paired = len(columns) == 2
        return PlaintextDataset(
            str(path),
            *LANGUAGES,
            split="train" if paired else "test",
            has_trg=paired,
            has_prompt=dict.fromkeys(LANGUAGES, False),
            tokenizer=self.tokenizers,
            sequence_encoder=self.encoders,
        )

    def batches(self, dataset, batch_size):
        """Its iterator of batches; it shuffles training data and sorts nothing by length."""
        return dataset.make_iter(
            batch_size,
            batch_type="sentence",
            shuffle=True,
            device=self.device,
            pad_index=self.model.pad_index,
            eos_index=self.model.eos_index,
        )

    def train(self, batch):
        """One step of training; return the number of target tokens, end tokens among them."""
        self.model.train()
        batch.sort_by_src_length()
        loss, _, _, correct = self.model(return_type="loss", **vars(batch))
        loss = batch.normalize(loss, normalization="tokens")
        loss.backward()
        loss.item()  # both are read for its log
        batch.normalize(correct, "sum").item()
        self.clip(parameters=self.model.parameters())
        self.optimizer.step()
        self.model.zero_grad()
        return batch.ntokens

    def translate(self, dataset, beam_size, length, batch_size):
        """Translate all of a dataset into texts of exactly `length` tokens, as `predict` does.

        The shortest length that it allows is the longest one too, so that no sequence ends before.
        `predict` sorts each batch by length and puts the outputs back in order.
        """
        from joeynmt.search import search

        self.model.eval()
        outputs = []
        for batch in self.batches(dataset, batch_size):
            order = batch.sort_by_src_length()
            found, _, _ = search(
                model=self.model,
                batch=batch,
                max_output_length=length,
                min_output_length=length,
                beam_size=beam_size,
                beam_alpha=1.0,
            )
            if found.shape != (batch.nseqs, length):
                raise AssertionError(f"expected {length} tokens a row, {found.shape} came")
            outputs.extend(found[order])
        tokens = self.model.trg_vocab.arrays_to_sentences(outputs, cut_at_eos=True)
        write = functools.partial(self.tokenizers[LANGUAGES[1]].post_process, generate_unk=True)
        return [write(row) for row in tokens]
