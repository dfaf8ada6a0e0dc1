#include "tests/torture/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace panal::torture {

using test::steady;
using test::text;

std::string duration_text(double seconds) {
  auto whole = std::lround(std::max(seconds, 0.0));
  if (whole >= 3600)
    return text(whole / 3600, " h ", whole % 3600 / 60, " min");
  if (whole >= 60)
    return text(whole / 60, " min ", whole % 60, " s");
  return text(whole, " s");
}

progress::progress() : watched_{::isatty(STDERR_FILENO) == 1} {}

test::milliseconds progress::elapsed() const {
  return std::chrono::duration_cast<test::milliseconds>(steady::now() - began_);
}

void progress::show(double done, const std::string& state) {
  constexpr test::milliseconds refresh{200};
  if (!watched_ || steady::now() - shown_ < refresh)
    return;
  shown_ = steady::now();
  constexpr std::size_t width = 24;
  done = std::clamp(done, 0.0, 1.0);
  auto full = static_cast<std::size_t>(done * width);
  auto seconds = static_cast<double>(elapsed().count()) / 1000;
  auto line =
      text('[', std::string(full, '#'), std::string(width - full, '.'), "] ",
           static_cast<int>(done * 100), "%, ", duration_text(seconds));
  if (done > 0.01)
    line += ", " + duration_text(seconds / done - seconds) + " left";
  line += ": " + state;
  auto shown = line.size();
  line.resize(std::max(shown, length_), ' ');
  length_ = shown;
  std::fprintf(stderr, "\r%s", line.c_str());
  std::fflush(stderr);
}

void progress::clear() {
  if (watched_ && length_ > 0) {
    std::fprintf(stderr, "\r%s\r", std::string(length_, ' ').c_str());
    std::fflush(stderr);
  }
  length_ = 0;
}

} // namespace panal::torture
