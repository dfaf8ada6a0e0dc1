#include "cluster/node_load.hpp"

#include "storage/memory_store.hpp"

#include <doctest/doctest.h>

using namespace panal;

namespace {

constexpr origin_id own = 7;

node_load_config as_member() {
  node_load_config config;
  config.node_name = "node1";
  config.cluster_name = "panal";
  config.random = 1;
  config.tables.keeps_tombstones = true;
  return config;
}

std::string put_at(std::uint64_t hlc) {
  return encode({{}, {{1, {hlc, own}, never, false, "1"}}});
}

/// What a node without peers leaves of a key that it has put and deleted, and
/// of one that it has put.
memory_store lived_alone() {
  memory_store disk{own};
  const std::vector<change> made{{1, "gone", put_at(100), own_change},
                                 {2, "gone", {}, own_change},
                                 {3, "kept", put_at(101), own_change}};
  REQUIRE(disk.append(made).has_value());
  return disk;
}

} // namespace

TEST_CASE("a node that gets its first peers tells nothing of what it deleted") {
  auto disk = lived_alone();
  manual_clock time;
  hybrid_clock stamps{own, time};
  REQUIRE(load_node(disk, as_member(), stamps).has_value());
  const auto told = disk.read_after(0, {});
  REQUIRE(told.has_value());
  REQUIRE(told->size() == 1);
  CHECK(told->front().key == "kept");
  CHECK(disk.last_position() == 3);
}

TEST_CASE("a node that stays without peers starts without folding") {
  auto disk = lived_alone();
  manual_clock time;
  hybrid_clock stamps{own, time};
  auto alone = as_member();
  alone.tables.keeps_tombstones = false;
  REQUIRE(load_node(disk, alone, stamps).has_value());
  CHECK(disk.journal_rows() == 3);
}
