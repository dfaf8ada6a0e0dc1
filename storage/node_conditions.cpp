#include "storage/node_conditions.hpp"

#include <algorithm>

namespace panal {

namespace {

struct condition_row {
  std::string_view name;
  std::string_view detail;
  bool counts = false;
};

// In the order of condition.
constexpr std::array<condition_row, conditions_count> condition_rows{{
    {"disk_full", "The disk is full: writes are refused until there is room"},
    {"disk_failing", "The disk refuses to store: writes are refused"},
    {"data_directory_gone",
     "The data directory or the database in it was removed or replaced: what "
     "the node serves is in memory alone, and writes are refused"},
    {"notes_owed",
     "What the node has to remember of the cluster could not be saved yet",
     true},
    {"fold_failing",
     "The journal cannot be folded into the entries, and grows"},
    {"backlog_unreadable", "What peers have missed cannot be read for them",
     true},
    {"reserve_missing",
     "There is no room for the space that is kept in reserve for a full disk"},
    {"unreadable_keys",
     "Rows on disk are damaged: these keys are refused until a peer has given "
     "them, or they are deleted",
     true},
    {"damaged_rows",
     "Rows on disk are damaged that held more than a known key's state: what "
     "they were stands in the log",
     true},
    {"provisional",
     "No member was reached since the data directory was made: what a cluster "
     "may hold is not known here"},
}};

// In the order of figure.
constexpr std::array<std::string_view, figures_count> figure_names{{
    "reserve_bytes",
}};

template <class Enumerator>
std::size_t index(Enumerator what) noexcept {
  return static_cast<std::size_t>(what);
}

} // namespace

std::string_view to_string(condition what) noexcept {
  const auto i = index(what);
  return i < condition_rows.size() ? condition_rows[i].name : "unknown";
}

std::string_view to_string(figure what) noexcept {
  const auto i = index(what);
  return i < figure_names.size() ? figure_names[i] : "unknown";
}

bool node_conditions::set(condition what, std::uint64_t count) noexcept {
  return counts_[index(what)].exchange(std::max<std::uint64_t>(count, 1)) == 0;
}

bool node_conditions::clear(condition what) noexcept {
  return counts_[index(what)].exchange(0) != 0;
}

void node_conditions::raise(condition what, std::uint64_t by) noexcept {
  counts_[index(what)].fetch_add(by);
}

void node_conditions::lower(condition what, std::uint64_t by) noexcept {
  counts_[index(what)].fetch_sub(by);
}

std::uint64_t node_conditions::count(condition what) const noexcept {
  return counts_[index(what)].load();
}

bool node_conditions::any() const noexcept {
  return std::ranges::any_of(counts_,
                             [](const auto& of) { return of.load() != 0; });
}

std::vector<stated_condition> node_conditions::stated() const {
  std::vector<stated_condition> all;
  for (std::size_t i = 0; i < conditions_count; ++i) {
    const auto count = counts_[i].load();
    if (count == 0)
      continue;
    stated_condition one{static_cast<condition>(i), condition_rows[i].detail,
                         std::nullopt};
    if (condition_rows[i].counts)
      one.count = count;
    all.push_back(one);
  }
  return all;
}

void node_conditions::show(figure what, std::uint64_t value) noexcept {
  values_[index(what)].store(value);
  shown_[index(what)].store(true);
}

std::vector<stated_figure> node_conditions::figures() const {
  std::vector<stated_figure> all;
  for (std::size_t i = 0; i < figures_count; ++i)
    if (shown_[i].load())
      all.push_back({static_cast<figure>(i), values_[i].load()});
  return all;
}

} // namespace panal
