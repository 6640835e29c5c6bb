"""The rows of bench/models_bench.cpp in PyTorch."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from timing import arguments, time_rows, write

options = arguments()
models = {}


def trains(loss, *modules, adam=torch.optim.Adam):
    """A step that makes loss() smaller by changing these modules."""
    optimizer = adam([p for module in modules for p in module.parameters()], lr=1e-3)

    def step():
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return step


def model(name):
    """What follows makes a model, when its row first runs."""
    def keep(make):
        made = []

        def step():
            if not made:
                made.append(make())
            made[0]()
        models[f"models/{name}"] = step
        return make
    return keep


@model("perceptron 2-16-2")
def _():
    net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    x, labels = torch.randn(32, 2), torch.randint(0, 2, (32,))
    return trains(lambda: F.cross_entropy(net(x), labels), net)


@model("perceptron 784-256-10")
def _():
    net = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, 10))
    x, labels = torch.randn(64, 784), torch.randint(0, 10, (64,))
    return trains(lambda: F.cross_entropy(net(x), labels), net)


@model("convolutions of digits")
def _():
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(32 * 7 * 7, 10))
    x, labels = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))
    return trains(lambda: F.cross_entropy(net(x), labels), net)


@model("residual block")
def _():
    inner = nn.Sequential(
        nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32))
    x = torch.randn(16, 32, 32, 32)
    return trains(lambda: torch.relu(x + inner(x)).square().mean(), inner)


@model("LSTM by hand, 64 steps")
def _():
    from_x, from_h = nn.Linear(128, 4 * 128), nn.Linear(128, 4 * 128)
    x = torch.randn(32, 64, 128)

    def loss():
        h, c, states = torch.zeros(32, 128), torch.zeros(32, 128), []
        for t in range(64):
            i, f, g, o = (from_x(x[:, t]) + from_h(h)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            states.append(h)
        return torch.stack(states, 1).square().mean()
    return trains(loss, from_x, from_h)


@model("LSTM language model")
def _():
    embed, lstm, out = nn.Embedding(5000, 128), nn.LSTM(128, 128, batch_first=True), nn.Linear(128, 5000)
    words, following = torch.randint(0, 5000, (16, 64)), torch.randint(0, 5000, (16 * 64,))
    return trains(lambda: F.cross_entropy(out(lstm(embed(words))[0]).flatten(0, 1), following),
                  embed, lstm, out)


@model("attention by hand")
def _():
    into, out = nn.Linear(128, 3 * 128), nn.Linear(128, 128)
    x, later = torch.randn(16, 128, 128), torch.ones(128, 128).triu(1) > 0

    def loss():
        q, k, v = (each.view(16, 128, 4, 32).transpose(1, 2) for each in into(x).chunk(3, -1))
        scores = q @ k.transpose(-2, -1) / 32**0.5
        weights = scores.masked_fill(later, -torch.inf).softmax(-1)
        return out((weights @ v).transpose(1, 2).reshape(16, 128, 128)).square().mean()
    return trains(loss, into, out)


@model("transformer layer")
def _():
    layer = nn.TransformerEncoderLayer(128, 4, 512, batch_first=True)
    x = torch.randn(16, 128, 128)
    return trains(lambda: layer(x).square().mean(), layer)


@model("word vectors")
def _():
    centre, around = nn.Embedding(20000, 100, sparse=True), nn.Embedding(20000, 100, sparse=True)
    words, seen, drawn = (torch.randint(0, 20000, size) for size in ((512,), (512,), (512, 5)))

    def loss():
        v = centre(words)
        near = (v * around(seen)).sum(-1)
        far = torch.einsum("nd,nkd->nk", v, around(drawn))
        return F.softplus(-near).mean() + F.softplus(far).sum(1).mean()
    return trains(loss, centre, around, adam=torch.optim.SparseAdam)


@model("variational autoencoder")
def _():
    encode = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 2 * 20))
    decode = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))
    x = torch.rand(64, 784)

    def loss():
        mean, log_variance = encode(x).chunk(2, 1)
        z = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        apart = mean.square() + log_variance.exp() - 1 - log_variance
        return 784 * F.binary_cross_entropy_with_logits(decode(z), x) + apart.sum(1).mean() / 2
    return trains(loss, encode, decode)


@model("convolutions of texts")
def _():
    embed, out = nn.Embedding(10000, 64), nn.Linear(3 * 64, 2)
    convs = nn.ModuleList([nn.Conv1d(64, 64, size) for size in (3, 4, 5)])
    words, labels = torch.randint(0, 10000, (32, 200)), torch.randint(0, 2, (32,))

    def loss():
        x = embed(words).transpose(1, 2)
        return F.cross_entropy(out(torch.cat([conv(x).relu().amax(-1) for conv in convs], 1)), labels)
    return trains(loss, embed, convs, out)


write(time_rows(models, options))
