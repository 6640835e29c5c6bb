// Stopping and going on. A checkpoint holds all that decides what comes next - parameters, the
// optimizer's moments, the place in the random numbers, the step - and training goes on from it to the
// same numbers, to the last bit, as if it had never stopped.

#include <gradus/gradus.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <string>

using namespace gradus;

struct Training {
  nn::Sequential model{nn::Linear(2, 32), nn::Tanh(), nn::Dropout(0.1), nn::Linear(32, 2)};
  optim::AdamW optimizer{model.parameters(), {.lr = 0.02}};
  std::int64_t step = 0;
};

// Takes the steps from where it stands up to `until`, on batches drawn from x [n, 2] and labels [n].
double train(Training& t, std::int64_t until, const Tensor& x, const Tensor& labels) {
  const optim::Schedule schedule = optim::warmup_cosine(10, 100);
  double loss = 0;
  for (; t.step < until; ++t.step) {
    const Tensor rows = randint(0, x.size(0), {32});
    const Tensor error = nn::cross_entropy(t.model(gather(x, rows)), gather(labels, rows));
    t.optimizer.zero_grad();
    error.backward();
    t.optimizer.set_lr_factor(schedule(t.step));
    t.optimizer.step();
    loss = error.item();
  }
  return loss;
}

void save(const Training& t, const std::string& path) {
  nn::NamedTensors all;
  for (const auto& [name, x] : t.model.state()) all.emplace_back("model." + name, x);
  for (const auto& [name, x] : t.optimizer.state()) all.emplace_back("optimizer." + name, x);
  const RandomState random = random_state();
  nn::save(path, all,
           {{"step", std::to_string(t.step)},
            {"seed", std::to_string(random.seed)},
            {"next_stream", std::to_string(random.next_stream)}});
}

void resume(Training& t, const std::string& path) {
  const nn::Checkpoint file = nn::load(path);
  const auto part = [&](const std::string& prefix) {
    nn::NamedTensors tensors;
    for (const auto& [name, x] : file.tensors) {
      if (name.starts_with(prefix)) tensors.emplace_back(name.substr(prefix.size()), x);
    }
    return tensors;
  };
  nn::load_state(t.model, part("model."), path);
  t.optimizer.load_state(part("optimizer."));
  t.step = std::stoll(file.metadata.at("step"));
  set_random_state({.seed = std::stoull(file.metadata.at("seed")),
                    .next_stream = std::stoull(file.metadata.at("next_stream"))});
}

int main() {
  // Points, and whether they lie within a circle.
  manual_seed(1);
  const Tensor x = uniform({400, 2}, -1, 1);
  const Tensor labels = cast(norm(x, 1) < 0.75, DType::i32);
  const RandomState begin = random_state();

  Training whole;
  std::cout << "100 steps: loss " << train(whole, 100, x, labels) << "\n";

  const std::string path = std::filesystem::temp_directory_path() /
                           ("gradus-resume-" + std::to_string(getpid()) + ".safetensors");
  set_random_state(begin);
  {
    Training first;
    std::cout << "60 steps: loss " << train(first, 60, x, labels) << "\n";
    save(first, path);
  }
  manual_seed(7);  // another process, another seed: the file has the right one
  Training second;
  resume(second, path);
  std::filesystem::remove(path);
  std::cout << "40 more: loss " << train(second, 100, x, labels) << "\n";

  bool same = true;
  const nn::NamedTensors expected = whole.model.state(), found = second.model.state();
  for (std::size_t i = 0; i < found.size(); ++i) {
    same = same && all(found[i].second == expected[i].second).item() != 0;
  }
  std::cout << "the same parameters: " << std::boolalpha << same << "\n";
  return same ? 0 : 1;
}
