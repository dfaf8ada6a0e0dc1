#include "actors/caf_link.hpp"

#include "actors/messages.hpp"
#include "tests/support/actor_fixture.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/node_id.hpp>

#include <doctest/doctest.h>

using namespace panal;

TEST_CASE("node identities have nothing in common but the process") {
  // CAF alone would tell two of them on one machine apart by one byte.
  caf::actor_system_config config;
  const auto x = to_string(caf::node_id::default_data::local(config));
  const auto y = to_string(caf::node_id::default_data::local(config));
  REQUIRE(x.size() >= 40);
  CHECK(x.substr(0, 8) != y.substr(0, 8));
}

TEST_CASE("actors that spawn or configure at a peer's word are taken away") {
  test::actor_fixture a;
  harden(a.system);
  CHECK_FALSE(
      a.system.registry().get<caf::strong_actor_ptr>(caf::atom("SpawnServ")));
  CHECK_FALSE(
      a.system.registry().get<caf::strong_actor_ptr>(caf::atom("ConfigServ")));
}

TEST_CASE("a frame survives CAF's own encoding, whatever bytes it holds") {
  test::actor_fixture a;
  const std::string bytes("\0\xff frame \x01", 10);
  const auto said =
      caf::make_message(frame_atom_v, std::uint64_t{1} << 63, bytes);
  std::vector<char> wire;
  caf::binary_serializer out{a.system, wire};
  REQUIRE_FALSE(out(said));
  caf::message heard;
  caf::binary_deserializer in{a.system, wire};
  REQUIRE_FALSE(in(heard));
  REQUIRE(heard.match_elements<frame_atom, std::uint64_t, std::string>());
  CHECK(heard.get_as<std::uint64_t>(1) == std::uint64_t{1} << 63);
  CHECK(heard.get_as<std::string>(2) == bytes);
}
