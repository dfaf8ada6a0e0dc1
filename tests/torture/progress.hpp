#pragma once

// A line on stderr that says what goes on, how far it is, since when, and how
// long it will take; and nothing where nobody watches a terminal.

#include "tests/support/process.hpp"

#include <string>

namespace panal::torture {

class progress {
public:
  progress();
  ~progress() { clear(); }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// @param done  of all that there is to do, 0 to 1.
  void show(double done, const std::string& state);
  /// Takes the line away, so that another may be printed.
  void clear();
  test::milliseconds elapsed() const;

private:
  bool watched_;
  std::size_t length_ = 0;
  test::steady::time_point began_ = test::steady::now();
  test::steady::time_point shown_{};
};

/// "1 h 2 min", "3 min 20 s", "4 s".
std::string duration_text(double seconds);

} // namespace panal::torture
