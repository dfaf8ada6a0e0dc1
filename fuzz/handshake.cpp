// cluster/handshake: whoever does not hold the secret is never taken for a
// peer, however the bytes come.
//
// Two games, by the last byte. Either one end hears the fuzzer's bytes, who
// cannot make a proof; or two honest ends talk through somebody who changes
// bytes, and whoever is proven in the end is who really was there.

#include "cluster/handshake.hpp"

#include "fuzz/input.hpp"

#include <algorithm>

using namespace panal;

namespace {

using role = handshake::role;

const member ant{1, "ant", "127.0.0.1:7001"};
const member bee{2, "bee", "bee.example:7002"};
// Header, nonce, origin, length and the longest name and address.
constexpr std::size_t hello_bytes_max =
    13 + 32 + 8 + 1 + member_name_max + member_address_max;
constexpr std::size_t output_bytes_max = hello_bytes_max + 1 + 32;
constexpr std::size_t wanted_bytes_max = 1024;

const digest& key() {
  static const auto made = cluster_key("honey and wax");
  return made;
}

digest nonce(char from) {
  digest made{};
  for (auto& c : made)
    c = from++;
  return made;
}

handshake make_end(role as, const member& who, bool busy) {
  return {as,
          {.self = who, .key = key(), .busy = busy},
          nonce(as == role::dialler ? 'a' : 'A')};
}

bool is_proven(verdict v) {
  return v == verdict::admitted || v == verdict::introduced
         || v == verdict::self || v == verdict::busy;
}

/// Feeds in pieces of 1 to `piece` bytes; gives all that was said back.
std::string feed(handshake& end, std::string_view bytes, std::size_t piece) {
  auto said = end.take_output();
  while (!bytes.empty() && !end.finished()) {
    const auto wanted = end.wanted();
    PANAL_HOLDS(wanted > 0 && wanted <= wanted_bytes_max);
    const auto part = bytes.substr(0, std::min(piece, wanted));
    const auto used = end.feed(part);
    PANAL_HOLDS(used == part.size() || end.finished());
    bytes.remove_prefix(used);
    said += end.take_output();
  }
  if (end.finished())
    PANAL_HOLDS(end.wanted() == 0 && end.feed(bytes) == 0);
  PANAL_HOLDS(said.size() <= output_bytes_max);
  return said;
}

void play_stranger(std::string_view bytes, std::uint8_t choice) {
  const auto as = (choice & 2U) != 0 ? role::dialler : role::acceptor;
  const bool busy = (choice & 4U) != 0;
  auto whole = make_end(as, ant, busy);
  auto cut = make_end(as, ant, busy);
  const auto said = feed(whole, bytes, wanted_bytes_max);
  PANAL_HOLDS(feed(cut, bytes, 1 + choice / 8U) == said);
  PANAL_HOLDS(whole.finished() == cut.finished());
  if (!whole.finished())
    return;
  PANAL_HOLDS(whole.outcome() == cut.outcome());
  PANAL_HOLDS(!is_proven(whole.outcome()));
}

/// Somebody on the wire: each three of his bytes name a place in the stream
/// and what is done to the byte there.
class meddler {
public:
  explicit meddler(std::string_view edits) : edits_{edits} {}

  std::string pass(std::string bytes, bool to_dialler, std::size_t& passed) {
    for (std::size_t i = 0; i + 3 <= edits_.size(); i += 3) {
      const auto at = static_cast<unsigned char>(edits_[i])
                      + 256U * (static_cast<unsigned char>(edits_[i + 1]) & 1U);
      const bool here =
          ((static_cast<unsigned char>(edits_[i + 1]) & 2U) != 0) == to_dialler;
      if (here && at >= passed && at - passed < bytes.size())
        bytes[at - passed] =
            static_cast<char>(static_cast<unsigned char>(bytes[at - passed])
                              ^ static_cast<unsigned char>(edits_[i + 2]));
    }
    passed += bytes.size();
    return bytes;
  }

private:
  std::string_view edits_;
};

void check_peer(const handshake& end, const member& really) {
  if (!end.finished() || !is_proven(end.outcome()))
    return;
  PANAL_HOLDS(end.peer().origin == really.origin
              && end.peer().name == really.name
              && end.peer().address == really.address);
}

void play_meddler(std::string_view edits, std::uint8_t choice) {
  const bool is_ant = (choice & 2U) != 0;
  const bool to_self = (choice & 8U) != 0;
  const auto& dials = is_ant ? ant : bee;
  const auto& accepts = is_ant == to_self ? ant : bee;
  auto dialler = make_end(role::dialler, dials, false);
  auto acceptor = make_end(role::acceptor, accepts, (choice & 4U) != 0);
  meddler wire{edits};
  std::size_t there = 0;
  std::size_t back = 0;
  auto said = dialler.take_output();
  while (!said.empty()) {
    auto heard = wire.pass(std::move(said), false, there);
    auto answer =
        wire.pass(feed(acceptor, heard, 1 + choice / 16U), true, back);
    said = feed(dialler, answer, 1 + choice / 16U);
  }
  check_peer(acceptor, dials);
  check_peer(dialler, accepts);
  if (edits.size() >= 3)
    return;
  PANAL_HOLDS(dialler.finished() && acceptor.finished());
  PANAL_HOLDS(is_proven(dialler.outcome()));
  PANAL_HOLDS(dialler.outcome() == acceptor.outcome());
  PANAL_HOLDS(dialler.link_id() == acceptor.link_id());
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const auto choice = in.byte();
  if ((choice & 1U) != 0)
    play_meddler(in.rest(), choice);
  else
    play_stranger(in.rest(), choice);
  return 0;
}
