// The reference backend: every required method of the seam as one plain loop, no offers, one
// thread. It is the specification that other backends are tested against, and slow on purpose: sums
// run in f64, elements are found by division, nothing is blocked or reused.
#pragma once

#include <memory>

#include "tensor/backend.h"

namespace gradus {

class ReferenceBackend : public Backend {
 public:
  std::string_view name() const override { return "reference"; }
  std::shared_ptr<Buffer> allocate(std::size_t bytes) override;
  void upload(const void* from, const View& out) override;
  void download(const View& x, void* to) override;
  void fill(const View& out, double value) override;
  void unary(UnaryOp op, const View& x, const View& out) override;
  void binary(BinaryOp op, const View& a, const View& b, const View& out) override;
  void select(const View& cond, const View& a, const View& b, const View& out) override;
  void reduce(ReduceOp op, const View& x, const View& out) override;
  void matmul(const View& a, const View& b, const View& out) override;
  void gather(const View& table, const View& rows, const View& out) override;
  void scatter(ScatterOp op, const View& rows, const View& src, const View& table) override;
  std::string description() const override { return "reference: plain loops, one thread"; }
};

std::unique_ptr<Backend> make_reference_backend();

}  // namespace gradus
