#pragma once

// What is wrong with a node although it serves: stated by the parts that see
// it, shown to whoever watches the node. A condition and a figure each have a
// number here, so that there is a bound to what can be stated.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace panal {

/// Something that an operator should look at. Each is set and cleared by one
/// part of the node, its owner; node_conditions.cpp has the words for it.
enum class condition : std::uint8_t {
  /// The last commit failed for want of room. Journal.
  disk_full,
  /// The last commit failed for another reason. Journal.
  disk_failing,
  /// The database file is not where it was opened. Journal.
  data_directory_gone,
  /// What the node has to remember besides its data, and could not save yet.
  /// Counts notes. Journal.
  notes_owed,
  /// The journal's rows cannot be folded into the entries. Journal.
  fold_failing,
  /// What peers have missed cannot be read. Counts peers. Journal.
  backlog_unreadable,
  /// There is no space in reserve for a full disk. Journal.
  reserve_missing,
  /// Keys whose rows on disk are damaged. Counts keys. Shards.
  unreadable_keys,
  /// Rows on disk that are damaged, and which are no known key's. Counts rows.
  /// Start-up.
  damaged_rows,
  /// The node belongs to no cluster yet, is told to join one, and reaches
  /// nobody. Replicator.
  provisional,
};
inline constexpr std::size_t conditions_count = 10;

/// A number that is shown beside the node's state.
enum class figure : std::uint8_t {
  /// What the space in reserve takes of the disk.
  reserve_bytes,
};
inline constexpr std::size_t figures_count = 1;

/// The condition's name in JSON and logs: "disk_full".
std::string_view to_string(condition what) noexcept;
/// The figure's name in JSON: "reserve_bytes".
std::string_view to_string(figure what) noexcept;

/// A condition that holds now.
struct stated_condition {
  condition what = condition::disk_full;
  /// A sentence for the operator, without anything of the node's inside.
  std::string_view detail;
  /// Of what the condition counts; nothing for those that count nothing.
  std::optional<std::uint64_t> count;
};

/// A figure that was given.
struct stated_figure {
  figure what = figure::reserve_bytes;
  std::uint64_t value = 0;
};

/// Thread-safe; each condition and figure is read for itself. Nothing is
/// stated at first.
class node_conditions {
public:
  /// States a condition, or a new count of one that holds.
  /// @param count  at least 1; ignored by conditions that count nothing.
  /// @return whether it did not hold before: the moment to log it.
  bool set(condition what, std::uint64_t count = 1) noexcept;
  /// @return whether it did hold before.
  bool clear(condition what) noexcept;
  /// For a condition whose owner is of several actors (the shards): counts
  /// more of it, or less. What is lowered was raised before.
  void raise(condition what, std::uint64_t by = 1) noexcept;
  void lower(condition what, std::uint64_t by = 1) noexcept;

  /// The condition's count; 0 if it does not hold.
  std::uint64_t count(condition what) const noexcept;
  /// Whether any condition holds.
  bool any() const noexcept;
  /// Those that hold, in the enumerators' order.
  std::vector<stated_condition> stated() const;

  /// Gives a figure, or its new value. It is shown from now on.
  void show(figure what, std::uint64_t value) noexcept;
  /// Those that were given, in the enumerators' order.
  std::vector<stated_figure> figures() const;

private:
  std::array<std::atomic<std::uint64_t>, conditions_count> counts_{};
  std::array<std::atomic<std::uint64_t>, figures_count> values_{};
  std::array<std::atomic<bool>, figures_count> shown_{};
};

} // namespace panal
