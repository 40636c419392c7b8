"""A language model in plain PyTorch; the state goes from batch to batch."""

import torch
from torch import nn


class TorchLanguageModel(nn.Module):
    """Embedding, LSTM and a linear map to the vocabulary.

    Args:
        vocabulary: number of tokens.
        embedding: size of their vectors.
        hidden: size of the LSTM.
        layers: how many of them.
        tied: whether the vectors are the output weights too.
    """

    def __init__(self, vocabulary, embedding, hidden, layers, tied):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, layers, batch_first=True)
        self.output = nn.Linear(hidden, vocabulary)
        if tied:
            self.output.weight = self.embedding.weight

    def forward(self, ids, state):
        """`(logits, state)` of ids `(batch, steps)`."""
        outputs, state = self.lstm(self.embedding(ids), state)
        return self.output(outputs), state


class Training:
    """Truncated backpropagation through time: a call trains on one window.

    Args:
        model: a `TorchLanguageModel`.
        ids, labels: int64 `(batch, steps)`, the window.
    """

    def __init__(self, model, ids, labels):
        self.model, self.ids, self.labels = model, ids, labels
        self.optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        self.state = None

    def __call__(self):
        """Train once, gradients clipped to a norm of 1; return the loss."""
        self.model.train()
        self.optimizer.zero_grad()
        logits, state = self.model(self.ids, self.state)
        self.state = [tensor.detach() for tensor in state]
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), self.labels.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return loss.item()
