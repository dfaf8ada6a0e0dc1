#include "tests/torture/checker.hpp"

#include "tests/torture/key_judge.hpp"

#include <iterator>
#include <map>
#include <utility>

namespace panal::torture {

std::string_view to_string(verdict what) noexcept {
  switch (what) {
  case verdict::lost:
    return "lost";
  case verdict::stale:
    return "stale";
  case verdict::resurrected:
    return "resurrected";
  case verdict::differing:
    return "differing";
  case verdict::invented:
    return "invented";
  }
  return "?";
}

std::vector<violation> checker::check(const history& done,
                                      const history& last) const {
  struct of_key {
    std::vector<const operation*> done;
    std::vector<const operation*> last;
  };
  std::map<std::string_view, of_key> keys;
  for (const auto& op : done)
    keys[op.key].done.push_back(&op);
  for (const auto& op : last)
    keys[op.key].last.push_back(&op);
  std::vector<violation> result;
  for (auto& [key, of] : keys) {
    key_judge judge{std::move(of.done), std::move(of.last), clock_error_};
    auto found = judge.judge();
    std::move(found.begin(), found.end(), std::back_inserter(result));
  }
  return result;
}

} // namespace panal::torture
