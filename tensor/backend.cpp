#include "tensor/backend.h"

#include <array>

namespace gradus {

namespace {
constexpr std::array kUnaryNames{
    "copy",    "neg",  "abs",  "sign", "exp",   "log",   "sqrt",  "sin",  "cos",   "tanh",
    "sigmoid", "relu", "gelu", "erf",  "expm1", "log1p", "floor", "ceil", "round", "logical_not"};
constexpr std::array kBinaryNames{"add", "sub", "mul", "div",         "pow",
                                  "max", "min", "eq",  "ne",          "lt",
                                  "le",  "gt",  "ge",  "logical_and", "logical_or"};
constexpr std::array kReduceNames{"sum", "max", "min", "argmax"};
static_assert(kUnaryNames.size() == std::size_t(UnaryOp::logical_not) + 1);
static_assert(kBinaryNames.size() == std::size_t(BinaryOp::logical_or) + 1);
static_assert(kReduceNames.size() == std::size_t(ReduceOp::argmax) + 1);
}  // namespace

const char* name_of(UnaryOp op) { return kUnaryNames[static_cast<std::size_t>(op)]; }
const char* name_of(BinaryOp op) { return kBinaryNames[static_cast<std::size_t>(op)]; }
const char* name_of(ReduceOp op) { return kReduceNames[static_cast<std::size_t>(op)]; }

// Offers that nobody took: unnamed here so that the header can name what they take.
bool Backend::map(std::span<const MapStep>, std::span<const View>) { return false; }
bool Backend::normal(std::uint64_t, std::uint64_t, double, double, const View&) { return false; }
bool Backend::dropout(const View&, double, std::uint64_t, std::uint64_t, const View&) {
  return false;
}
bool Backend::softmax(const View&, const View&) { return false; }
bool Backend::log_softmax(const View&, const View&) { return false; }
bool Backend::softmax_gradient(const View&, const View&, const View&) { return false; }
bool Backend::log_softmax_gradient(const View&, const View&, const View&) { return false; }
bool Backend::layer_norm(const View&, const View&, const View&, double, const View&, const View&,
                         const View&) {
  return false;
}
bool Backend::layer_norm_gradient(const View&, const View&, const View&, const View&, const View&,
                                  const View&, const View&, const View&) {
  return false;
}
bool Backend::attention(const AttentionInputs&, const View&, const View&) { return false; }
bool Backend::attention_gradient(const AttentionInputs&, const View&, const View&, const View&,
                                 const AttentionGradients&) {
  return false;
}
bool Backend::unary_gradient(UnaryOp, const View&, const View&, const View&) { return false; }
bool Backend::squared_distance(const View&, const View&, const View&) { return false; }
bool Backend::linear(const View&, const View&, const View&, UnaryOp, const View&) { return false; }
bool Backend::linear_gradient(const View&, const View&, UnaryOp, const View&, const View&,
                              const View&, const View&, const View&) {
  return false;
}
bool Backend::softmax_cross_entropy(const View&, const View&, const View&) { return false; }
bool Backend::softmax_cross_entropy_gradient(const View&, const View&, const View&, const View&) {
  return false;
}
bool Backend::conv2d(const View&, const View&, const View&, const Size2d&, const Size2d&,
                     const View&) {
  return false;
}
bool Backend::conv2d_gradient(const View&, const View&, const Size2d&, const Size2d&, const View&,
                              const View&, const View&, const View&) {
  return false;
}
bool Backend::max_pool2d(const View&, const Size2d&, const Size2d&, const View&) { return false; }
bool Backend::max_pool2d_gradient(const View&, const Size2d&, const Size2d&, const View&,
                                  const View&, const View&) {
  return false;
}
bool Backend::batch_norm(const View&, const View&, const View&, double, const View&, const View&,
                         const View&) {
  return false;
}
bool Backend::batch_norm_gradient(const View&, const View&, const View&, const View&, double,
                                  const View&, const View&, const View&, const View&) {
  return false;
}
bool Backend::gather_sum(const View&, const View&, const View&, const View&) { return false; }
bool Backend::pool(const View&, const View&, const View&, const View&) { return false; }
bool Backend::pool_gradient(const View&, const View&, const View&, const View&, const View&,
                            const View&) {
  return false;
}
bool Backend::adam(const AdamStep&, const View&, const View&, const View&, const View&,
                   const View&) {
  return false;
}
std::shared_ptr<Buffer> Backend::adopt(std::shared_ptr<std::byte>, std::size_t) { return nullptr; }

}  // namespace gradus
