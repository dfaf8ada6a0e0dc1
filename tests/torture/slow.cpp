#include "tests/torture/slow.hpp"

namespace panal::torture {

int run_slow(const slow_setup&) {
  return 0;
}

} // namespace panal::torture
