// Checks that a backend does what tensor/backend.h says. Link the CMake target gradus::conformance
// to your backend's tests and run
//
//   register_backend("mine", [] { return std::make_unique<MyBackend>(); });
//   for (const std::string& failure : conformance_failures(backend("mine"))) std::cout << failure;
//
// It compares every required method with the reference backend: for each dtype that the method
// takes, on contiguous, strided, broadcast and empty views that begin anywhere in their memory.
// Gaps in a view hold NaN and must be neither read nor written. It compares every offer that the
// backend accepts with its definition, in plain loops or in operations on the reference backend.
// Takes a few seconds.
#pragma once

#include <string>
#include <vector>

#include "tensor/backend.h"

namespace gradus {

// One line for each difference (at most a few per method) and for each check that the backend ended
// with an exception. Empty if the backend conforms.
std::vector<std::string> conformance_failures(Backend& backend);

}  // namespace gradus
