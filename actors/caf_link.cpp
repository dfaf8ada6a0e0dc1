#include "actors/caf_link.hpp"

#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <random>
#include <set>
#include <string>

namespace caf::detail {

// CAF 0.17 makes a node's identity from the machine's MAC addresses, the root
// file system's UUID and the process ID, so two containers can end up with the
// same one and then refuse each other as "self" (random identities came with
// 0.18). libcaf_core asks this function through the dynamic linker, which
// prefers the program's own: a random UUID makes every process unique.
std::string get_root_uuid() {
  std::random_device random;
  std::array<char, 37> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-%04x-%04x-%04x%08x",
                random(), random() & 0xffff, random() & 0xffff,
                random() & 0xffff, random() & 0xffff, random());
  return text.data();
}

} // namespace caf::detail

namespace panal {

namespace {

constexpr auto handshake_timeout = std::chrono::seconds{3};
/// CAF wants a port to file an actor under; nothing listens on it.
constexpr std::uint16_t unused_port = 1;

caf::actor basp_of(caf::actor_system& system) {
  return system.middleman().named_broker<caf::io::basp_broker>(
      caf::atom("BASP"));
}

} // namespace

void adopt_dialled(caf::event_based_actor* self, int fd,
                   std::function<void(caf::actor)> up,
                   std::function<void()> failed) {
  auto scribe = self->system().middleman().backend().new_scribe(fd);
  self->request(basp_of(self->system()), handshake_timeout, caf::connect_atom_v,
                std::move(scribe), unused_port)
      .then(
          [up, failed](const caf::node_id&, const caf::strong_actor_ptr& root,
                       const std::set<std::string>&) {
            if (root)
              up(caf::actor_cast<caf::actor>(root));
            else
              failed();
          },
          [failed](const caf::error&) { failed(); });
}

void adopt_accepted(caf::actor_system& system, int fd, const caf::actor& root) {
  auto scribe = system.middleman().backend().new_scribe(fd);
  caf::anon_send(basp_of(system), caf::publish_atom_v, std::move(scribe),
                 unused_port, caf::actor_cast<caf::strong_actor_ptr>(root),
                 std::set<std::string>{});
}

void harden(caf::actor_system& system) {
  system.registry().erase(caf::atom("SpawnServ"));
  system.registry().erase(caf::atom("ConfigServ"));
}

} // namespace panal
