// The exceptions that Gradus throws. A message names the operation in brackets, the shapes it was
// given, the rule that they break and, if there is one, a hint:
//
//   [matmul] inner sizes differ: a [32, 128] has 128 columns, b [64, 10] has 64 rows
//
// Catch `Error` for all of them, or a subclass for one kind.
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

// A dtype that the operation is not defined for, or two different dtypes.
class DTypeError : public Error {
 public:
  using Error::Error;
};

// An index, axis or row outside its range.
class IndexError : public Error {
 public:
  using Error::Error;
};

// A file that cannot be read or written, or whose contents are not what they should be.
class IoError : public Error {
 public:
  using Error::Error;
};

// An unknown backend, tensors of two backends in one operation, or memory that cannot be allocated.
class BackendError : public Error {
 public:
  using Error::Error;
};

// Misuse of the autograd graph: a second backward through a freed graph, or the gradient of
// something that does not require one.
class GradError : public Error {
 public:
  using Error::Error;
};

}  // namespace gradus
