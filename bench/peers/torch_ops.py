"""The rows of bench/ops_bench.cpp in PyTorch, and attention over long texts."""
import math

import torch
import torch.nn.functional as F

from timing import arguments, time_rows, write

BATCH, TIME, DIM, HEADS, HIDDEN, WORDS = 32, 256, 128, 4, 2048, 20000
TOKENS = BATCH * TIME

options = arguments()
leaves = []


def leaf(*shape):
    leaves.append(torch.randn(*shape, requires_grad=True))
    return leaves[-1]


def attention(q, k, v):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    return scores.softmax(-1) @ v


x, big, scores = leaf(TOKENS, DIM), leaf(TOKENS, HIDDEN), leaf(BATCH, HEADS, TIME, TIME)
up, up_bias, down = leaf(HIDDEN, DIM), leaf(HIDDEN), leaf(DIM, HIDDEN)
q, k, v = (leaf(BATCH, HEADS, TIME, DIM // HEADS) for _ in range(3))
gain, shift, table, logits = leaf(DIM), leaf(DIM), leaf(WORDS, DIM), leaf(TOKENS, 2)
channels, filters = leaf(BATCH, DIM, TIME), leaf(256, DIM, 3)
images, kernels = leaf(BATCH, 64, 32, 32), leaf(64, 64, 3, 3)
image_gain, image_shift, running_mean, running_var = leaf(64), leaf(64), torch.zeros(64), torch.ones(64)
words, labels = torch.randint(0, WORDS, (TOKENS,)), torch.randint(0, 2, (TOKENS,))
points = lambda: x.view(BATCH, TIME, DIM)

ops = {
    "add [8192,2048]": lambda: big + big,
    "mul [8192,2048]": lambda: big * big,
    "add_bias [8192,2048]": lambda: big + up_bias,
    "relu [8192,2048]": lambda: F.relu(big),
    "gelu [8192,2048]": lambda: F.gelu(big),
    "tanh [8192,2048]": lambda: big.tanh(),
    "exp [8192,2048]": lambda: big.exp(),
    "dropout [8192,2048]": lambda: F.dropout(big, 0.1),
    "sum [8192,2048]": lambda: big.sum(),
    "sum0 [8192,2048]": lambda: big.sum(0),
    "sum1 [8192,2048]": lambda: big.sum(1),
    "softmax [32,4,256,256]": lambda: scores.softmax(-1),
    "log_softmax [8192,2048]": lambda: big.log_softmax(-1),
    "layer_norm [8192,128]": lambda: F.layer_norm(x, (DIM,), gain, shift),
    "linear 8192x128->2048": lambda: F.linear(x, up, up_bias),
    "linear 8192x2048->128": lambda: F.linear(big, down),
    "bmm qk [32,4,256,32]": lambda: q @ k.transpose(-2, -1),
    "attention [32,4,256,32]": lambda: attention(q, k, v),
    "embedding 8192 of 20000x128": lambda: F.embedding(words, table),
    "cross_entropy [8192,2]": lambda: F.cross_entropy(logits, labels),
    "conv1d [32,128,256] k3->256": lambda: F.conv1d(channels, filters, padding=1),
    "conv2d [32,64,32,32] k3->64": lambda: F.conv2d(images, kernels, padding=1),
    "max_pool2d [32,64,32,32] k2": lambda: F.max_pool2d(images, 2),
    "batch_norm [32,64,32,32]": lambda: F.batch_norm(images, running_mean, running_var, image_gain,
                                                     image_shift, training=True),
    "transpose_copy [8192,2048]": lambda: big.t().contiguous(),
    "cdist [32,256,128]": lambda: torch.cdist(points(), points()),
}


def forward(op):
    def run():
        with torch.no_grad():
            op()
    return run


def both(op):
    def run():
        y = op()
        y.backward(torch.ones_like(y))
        for each in leaves:
            each.grad = None
    return run


rows = {}
for name, op in ops.items():
    rows[f"ops/{name}/forward"] = forward(op)
    rows[f"ops/{name}/both"] = both(op)
write(time_rows(rows, options))
