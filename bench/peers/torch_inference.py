"""The model alone of bench/inference_bench.cpp in PyTorch: self-attention and feed-forward network on
normalised inputs, attention pooling, two layers that decide."""
import torch
from torch import nn
import torch.nn.functional as F

from timing import arguments, time_rows, write

DIM, HEADS, HIDDEN, WORDS, CLASSES, TIME = 128, 4, 2048, 20000, 2, 230


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(WORDS, DIM)
        self.positions = nn.Parameter(torch.randn(TIME, DIM))
        self.project, self.out = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.up, self.down = nn.Linear(DIM, HIDDEN), nn.Linear(HIDDEN, DIM)
        self.key, self.query = nn.Linear(DIM, DIM), nn.Parameter(torch.randn(DIM))
        self.wide, self.classes = nn.Linear(DIM, HIDDEN), nn.Linear(HIDDEN, CLASSES)

    def attend(self, x):
        q, k, v = (part.view(-1, TIME, HEADS, DIM // HEADS).transpose(1, 2)
                   for part in self.project(x).chunk(3, -1))
        weights = (q @ k.transpose(-2, -1) / (DIM // HEADS) ** 0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(-1, TIME, DIM))

    def forward(self, words):
        x = self.embed(words) + self.positions
        x = x + self.attend(self.norm1(x))
        x = x + self.down(F.relu(self.up(self.norm2(x))))
        weights = (self.key(x) @ self.query / DIM ** 0.5).softmax(-1)
        pooled = (weights.unsqueeze(1) @ x).squeeze(1)
        return self.classes(F.relu(self.wide(pooled)))


options = arguments()
torch.set_grad_enabled(False)
model = Model().eval()


def predict(reviews):
    words = torch.randint(0, WORDS, (reviews, TIME))
    return lambda: model(words)


write(time_rows({"inference/one review, model": predict(1),
                 "inference/64 reviews, model": predict(64)}, options))
