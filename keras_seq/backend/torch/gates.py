"""One step of an LSTM and of a GRU on PyTorch, each one step of autograd."""

import torch

from keras_seq.backend.torch.graphs import is_watched


def fused_step(kind):
    return {"lstm": _lstm_step, "gru": _gru_step}.get(kind)


def _lstm_step(outer, inner, state):
    return list(_lstm_gates(outer, state[1]))


def _gru_step(outer, inner, state):
    return [_gru_gates(outer, inner, state[0])]


def _lstm_gates(z, c):
    if is_watched():
        i, f, g, o = z.chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c
    return _LSTMGates.apply(z, c)[:2]


class _LSTMGates(torch.autograd.Function):
    """`_lstm_gates` as one step of autograd: there are some 25 otherwise."""

    @staticmethod
    def forward(ctx, z, c):
        gates = z.sigmoid()
        i, f, g, o = gates.chunk(4, dim=-1)
        g.copy_(z.chunk(4, dim=-1)[2]).tanh_()
        new = torch.addcmul(i * g, f, c)
        t = new.tanh()
        ctx.save_for_backward(gates, c, t)
        ctx.set_materialize_grads(False)
        return o * t, new, gates, t

    @staticmethod
    def backward(ctx, dh, dc, d_gates, d_t):
        gates, c, t = ctx.saved_tensors
        i, f, g, o = gates.chunk(4, dim=-1)
        dh, dc = (torch.zeros_like(t) if x is None else x for x in (dh, dc))
        of_t = dh * o if d_t is None else dh * o + d_t
        dc = dc + torch.ops.aten.tanh_backward(of_t, t)
        if torch.is_grad_enabled() or d_gates is not None:
            of_gates = torch.cat([dc * g, dc * c, dc * i, dh * t], dim=-1)
            if d_gates is not None:
                of_gates = of_gates + d_gates
            of_z = torch.ops.aten.sigmoid_backward(of_gates, gates)
            di, df, _, do = of_z.chunk(4, dim=-1)
            dg = torch.ops.aten.tanh_backward(of_gates.chunk(4, dim=-1)[2], g)
            return torch.cat([di, df, dg, do], dim=-1), dc * f
        of_gates = torch.empty_like(gates)
        parts = of_gates.chunk(4, dim=-1)
        for part, (left, right) in zip(parts, ((dc, g), (dc, c), (dc, i), (dh, t)), strict=True):
            torch.mul(left, right, out=part)
        of_z = torch.ops.aten.sigmoid_backward(of_gates, gates)
        of_z.chunk(4, dim=-1)[2].copy_(torch.ops.aten.tanh_backward(parts[2], g))
        return of_z, dc * f


def _gru_gates(x, inner, h):
    if is_watched():
        units = h.shape[-1]
        z, r = (x + inner)[:, : 2 * units].sigmoid().chunk(2, dim=-1)
        n = (x[:, 2 * units :] + r * inner[:, 2 * units :]).tanh()
        return n + z * (h - n)
    return _GRUGates.apply(x, inner, h)[0]


class _GRUGates(torch.autograd.Function):
    """`_gru_gates` as one step of autograd."""

    @staticmethod
    def forward(ctx, x, inner, h):
        units = h.shape[-1]
        gates = torch.add(x[:, : 2 * units], inner[:, : 2 * units]).sigmoid_()
        z, r = gates.chunk(2, dim=-1)
        n = torch.addcmul(x[:, 2 * units :], r, inner[:, 2 * units :]).tanh_()
        ctx.save_for_backward(gates, n, inner, h)
        ctx.set_materialize_grads(False)
        return torch.lerp(n, h, z), gates, n

    @staticmethod
    def backward(ctx, dh, d_gates, d_n):
        gates, n, inner, h = ctx.saved_tensors
        z, r = gates.chunk(2, dim=-1)
        h_n = inner[:, 2 * h.shape[-1] :]
        dh = torch.zeros_like(h) if dh is None else dh
        kept = dh * z
        dn = dh - kept if d_n is None else dh - kept + d_n
        dn = torch.ops.aten.tanh_backward(dn, n)
        of_gates = torch.cat([dh * (h - n), dn * h_n], dim=-1)
        if d_gates is not None:
            of_gates = of_gates + d_gates
        of_gates = torch.ops.aten.sigmoid_backward(of_gates, gates)
        return torch.cat([of_gates, dn], dim=-1), torch.cat([of_gates, dn * r], dim=-1), kept
