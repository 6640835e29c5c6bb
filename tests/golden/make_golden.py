#!/usr/bin/python3
"""Writes golden.json: inputs, outputs and gradients of the main operations as PyTorch computes them
(in f64), for golden_test.cpp to compare with. The tests need only the file; to make it anew:

    apt-get install --no-install-recommends python3-torch python3-numpy
    /usr/bin/python3 tests/golden/make_golden.py

The gradients are those of sum(output * weights), with random weights.
"""
import json
import math
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(20240229)


def real(*shape, low=-3.0, high=3.0):
    """Numbers with four decimals: short to write, exact after reading."""
    return torch.round((torch.rand(*shape, dtype=torch.float64) * (high - low) + low), decimals=4)


def positive(*shape):
    return real(*shape, low=0.2, high=3.0)


def index(limit, *shape):
    return torch.randint(0, limit, shape)


def attention(q, k, v, scores, mask=None):
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return torch.softmax(scores, -1) @ v


def dot(q, k):
    return q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])


def euclidean(q, k):
    return -0.5 * torch.cdist(q, k) ** 2 / math.sqrt(q.shape[-1])


def additive(q, k, w):
    return (w * torch.tanh(q.unsqueeze(-2) + k.unsqueeze(-3))).sum(-1)


def packed_mean(x):  # rows 0..2, none, rows 3..8
    return torch.stack([x[0:3].mean(0), torch.zeros_like(x[0]), x[3:9].mean(0)])


def packed_attention(q, k, v):  # [rows, heads, d], segments of 3, 0 and 6 rows
    parts = []
    for begin, end in [(0, 3), (3, 9)]:
        a, b, c = (t[begin:end].transpose(0, 1) for t in (q, k, v))
        parts.append(attention(a, b, c, dot(a, b)).transpose(0, 1))
    return torch.cat(parts)


def packed_recurrent(run, states, layers, directions, hidden):
    """Rows 0..2, none, rows 3..8: what is said of each row, then the last states, in one list."""
    def function(x, *parameters):
        said, last = [], []
        for begin, end in [(0, 3), (3, 3), (3, 9)]:
            state = tuple(torch.zeros(layers * directions, 1, hidden, dtype=x.dtype) for _ in range(states))
            if begin < end:
                y, *state = run(x[begin:end].unsqueeze(1), state if states == 2 else state[0], parameters,
                                True, layers, 0.0, False, directions == 2, False)
                said.append(y.squeeze(1))
            last.append(state)
        return torch.cat([torch.cat(said).flatten()] +
                         [torch.cat(s, 1).flatten() for s in zip(*last)])
    return function


def cell(gates, width, hidden):
    return [real(gates * hidden, width), real(gates * hidden, hidden), real(gates * hidden), real(gates * hidden)]


MASK = torch.tensor([[True, True, False, True], [False, True, False, False], [True, True, True, True]])

CASES = [
    ("add", lambda a, b: a + b, real(2, 3, 4), real(3, 1)),
    ("sub", lambda a, b: a - b, real(5), real(3, 1)),
    ("mul", lambda a, b: a * b, real(2, 1, 4), real(3, 1)),
    ("div", lambda a, b: a / b, real(3, 4), positive(4)),
    ("pow", lambda a, b: a ** b, positive(3, 4), real(4)),
    ("maximum", torch.maximum, real(4, 5), real(4, 5)),
    ("minimum", torch.minimum, real(4, 5), real(5)),
    ("exp", torch.exp, real(37)),
    ("log", torch.log, positive(37)),
    ("sqrt", torch.sqrt, positive(37)),
    ("abs", torch.abs, real(19)),
    ("sin", torch.sin, real(37)),
    ("cos", torch.cos, real(37)),
    ("tanh", torch.tanh, real(37)),
    ("sigmoid", torch.sigmoid, real(37, low=-12, high=12)),
    ("relu", torch.relu, real(19)),
    ("gelu", F.gelu, real(37, low=-6, high=6)),
    ("erf", torch.erf, real(37)),
    ("clamp", lambda x: torch.clamp(x, -1.5, 0.75), real(19)),
    ("where", lambda a, b: torch.where(MASK, a, b), real(3, 4), real(4)),
    ("sum", lambda x: x.sum((0, 2)), real(3, 4, 5)),
    ("mean", lambda x: x.mean(1), real(3, 4, 5)),
    ("max", lambda x: x.amax(-1), real(5, 7)),
    ("min", lambda x: x.amin(0), real(5, 7)),
    ("logsumexp", lambda x: torch.logsumexp(x, 1), real(4, 9)),
    ("var", lambda x: x.var(1), real(4, 9)),
    ("var biased", lambda x: x.var((0, 1), unbiased=False), real(4, 9)),
    ("matmul", torch.matmul, real(5, 7), real(7, 3)),
    ("matmul batched", torch.matmul, real(2, 1, 3, 4), real(2, 4, 3)),
    ("linear", F.linear, real(2, 3, 5), real(4, 5), real(4)),
    ("squared_distance", lambda a, b: torch.cdist(a, b) ** 2, real(2, 3, 4), real(2, 5, 4)),
    ("softmax", lambda x: torch.softmax(x, -1), real(3, 11)),
    ("softmax first axis", lambda x: torch.softmax(x, 0), real(3, 5)),
    ("log_softmax", lambda x: torch.log_softmax(x, -1), real(3, 11)),
    ("layer_norm", lambda x, w, b: F.layer_norm(x, (11,), w, b), real(2, 3, 11), real(11), real(11)),
    ("conv1d", F.conv1d, real(2, 3, 8), real(4, 3, 3), real(4)),
    ("conv1d strided", lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=2),
     real(2, 3, 9), real(4, 3, 5), real(4)),
    ("max_pool1d", lambda x: F.max_pool1d(x, 3), real(2, 2, 11)),
    ("max_pool1d overlapping", lambda x: F.max_pool1d(x, 3, 2), real(2, 2, 11)),
    ("avg_pool1d", lambda x: F.avg_pool1d(x, 3, 2), real(2, 2, 11)),
    ("unfold", lambda x: x.unfold(1, 3, 2), real(3, 9)),
    ("permute", lambda x: x.permute(2, 0, 1) ** 2, real(2, 3, 4)),
    ("slice", lambda x: x[:, 1::3] ** 2, real(3, 8)),
    ("concat", lambda a, b: torch.cat([a, b, a], 1) ** 2, real(2, 3), real(2, 2)),
    ("gather", lambda t, i: t[i] ** 2, real(6, 3), index(6, 2, 5)),
    ("scatter_add", lambda s, i: torch.zeros(4, 3, dtype=s.dtype).index_add(0, i, s) ** 2,
     real(7, 3), index(4, 7)),
    ("cross_entropy", F.cross_entropy, real(6, 5), index(5, 6)),
    ("mse", F.mse_loss, real(4, 3), real(4, 3)),
    ("bce_with_logits", F.binary_cross_entropy_with_logits, real(12), real(12, low=0, high=1)),
    ("attention dot", lambda q, k, v: attention(q, k, v, dot(q, k)),
     real(2, 3, 4), real(2, 5, 4), real(2, 5, 3)),
    ("attention euclidean", lambda q, k, v: attention(q, k, v, euclidean(q, k)),
     real(3, 4), real(5, 4), real(5, 2)),
    ("attention additive", lambda q, k, v, w: attention(q, k, v, additive(q, k, w)),
     real(3, 4), real(5, 4), real(5, 2), real(4)),
    ("attention masked", lambda q, k, v: attention(q, k, v, dot(q, k), MASK),
     real(3, 4), real(4, 4), real(4, 2)),
    ("attention causal",
     lambda q, k, v: attention(q, k, v, dot(q, k), torch.ones(4, 4, dtype=torch.bool).tril()),
     real(4, 3), real(4, 3), real(4, 2)),
    ("attention packed", packed_attention, real(9, 2, 4), real(9, 2, 4), real(9, 2, 4)),
    ("segment_mean", packed_mean, real(9, 2)),
]


def decoder(norm_first):
    layer = torch.nn.TransformerDecoderLayer(4, 2, 5, dropout=0.0, batch_first=True,
                                             norm_first=norm_first).double()
    names = [name for name, _ in layer.named_parameters()]
    causal = torch.full((3, 3), -math.inf).triu(1).double()

    def function(x, memory, *parameters):
        return torch.nn.utils.stateless.functional_call(layer, dict(zip(names, parameters)), (x, memory, causal))
    return [function, real(2, 3, 4), real(2, 2, 4), *(real(*p.shape, low=-1, high=1) for p in layer.parameters())]


def more_cases():
    """Drawn after those above, whose numbers so stay as they are."""
    return [
        ("expm1", torch.expm1, real(37)),
        ("log1p", torch.log1p, real(37, low=-0.9, high=3)),
        ("softplus", F.softplus, real(37, low=-12, high=12)),
        ("silu", F.silu, real(37)),
        ("elu", lambda x: F.elu(x, 1.5), real(37)),
        ("leaky_relu", lambda x: F.leaky_relu(x, 0.2), real(37)),
        ("masked_fill", lambda x: x.masked_fill(MASK, 2.0), real(2, 3, 4)),
        ("tril", lambda x: torch.tril(x, 1), real(2, 4, 3)),
        ("triu", lambda x: torch.triu(x, -1), real(2, 4, 3)),
        ("cumsum", lambda x: x.cumsum(1) ** 2, real(3, 11)),
        ("flip", lambda x: x.flip(0, 2) * x, real(2, 3, 4)),
        ("split", lambda x: torch.cat(torch.split(x, 3, 1)[::-1], 1) * x, real(2, 7)),
        ("chunk", lambda x: torch.cat(torch.chunk(x, 3, 1)[::-1], 1) * x, real(2, 7)),
        ("index_select", lambda x, i: x.index_select(1, i) ** 2, real(3, 5), index(5, 8)),
        ("take_along_dim", lambda x, i: torch.take_along_dim(x, i, 1) ** 2, real(3, 5), index(5, 3, 4)),
        ("scatter", lambda x, s: x.scatter(1, torch.tensor([[4, 0], [1, 2], [3, 1]]), s) ** 2, real(3, 5), real(3, 2)),
        ("index_put", lambda x, s: x.index_put((torch.tensor([3, 0]),), s) ** 2, real(4, 3), real(2, 3)),
        ("sort", lambda x: torch.sort(x, 1).values ** 2 * torch.arange(1, 8), real(3, 7)),
        ("topk", lambda x: torch.topk(x, 3, 0).values ** 2, real(7, 2)),
        ("einsum batched", lambda a, b: torch.einsum("bij,bjk->bki", a, b), real(2, 3, 4), real(2, 4, 2)),
        ("einsum dots", lambda a, b: torch.einsum("...ii,jk->...ki", a, b), real(2, 3, 3), real(2, 4)),
        ("einsum three", lambda a, b, c: torch.einsum("bi,ij,bj", a, b, c), real(2, 3), real(3, 4), real(2, 4)),
        ("cross_entropy smoothed",
         lambda x, i, w: F.cross_entropy(x, i, w.detach(), label_smoothing=0.2) + 0 * w.sum(),
         real(6, 5), index(5, 6), positive(5)),
        ("nll_loss", lambda x, i: F.nll_loss(F.log_softmax(x, 1), i), real(6, 5), index(5, 6)),
        ("kl_div", lambda x, t: F.kl_div(torch.log_softmax(x, 1), torch.softmax(t, 1), reduction="batchmean"),
         real(4, 5), real(4, 5)),
        ("multi_margin_loss", lambda x, i: F.multi_margin_loss(x, i, margin=0.7), real(6, 5), index(5, 6)),
        ("hinge_loss", lambda x: F.hinge_embedding_loss(1 - x, torch.tensor([-1.0])), real(9)),
        ("l1_loss", F.l1_loss, real(4, 3), real(4, 3)),
        ("smooth_l1_loss", lambda a, b: F.smooth_l1_loss(a, b, beta=1.7), real(4, 3), real(4, 3)),
        ("conv2d", F.conv2d, real(2, 3, 5, 6), real(4, 3, 3, 2), real(4)),
        ("conv2d strided", lambda x, w, b: F.conv2d(x, w, b, stride=(2, 3), padding=(1, 2)),
         real(2, 3, 6, 5), real(4, 3, 3, 3), real(4)),
        ("max_pool2d", lambda x: F.max_pool2d(x, (3, 2), (2, 1)), real(2, 2, 7, 5)),
        ("avg_pool2d", lambda x: F.avg_pool2d(x, (2, 3), 2), real(2, 2, 7, 5)),
        ("LSTM", packed_recurrent(torch._VF.lstm, 2, 1, 1, 2), real(9, 3), *cell(4, 3, 2)),
        ("GRU", packed_recurrent(torch._VF.gru, 1, 1, 1, 2), real(9, 3), *cell(3, 3, 2)),
        ("LSTM of two layers, both ways", packed_recurrent(torch._VF.lstm, 2, 2, 2, 2), real(9, 3),
         *cell(4, 3, 2), *cell(4, 3, 2), *cell(4, 4, 2), *cell(4, 4, 2)),
        ("decoder layer", *decoder(False)),
        ("decoder layer, norm first", *decoder(True)),
        ("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
         real(3, 2, 5), real(2), real(2)),
    ]


def pack(tensor):
    numbers = tensor.detach().flatten().tolist()
    if tensor.is_floating_point():
        numbers = [float(f"{x:.15g}") for x in numbers]
    return {"shape": list(tensor.shape), "data": numbers}


def record(name, function, *inputs):
    for x in inputs:
        if x.is_floating_point():
            x.requires_grad_()
    output = function(*inputs)
    weights = real(*output.shape) if output.shape else torch.tensor(1.5, dtype=torch.float64)
    wanted = [x for x in inputs if x.is_floating_point()]
    gradients = torch.autograd.grad((output * weights).sum(), wanted)
    return {"name": name, "inputs": [pack(x) for x in inputs], "output": pack(output),
            "weights": pack(weights), "gradients": [pack(g) for g in gradients]}


cases = [record(*case) for case in CASES]
cases += [record(*case) for case in more_cases()]
cases.append(record("batch_norm of images",
                    lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
                    real(2, 3, 4, 5), real(3), real(3)))
cases.append(record("cross_entropy ignoring", lambda x, i: F.cross_entropy(x, i, ignore_index=1),
                    real(7, 3), index(3, 7)))
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
text = f'{{"made_by":"PyTorch {torch.__version__}","cases":[\n{lines}\n]}}\n'
path = pathlib.Path(__file__).with_name("golden.json")
path.write_text(text)
print(f"{path.name}: {len(cases)} cases, {len(text)} bytes")
