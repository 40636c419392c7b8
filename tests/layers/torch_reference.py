"""What PyTorch's recurrent layers compute, in a file: a program, run where any backend runs.

python torch_reference.py FILE.npz
"""

import sys

import numpy as np

ROWS, T, D, U = 4, 5, 3, 4
LENGTHS = (5, 3, 1, 2)
STACK = {"num_layers": 2, "bidirectional": True}
CASES = {
    "lstm": ("LSTM", {}),
    "gru": ("GRU", {}),
    "rnn": ("RNN", {}),
    "rnn relu without bias": ("RNN", {"nonlinearity": "relu", "bias": False}),
    "lstm both": ("LSTM", {"bidirectional": True}),
    "gru both without bias": ("GRU", {"bidirectional": True, "bias": False}),
    "rnn both": ("RNN", {"bidirectional": True}),
    "lstm stack": ("LSTM", STACK),
    "gru stack": ("GRU", STACK),
    "gru one direction": ("GRU", {"num_layers": 3}),
    "rnn stack without bias": ("RNN", {**STACK, "bias": False}),
}


def reference(kind, options, random):
    """Outputs, final states and gradients on packed sequences, and the weights, by name."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    layer = getattr(torch.nn, kind)(D, U, batch_first=True, **options)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.tensor(random.normal(size=tuple(parameter.shape)) / 2))
    x = torch.tensor(random.normal(size=(ROWS, T, D)).astype("float32"), requires_grad=True)
    packed = pack_padded_sequence(x, list(LENGTHS), batch_first=True, enforce_sorted=False)
    outputs, states = layer(packed)
    outputs, _ = pad_packed_sequence(outputs, batch_first=True)  # 0 behind the ends
    factors = random.normal(size=tuple(outputs.shape)).astype("float32")
    (outputs * torch.tensor(factors)).sum().backward()
    states = states if isinstance(states, tuple) else (states,)
    found = {"x": x, "factors": factors, "outputs": outputs, "dx": x.grad}
    found |= {f"state {i}": state for i, state in enumerate(states)}  # (layers * directions, B, U)
    found |= {f"weights {name}": value for name, value in layer.state_dict().items()}
    found |= {f"gradient {name}": value.grad for name, value in layer.named_parameters()}
    return {name: np.array(torch.as_tensor(value).detach()) for name, value in found.items()}


if __name__ == "__main__":
    arrays = {}
    for name, (kind, options) in CASES.items():
        parts = reference(kind, options, np.random.default_rng(0))
        arrays |= {f"{name}/{part}": value for part, value in parts.items()}
    np.savez(sys.argv[1], **arrays)
