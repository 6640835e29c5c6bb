// map: several elementwise operations in one pass. Each task takes its elements a piece at a time through
// all steps, whose results lie in a work space small enough for the nearest cache.
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <new>
#include <type_traits>
#include <variant>
#include <vector>

#include "backends/cpu/kernels.h"
#include "backends/cpu/loops.h"
#include "backends/cpu/merge.h"
#include "backends/cpu/pieces.h"
#include "backends/host.h"

namespace gradus::cpu {

namespace {

constexpr std::size_t kMostSteps = 32, kMostInputs = 12;

// Pieces of an input of any type as dense arrays.
class Reader {
 public:
  explicit Reader(const View& x) : dense_(open(x)) {}  // in place: it holds a buffer
  const void* piece(std::int64_t begin, std::int64_t n) {
    return std::visit([=](auto& dense) -> const void* { return dense.piece(begin, n); }, dense_);
  }

 private:
  using Any = std::variant<Dense<float>, Dense<double>, Dense<std::int32_t>, Dense<bool>>;
  static Any open(const View& x) {
    return dispatch(x.dtype, [&](auto zero) -> Any {
      using T = decltype(zero);
      return Any(std::in_place_type<Dense<T>>, data_of<T>(x), merge<1>({x.layout}), 0);
    });
  }

  Any dense_;
};

// One for each input, on the stack and untouched before: from the heap, or cleared, so much memory takes
// longer than small tensors do.
class Readers {
 public:
  explicit Readers(const std::vector<View>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) new (&slots_[i].reader) Reader(inputs[i]);
  }
  Reader& operator[](std::size_t i) { return slots_[i].reader; }

 private:
  static_assert(std::is_trivially_destructible_v<Reader>);  // for nobody destroys them
  union Slot {
    Slot() {}  // NOLINT: the default would be deleted
    Reader reader;
  };
  std::array<Slot, kMostInputs> slots_;
};

struct Loop {
  std::variant<UnaryLoop, BinaryLoop, SelectLoop> run;
  std::array<int, 3> values;
  View out;                  // where its result goes, if anywhere;
  std::size_t place = 0;     // if not, its place in the work space
  std::size_t last_use = 0;  // the last step that reads its result
};

// Gives each result the first place that holds none still to be read, and returns how many there are.
std::size_t assign_places(std::vector<Loop>& loops) {
  std::size_t places = 0;
  for (std::size_t s = 0; s < loops.size(); ++s) {
    for (const int v : loops[s].values) {
      if (v < 0) loops[static_cast<std::size_t>(-1 - v)].last_use = s;
    }
  }
  for (std::size_t s = 0; s < loops.size(); ++s) {
    const auto taken = [&](std::size_t place) {
      for (std::size_t t = 0; t < s; ++t) {
        if (loops[t].place == place && loops[t].last_use >= s) return true;
      }
      return false;
    };
    while (taken(loops[s].place)) ++loops[s].place;
    places = std::max(places, loops[s].place + 1);
  }
  return places;
}

// How many elements to take through all steps at a time: what they need shall lie in the nearest cache.
std::int64_t piece_of(std::size_t arrays, DType dtype) {
  constexpr std::size_t kNearestCache = std::size_t{24} << 10;
  const std::size_t most = kNearestCache / (arrays * size_of(dtype));
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::bit_floor(most)), 256, kPiece);
}

// A task's walk through all steps, piece by piece.
class Walk {
 public:
  Walk(Cache& cache, const std::vector<Loop>& loops, const std::vector<View>& inputs,
       std::size_t places, std::int64_t piece)
      : loops_(loops),
        inputs_(inputs.size()),
        readers_(inputs),
        piece_(static_cast<std::size_t>(piece)),
        room_(cache, static_cast<std::int64_t>(places) * piece) {}

  void operator()(std::int64_t i, std::int64_t n, bool past_caches) {
    std::array<const void*, kMostInputs> pieces;
    for (std::size_t k = 0; k < inputs_; ++k) pieces[k] = readers_[k].piece(i, n);
    const auto result_of = [&](std::size_t step) -> void* {
      const Loop& loop = loops_[step];
      if (loop.out.buffer != nullptr) return element(loop.out, i);
      return room_.data() + loop.place * piece_;
    };
    const auto value = [&](int v) -> const void* {
      return v < 0 ? result_of(static_cast<std::size_t>(-1 - v))
                   : pieces[static_cast<std::size_t>(v)];
    };
    for (std::size_t s = 0; s < loops_.size(); ++s) {
      const auto& [run, from, out, place, last_use] = loops_[s];
      void* const to = result_of(s);
      const bool past = past_caches && out.buffer != nullptr && last_use <= s && on_a_line(to);
      if (const auto* unary = std::get_if<UnaryLoop>(&run)) {
        (*unary)(value(from[0]), to, n, past);
      } else if (const auto* binary = std::get_if<BinaryLoop>(&run)) {
        (*binary)(value(from[0]), value(from[1]), to, n, past);
      } else {
        std::get<SelectLoop>(run)(static_cast<const bool*>(value(from[0])), value(from[1]),
                                  value(from[2]), to, n, past);
      }
    }
  }

 private:
  const std::vector<Loop>& loops_;
  std::size_t inputs_;
  Readers readers_;
  std::size_t piece_;
  Scratch<double> room_;
};

bool is_one_loop(const MapStep& step) {  // not so a copy, which may cast, and a power
  const auto* unary = std::get_if<UnaryOp>(&step.op);
  const auto* binary = std::get_if<BinaryOp>(&step.op);
  return (unary == nullptr || *unary != UnaryOp::copy) &&
         (binary == nullptr || *binary != BinaryOp::pow);
}

}  // namespace

bool map(Cache& cache, std::span<const MapStep> steps, std::span<const View> inputs) {
  if (steps.size() > kMostSteps || inputs.size() > kMostInputs ||
      !std::ranges::all_of(steps, is_one_loop))
    return false;
  const View& out =
      std::ranges::find_if(steps, [](const MapStep& s) { return s.out.buffer != nullptr; })->out;
  if (out.shape().numel() == 0) return true;
  const auto type_of = [&](int value) {
    return value < 0 ? steps[static_cast<std::size_t>(-1 - value)].dtype
                     : inputs[static_cast<std::size_t>(value)].dtype;
  };
  std::vector<Loop> loops;
  for (const MapStep& step : steps) {
    const DType type = type_of(step.values[0]);
    Loop& loop = loops.emplace_back(Loop{{}, step.values, step.out});
    if (const auto* unary = std::get_if<UnaryOp>(&step.op)) {
      loop.run = unary_loop(*unary, type);
    } else if (const auto* binary = std::get_if<BinaryOp>(&step.op)) {
      loop.run = binary_loop(*binary, type);
    } else {
      loop.run = select_loop(step.dtype);
    }
  }
  const std::size_t places = assign_places(loops);
  const std::int64_t piece = piece_of(inputs.size() + places, out.dtype);
  std::vector<std::shared_ptr<Buffer>> keepers(inputs.size());
  std::vector<View> sources;
  std::int64_t row = out.shape().numel();  // of which every input that is not dense has pieces
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    sources.push_back(readable(cache, inputs[i], keepers[i]));
    const auto walk = merge<1>({sources[i].layout});
    if (walk.rank > 1) row = std::min(row, walk.inner());
  }
  for_pieces(piece, row, out, [&] {
    return [walk = Walk(cache, loops, sources, places, piece)](
               std::int64_t i, std::int64_t n, void*, bool past) mutable { walk(i, n, past); };
  });
  return true;
}

}  // namespace gradus::cpu
