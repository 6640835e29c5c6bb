// map: several elementwise operations in one pass. Each task takes its elements a piece at a time through
// all steps, whose results lie in a work space small enough for the nearest cache.
#include <algorithm>
#include <array>
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

constexpr std::int64_t kMapPiece = kPiece;  // elements taken through all steps at a time
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
  std::size_t place = 0;  // of its result in the work space
};

// Gives each result the first place that holds none still to be read.
void assign_places(std::vector<Loop>& loops) {
  std::vector<std::size_t> last_use(loops.size(), 0);
  for (std::size_t s = 0; s < loops.size(); ++s) {
    for (const int v : loops[s].values) {
      if (v < 0) last_use[static_cast<std::size_t>(-1 - v)] = s;
    }
  }
  for (std::size_t s = 0; s < loops.size(); ++s) {
    const auto taken = [&](std::size_t place) {
      for (std::size_t t = 0; t < s; ++t) {
        if (loops[t].place == place && last_use[t] >= s) return true;
      }
      return false;
    };
    while (taken(loops[s].place)) ++loops[s].place;
  }
}

// A task's walk through all steps, piece by piece.
class Walk {
 public:
  Walk(Cache& cache, const std::vector<Loop>& loops, const std::vector<View>& inputs)
      : loops_(loops),
        inputs_(inputs.size()),
        readers_(inputs),
        room_(cache, std::ssize(loops) * kMapPiece) {}

  void operator()(std::int64_t i, std::int64_t n, void* to, bool past_caches) {
    std::array<const void*, kMostInputs> pieces;
    for (std::size_t k = 0; k < inputs_; ++k) pieces[k] = readers_[k].piece(i, n);
    const auto result_of = [&](std::size_t step) -> void* {
      return step + 1 == loops_.size() ? to : room_.data() + loops_[step].place * kMapPiece;
    };
    const auto value = [&](int v) -> const void* {
      return v < 0 ? result_of(static_cast<std::size_t>(-1 - v))
                   : pieces[static_cast<std::size_t>(v)];
    };
    for (std::size_t s = 0; s < loops_.size(); ++s) {
      const auto& [run, from, place] = loops_[s];
      const bool past = past_caches && s + 1 == loops_.size();
      if (const auto* unary = std::get_if<UnaryLoop>(&run)) {
        (*unary)(value(from[0]), result_of(s), n, past);
      } else if (const auto* binary = std::get_if<BinaryLoop>(&run)) {
        (*binary)(value(from[0]), value(from[1]), result_of(s), n, past);
      } else {
        std::get<SelectLoop>(run)(static_cast<const bool*>(value(from[0])), value(from[1]),
                                  value(from[2]), result_of(s), n, past);
      }
    }
  }

 private:
  const std::vector<Loop>& loops_;
  std::size_t inputs_;
  Readers readers_;
  Scratch<double> room_;
};

bool is_one_loop(const MapStep& step) {  // not so a copy, which may cast, and a power
  const auto* unary = std::get_if<UnaryOp>(&step.op);
  const auto* binary = std::get_if<BinaryOp>(&step.op);
  return (unary == nullptr || *unary != UnaryOp::copy) &&
         (binary == nullptr || *binary != BinaryOp::pow);
}

}  // namespace

bool map(Cache& cache, std::span<const MapStep> steps, std::span<const View> inputs,
         const View& out) {
  if (steps.size() > kMostSteps || inputs.size() > kMostInputs ||
      !std::ranges::all_of(steps, is_one_loop))
    return false;
  if (out.shape().numel() == 0) return true;
  const auto type_of = [&](int value) {
    return value < 0 ? steps[static_cast<std::size_t>(-1 - value)].dtype
                     : inputs[static_cast<std::size_t>(value)].dtype;
  };
  std::vector<Loop> loops;
  for (const MapStep& step : steps) {
    const DType type = type_of(step.values[0]);
    Loop& loop = loops.emplace_back(Loop{{}, step.values});
    if (const auto* unary = std::get_if<UnaryOp>(&step.op)) {
      loop.run = unary_loop(*unary, type);
    } else if (const auto* binary = std::get_if<BinaryOp>(&step.op)) {
      loop.run = binary_loop(*binary, type);
    } else {
      loop.run = select_loop(step.dtype);
    }
  }
  assign_places(loops);
  std::vector<std::shared_ptr<Buffer>> keepers(inputs.size());
  std::vector<View> sources;
  std::int64_t row = out.shape().numel();  // of which every input that is not dense has pieces
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    sources.push_back(readable(cache, inputs[i], keepers[i]));
    const auto walk = merge<1>({sources[i].layout});
    if (walk.rank > 1) row = std::min(row, walk.inner());
  }
  for_pieces(kMapPiece, row, out, [&] { return Walk(cache, loops, sources); });
  return true;
}

}  // namespace gradus::cpu
