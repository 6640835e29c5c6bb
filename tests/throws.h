// The message of the E that `body` throws; "" (and a failed check) if it throws none.
#pragma once

#include <doctest/doctest.h>

#include <string>

template <class E, class F>
std::string message_of(F body) {
  try {
    body();
  } catch (const E& error) {
    return error.what();
  }
  FAIL_CHECK("nothing was thrown");
  return "";
}

// Checks that `expression` throws a Type that says exactly `text`.
#define REFUSES(Type, expression, text) \
  CHECK(message_of<Type>([&] { (void)(expression); }) == (text))
