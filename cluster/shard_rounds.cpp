#include "cluster/shard_rounds.hpp"

#include "storage/key_hash.hpp"

#include <iterator>
#include <utility>

namespace panal {

namespace {

/// Rounds of one kind that are open at once.
constexpr std::size_t open_max = 64;

/// How long a round is waited for: a walk through a large table takes a part
/// of a second.
constexpr std::chrono::seconds patience{10};

template <class T>
void append(std::vector<T>& all, std::vector<T> part) {
  all.insert(all.end(), std::make_move_iterator(part.begin()),
             std::make_move_iterator(part.end()));
}

} // namespace

shard_rounds::shard_rounds(std::size_t shards, shards_port& port)
    : shards_{shards},
      port_{port},
      listings_{open_max},
      comparisons_{open_max} {
  // nop
}

std::size_t shard_rounds::place_of(const std::string& key) const noexcept {
  return key == cleared_key ? clearing_shard : shard_of(key_hash(key), shards_);
}

void shard_rounds::list(std::uint64_t token, std::vector<std::uint32_t> leaves,
                        steady_time now) {
  listings_.begin(token, shards_, now + patience);
  const auto what =
      std::make_shared<const leaf_query>(leaf_query{token, std::move(leaves)});
  for (std::size_t shard = 0; shard < shards_; ++shard)
    port_.list(shard, what);
}

void shard_rounds::compare(leaf_comparison with, steady_time now) {
  const auto token = with.token;
  comparisons_.begin(token, shards_, now + patience, {token, {}, false});
  const auto what = std::make_shared<const leaf_comparison>(std::move(with));
  for (std::size_t shard = 0; shard < shards_; ++shard)
    port_.compare(shard, what);
}

void shard_rounds::reconcile(repair_changes with) {
  std::vector<std::vector<change>> parts(shards_);
  for (auto& what : with.changes)
    parts[place_of(what.key)].push_back(std::move(what));
  for (std::size_t shard = 0; shard < shards_; ++shard)
    if (!parts[shard].empty())
      port_.reconcile(shard, {with.peer, with.their_line,
                              std::move(parts[shard]), with.mends});
}

bool shard_rounds::reissue_all(std::vector<reissue> writes,
                               std::uint64_t restamp_upto) {
  const bool has_some = !writes.empty();
  std::vector<std::vector<reissue>> parts(shards_);
  for (auto& write : writes)
    parts[place_of(write.key)].push_back(std::move(write));
  reissue_sum_ = {};
  reissue_parts_left_ = 0;
  for (const auto& part : parts)
    reissue_parts_left_ += part.empty() ? 0U : 1U;
  for (std::size_t shard = 0; shard < shards_; ++shard)
    if (!parts[shard].empty())
      port_.reissue_in(shard, std::move(parts[shard]), restamp_upto);
  return has_some;
}

std::optional<std::vector<leaf_place>> shard_rounds::listed(leaf_listing part) {
  if (auto* sum = listings_.find(part.token))
    append(*sum, std::move(part.items));
  return listings_.part_came(part.token);
}

std::optional<leaf_difference> shard_rounds::compared(leaf_difference part) {
  if (auto* sum = comparisons_.find(part.token)) {
    append(sum->entries, std::move(part.entries));
    sum->more = sum->more || part.more;
  }
  return comparisons_.part_came(part.token);
}

std::optional<reissue_report>
shard_rounds::reissued(const reissue_report& part) {
  reissue_sum_.issued += part.issued;
  reissue_sum_.refused += part.refused;
  reissue_sum_.left = reissue_sum_.left || part.left;
  if (reissue_parts_left_ == 0 || --reissue_parts_left_ > 0)
    return std::nullopt;
  return std::exchange(reissue_sum_, {});
}

void shard_rounds::tick(steady_time now) {
  listings_.give_up(now);
  comparisons_.give_up(now);
}

} // namespace panal
