"""The training step of bench/step_bench.cpp in PyTorch: the padded form, for PyTorch 1.13 has no
other."""
import math
import time

import torch
from torch import nn
import torch.nn.functional as F

from timing import arguments, median, usage, write

BATCH, TIME, DIM, HEADS, HIDDEN, WORDS, CLASSES = 32, 256, 128, 4, 2048, 20000, 2


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(WORDS, DIM)
        self.positions = nn.Parameter(torch.randn(TIME, DIM) * 0.02)
        self.query, self.key, self.value, self.out = (nn.Linear(DIM, DIM) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.up, self.down = nn.Linear(DIM, HIDDEN), nn.Linear(HIDDEN, DIM)
        self.score, self.head = nn.Linear(DIM, 1), nn.Linear(DIM, CLASSES)
        self.drop = nn.Dropout(0.1)

    def attend(self, x, nothing):
        q, k, v = (f(x).view(BATCH, TIME, HEADS, DIM // HEADS).transpose(1, 2)
                   for f in (self.query, self.key, self.value))
        scores = q @ k.transpose(-2, -1) / math.sqrt(DIM // HEADS)
        weights = scores.masked_fill(nothing[:, None, None, :], -1e9).softmax(-1)
        return self.out((self.drop(weights) @ v).transpose(1, 2).reshape(BATCH, TIME, DIM))

    def forward(self, words, nothing):
        x = self.drop(self.embed(words) + self.positions)
        x = self.norm1(x + self.drop(self.attend(x, nothing)))
        x = self.norm2(x + self.drop(self.down(F.relu(self.up(x)))))
        weights = self.score(x).squeeze(-1).masked_fill(nothing, -1e9).softmax(-1)
        return self.head((weights.unsqueeze(1) @ x).squeeze(1))


def batch():
    """The same texts as in step_bench.cpp: words from std::minstd_rand."""
    draw, words = 1, []
    for _ in range(BATCH * TIME):
        draw = draw * 48271 % 2147483647
        words.append(draw % WORDS)
    lengths = torch.tensor([TIME] + [100 + text * 61 % 157 for text in range(1, BATCH)])
    nothing = torch.arange(TIME)[None] >= lengths[:, None]
    return torch.tensor(words).view(BATCH, TIME), nothing, torch.arange(BATCH) % CLASSES


options = arguments()
words, nothing, labels = batch()
model = Model()
adam = torch.optim.Adam(model.parameters(), 1e-3)
times = {"time": [], "forward": [], "backward": [], "optimizer": []}
faults = cpu = 0
for repetition in range(-2, options.repetitions):
    before = usage()
    start = time.perf_counter()
    adam.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(words, nothing), labels)
    forward_done = time.perf_counter()
    loss.backward()
    backward_done = time.perf_counter()
    adam.step()
    done = time.perf_counter()
    after = usage()
    if repetition < 0:  # warming up
        continue
    times["time"].append(done - start)
    times["forward"].append(forward_done - start)
    times["backward"].append(backward_done - forward_done)
    times["optimizer"].append(done - backward_done)
    faults += after.ru_minflt - before.ru_minflt
    cpu += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
row = {name: median(values) for name, values in times.items()}
row["faults"] = faults / options.repetitions
row["cpu"] = cpu / sum(times["time"])
write({"step/padded": row})
