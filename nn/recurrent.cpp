#include "nn/recurrent.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/ops.h"
#include "nn/check.h"
#include "nn/init.h"

namespace gradus::nn {

// When each row is read. Texts are taken longest first, so that those that still go on at a step are
// the first few, and the rows of the state are cut off from the end as texts do.
struct Recurrent::Schedule {
  std::vector<Tensor> steps;  // the rows that each step reads: i32 [texts that go on]
  Tensor places;              // of each row its place among those read: i32 [rows]
  Tensor longest_first;       // i32 [count]: texts
  Tensor ranks;               // i32 [count]: the place of each text in longest_first

  Schedule(const Segments& segments, bool from_end, Backend& on) {
    using Rows = std::vector<std::int32_t>;
    const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
    const auto row32 = [](std::size_t i) { return static_cast<std::int32_t>(i); };
    Rows texts(at(segments.count())), rank(texts.size()), place(at(segments.rows()));
    std::iota(texts.begin(), texts.end(), 0);
    std::stable_sort(texts.begin(), texts.end(), [&](std::int32_t a, std::int32_t b) {
      return segments.size(a) > segments.size(b);
    });
    for (std::size_t i = 0; i < texts.size(); ++i) rank[at(texts[i])] = row32(i);
    std::size_t read = 0;
    for (std::int64_t t = 0; t < segments.longest(); ++t) {
      Rows rows;
      for (std::int32_t text : texts) {
        if (segments.size(text) <= t) break;
        const std::int64_t row = from_end ? segments.end(text) - 1 - t : segments.begin(text) + t;
        rows.push_back(static_cast<std::int32_t>(row));
        place[at(row)] = row32(read++);
      }
      const auto going = static_cast<std::int64_t>(rows.size());
      steps.push_back(from_vector(rows, {going}, &on));
    }
    places = from_vector(place, {segments.rows()}, &on);
    longest_first = from_vector(texts, {segments.count()}, &on);
    ranks = from_vector(rank, {segments.count()}, &on);
  }
};

Recurrent::Recurrent(const char* type, std::int64_t gates, std::size_t states, std::int64_t in,
                     std::int64_t hidden, const RecurrentOptions& options)
    : states_(states), in_(in), hidden_(hidden), options_(options) {
  check_sizes(type, {in, hidden, options.layers});
  check_option(type, "dropout", options.dropout, 0, 1);
  const std::int64_t rows = check_product(type, gates, hidden);
  const std::int64_t directions = options.bidirectional ? 2 : 1;
  const double bound = 1 / std::sqrt(static_cast<double>(hidden));
  const auto made = [bound](const Shape& shape) {
    Tensor x = parameter(empty(shape));
    init::uniform(x, -bound, bound);
    return x;
  };
  for (std::int64_t i = 0; i < options.layers * directions; ++i) {
    const std::int64_t width = i < directions ? in : directions * hidden;
    Cell& cell = cells.emplace_back();
    cell.weight_ih = made({rows, width});
    cell.weight_hh = made({rows, hidden});
    if (options.bias) {
      cell.bias_ih = made({rows});
      cell.bias_hh = made({rows});
    }
  }
}

// The state of one cell to begin with, the longest text first.
Recurrent::State Recurrent::initial(const State& given, std::size_t cell, std::int64_t count,
                                    const Tensor& x) const {
  const Shape all{static_cast<std::int64_t>(cells.size()), count, hidden_};
  State state;
  for (const Tensor& s : given) {
    if (s.defined() && s.shape() != all) {
      throw ShapeError(
          fmt::format("{}: a state is [layers * directions, texts, hidden] = {}, got {}",
                      location(), to_string(all), to_string(s.shape())));
    }
    state.push_back(s.defined() ? select(s, 0, static_cast<std::int64_t>(cell))
                                : zeros({count, hidden_}, x.options()));
  }
  return state;
}

namespace {
Tensor rows_of(const Tensor& x, std::int64_t begin, std::int64_t end) {
  return begin == 0 && end == x.size(0) ? x : slice(x, 0, begin, end);
}
}  // namespace

// What the cell says of each row, and the states after the last rows.
std::pair<Tensor, Recurrent::State> Recurrent::run(const Cell& cell, const Tensor& x,
                                                   const Schedule& schedule, State state) const {
  const Tensor from_x = linear(x, cell.weight_ih, cell.bias_ih);  // of all rows at once
  for (Tensor& s : state) s = gather(s, schedule.longest_first);
  std::vector<Tensor> said;
  std::vector<std::vector<Tensor>> ended(state.size());  // the rows of texts that have ended
  const auto cut = [&](std::int64_t going) {
    for (std::size_t i = 0; i < state.size(); ++i) {
      const std::int64_t n = state[i].size(0);
      if (going < n) ended[i].push_back(rows_of(state[i], going, n));
      state[i] = rows_of(state[i], 0, going);
    }
  };
  for (const Tensor& rows : schedule.steps) {
    cut(rows.size(0));
    state = step(gather(from_x, rows), linear(state[0], cell.weight_hh, cell.bias_hh), state);
    said.push_back(state[0]);
  }
  for (std::size_t i = 0; i < state.size(); ++i) {
    ended[i].push_back(state[i]);
    std::reverse(ended[i].begin(), ended[i].end());  // the longest, which end last, come first
    state[i] = gather(concat(ended[i], 0), schedule.ranks);
  }
  const Tensor all = said.empty() ? slice(state[0], 0, 0, 0) : concat(said, 0);
  return {gather(all, schedule.places), state};
}

Recurrent::Result Recurrent::operator()(const Tensor& x, const Segments& segments, const Tensor& h,
                                        const Tensor& c) const {
  if (x.rank() != 2 || x.size(1) != in_ || x.size(0) != segments.rows()) {
    throw ShapeError(fmt::format("{}: input {} must be [rows, features] = [{}, {}], packed",
                                 location(), to_string(x.shape()), segments.rows(), in_));
  }
  if (states_ == 1 && c.defined()) {
    throw ShapeError(fmt::format("{}: there is no cell state here, but c {} was given", location(),
                                 to_string(c.shape())));
  }
  return located([&]() -> Result {
    const std::size_t directions = options_.bidirectional ? 2 : 1;
    std::vector<Schedule> schedules;
    for (std::size_t d = 0; d < directions; ++d)
      schedules.emplace_back(segments, d == 1, x.backend());
    State given{h};
    if (states_ == 2) given.push_back(c);
    std::vector<std::vector<Tensor>> last(states_);
    Tensor y = x;
    for (std::size_t i = 0; i < cells.size(); i += directions) {
      if (i > 0) y = dropout(y, options_.dropout, training());
      std::vector<Tensor> said;
      for (std::size_t d = 0; d < directions; ++d) {
        const auto [output, state] =
            run(cells[i + d], y, schedules[d], initial(given, i + d, segments.count(), x));
        said.push_back(output);
        for (std::size_t s = 0; s < state.size(); ++s) last[s].push_back(state[s]);
      }
      y = directions == 1 ? said[0] : concat(said, 1);
    }
    return {watched(y), stack(last[0]), states_ == 2 ? stack(last[1]) : Tensor()};
  });
}

void Recurrent::visit(Visitor& v) {
  const std::size_t directions = options_.bidirectional ? 2 : 1;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string suffix =
        "_l" + std::to_string(i / directions) + (i % directions == 1 ? "_reverse" : "");
    v("weight_ih" + suffix, cells[i].weight_ih);
    v("weight_hh" + suffix, cells[i].weight_hh);
    v("bias_ih" + suffix, cells[i].bias_ih);
    v("bias_hh" + suffix, cells[i].bias_hh);
  }
}

std::string Recurrent::detail() const {
  return fmt::format("{} -> {}, {} layer{}{}", in_, hidden_, options_.layers,
                     options_.layers == 1 ? "" : "s", options_.bidirectional ? ", both ways" : "");
}

Recurrent::State LSTM::step(const Tensor& from_x, const Tensor& from_h, const State& before) const {
  const std::vector<Tensor> gates = chunk(from_x + from_h, 4, 1);  // i, f, g, o
  const Tensor c = sigmoid(gates[1]) * before[1] + sigmoid(gates[0]) * tanh(gates[2]);
  return {sigmoid(gates[3]) * tanh(c), c};
}

Recurrent::State GRU::step(const Tensor& from_x, const Tensor& from_h, const State& before) const {
  const std::vector<Tensor> x = chunk(from_x, 3, 1), h = chunk(from_h, 3, 1);  // r, z, n
  const Tensor r = sigmoid(x[0] + h[0]), z = sigmoid(x[1] + h[1]);
  const Tensor n = tanh(x[2] + r * h[2]);
  return {n + z * (before[0] - n)};
}

}  // namespace gradus::nn
