"""The translator of the usual PyTorch tutorial, written for comparison."""

import torch
from torch import nn

PAD = 0


class TorchTranslator(nn.Module):
    """LSTM encoder and decoder with additive attention, one target token per turn of a loop.

        e_ts = v . tanh(W [h_(t-1); m_s] + b)
        c_t = sum_s softmax_s(e_t) m_s
        h_t = LSTM([E y_(t-1); c_t], h_(t-1))
        logits_t = W_o [h_t; c_t; E y_(t-1)] + b_o

    So it is built in tutorials: everything of a step, the product with all encoder outputs and the
    vocabulary projection among it, stands inside of the loop. Both stacks have as many layers, and
    the decoder begins with the final states of the encoder. In one thing it is kinder than most:
    the logits are stacked once, not written into a tensor step by step.

    Args:
        source_vocabulary: number of source ids; 0 is padding.
        target_vocabulary: number of target ids; 0 is padding.
        embedding: size of the token embeddings.
        hidden: size of the states and of the score.
        layers: number of layers of both stacks.
    """

    def __init__(self, source_vocabulary, target_vocabulary, embedding, hidden, layers):
        super().__init__()
        self.source_embedding = nn.Embedding(source_vocabulary, embedding, padding_idx=PAD)
        self.encoder = nn.LSTM(embedding, hidden, layers, batch_first=True)
        self.target_embedding = nn.Embedding(target_vocabulary, embedding, padding_idx=PAD)
        self.energy = nn.Linear(2 * hidden, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.decoder = nn.LSTM(embedding + hidden, hidden, layers, batch_first=True)
        self.output = nn.Linear(2 * hidden + embedding, target_vocabulary)

    def forward(self, source, fed, lengths=None):
        """Logits `(batch, steps, target_vocabulary)` of teacher forcing.

        Args:
            source: ids `(batch, time)`.
            fed: ids `(batch, steps)`, the start token and the target.
            lengths: the lengths of the sources, on the CPU, or `None` where all are full. With
                them the encoder runs on packed sequences and the attention leaves out the padding.
        """
        memory, state, mask = self.encode(source, lengths)
        logits = []
        for t in range(fed.shape[1]):
            one, state = self.step(fed[:, t], state, memory, mask)
            logits.append(one)
        return torch.stack(logits, dim=1)

    def encode(self, source, lengths=None):
        """Return `(memory, state, mask)`; the mask is `None` without lengths."""
        vectors = self.source_embedding(source)
        if lengths is None:
            return *self.encoder(vectors), None
        packed = nn.utils.rnn.pack_padded_sequence(
            vectors, lengths, batch_first=True, enforce_sorted=False
        )
        memory, state = self.encoder(packed)
        memory, _ = nn.utils.rnn.pad_packed_sequence(
            memory, batch_first=True, total_length=source.shape[1]
        )
        return memory, state, source != PAD

    def step(self, token, state, memory, mask):
        """Return `(logits, state)` after feeding `token` `(batch,)`."""
        embedded = self.target_embedding(token)  # (B, E)
        hidden = state[0][-1][:, None].expand(-1, memory.shape[1], -1)  # (B, S, H)
        energy = torch.tanh(self.energy(torch.cat([hidden, memory], dim=-1)))
        scores = self.score(energy)[..., 0]  # (B, S)
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e9)
        context = (torch.softmax(scores, dim=-1)[:, None] @ memory)[:, 0]  # (B, H)
        inputs = torch.cat([embedded, context], dim=-1)
        output, state = self.decoder(inputs[:, None], state)
        return self.output(torch.cat([output[:, 0], context, embedded], dim=-1)), state


def train_step(model, optimizer, source, fed, labels, lengths=None):
    """Train once on a batch, gradients clipped to a norm of 1; return the loss, a mean by token."""
    model.train()
    optimizer.zero_grad()
    logits = model(source, fed, lengths)
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=PAD)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()
