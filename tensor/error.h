// What Gradus throws. Every message names the operation in brackets, the shapes it was given, the
// rule that broke and, where there is one, a hint:
//
//   [matmul] inner sizes differ: a [32, 128] has 128 columns, b [64, 10] has 64 rows
//
// Catch `Error` for any of them, or a subclass for one kind.
#pragma once

#include <stdexcept>
#include <string>

namespace gradus {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Shapes that do not fit together or do not fit the operation.
class ShapeError : public Error {
 public:
  using Error::Error;
};

// An operation asked of a dtype it is not defined for, or of two different dtypes.
class DTypeError : public Error {
 public:
  using Error::Error;
};

// An index, axis or row outside its range.
class IndexError : public Error {
 public:
  using Error::Error;
};

// A file that cannot be read or written, or does not hold what it should.
class IoError : public Error {
 public:
  using Error::Error;
};

// An unknown backend, tensors of two backends in one operation, or memory that cannot be had.
class BackendError : public Error {
 public:
  using Error::Error;
};

// A use of the autograd graph that it cannot serve: a second backward through a freed graph, a
// gradient of something that does not require one.
class GradError : public Error {
 public:
  using Error::Error;
};

}  // namespace gradus
