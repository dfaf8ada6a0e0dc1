#pragma once

// How two nodes prove to each other, over a fresh connection, that they hold
// the same secret. A plain class: bytes in, bytes out; no socket, no clock.
//
//   dialler                                         acceptor
//      | hello_d                                        |
//      |----------------------------------------------->|
//      |                                        hello_a |
//      |<-----------------------------------------------|
//      | proof_d: HMAC(key, "panal dialler" | T)        |   T: SHA-256 of both
//      |----------------------------------------------->|      hellos
//      |  verdict, proof_a: HMAC(key, "panal acceptor"  |
//      |                    | SHA-256(T | proof_d | verdict))
//      |<-----------------------------------------------|
//      | go (only if admitted)                          |
//      |----------------------------------------------->|
//
//   header   "panal-hs", kind 'D' or 'A', protocol u16, length u16 of the rest
//   hello    header, nonce 32 bytes, cluster 32 bytes, run u64, member
//   member   origin u64, length u8 of the name, name, address (to the end)
//   (integers big-endian; the header is the same in every protocol)
//
// The dialler proves itself first, so whoever connects gets no MAC that he
// could try guesses on offline; whoever is dialled does, so a secret has to be
// drawn at random. Each proof covers everything said before under its role's
// own label: a proof fits no other connection and no other role. What the
// handshake cannot give is protection of the bytes after it: somebody between
// the two nodes can pass it on and then read and write. That takes TLS.
//
// Every message has a fixed size or announces a bounded one, and wanted()
// never reaches past the handshake's last byte: what follows in the stream
// belongs to others.

#include "cluster/hmac.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace panal {

/// The protocol between nodes: of the handshake and of what follows it.
inline constexpr std::uint16_t cluster_protocol = 3;

inline constexpr std::size_t member_name_max = 64;
inline constexpr std::size_t member_address_max = 280;

/// How a handshake ends. On the wire: do not renumber.
enum class verdict : std::uint8_t {
  /// The peer broke the protocol. Never sent.
  malformed = 0,
  /// Both have proven themselves; the connection is theirs.
  admitted = 1,
  /// Both have proven themselves, but of two nodes only the one with the
  /// smaller origin keeps its dialled connection, and that is the acceptor.
  introduced = 2,
  /// Both ends have the same origin and run: a node has dialled itself.
  self = 3,
  /// A proof does not fit. Sent without a proof of the acceptor's own.
  wrong_secret = 4,
  /// The peer speaks another protocol. Never sent: the hello tells.
  wrong_protocol = 5,
  /// The dialler has proven itself but the acceptor takes nobody now.
  busy = 6,
  /// The peer belongs to a cluster of another name. Never sent: the hello
  /// tells. Not proven.
  wrong_cluster = 7,
  /// Both have proven themselves, but one node was removed from the cluster
  /// for good, under the identity that it still has.
  forgotten = 8,
  /// Both have proven themselves, but one node has another one's identity:
  /// its data directory is a copy, or was restored from one.
  copied = 9,
  /// The dialler has proven itself, but by a certificate of another name.
  wrong_name = 10,
};

/// One more than the greatest verdict's number.
inline constexpr std::size_t verdict_count = 11;

/// The verdict's name as it stands in logs: "wrong_secret".
std::string_view to_string(verdict v) noexcept;

/// Whether `who` can be introduced: origin not 0, name 1 to 64 characters of
/// [A-Za-z0-9._-], address "host:port" of at most 280.
bool is_valid(const member& who);

/// The key that is made of the cluster's shared secret; an empty secret is a
/// secret like any other. Hashed, because HMAC itself takes "x" and "x\0" for
/// the same key.
digest cluster_key(std::string_view secret);

/// What the hellos of a cluster of that name carry.
digest cluster_id(std::string_view name);

/// What a node has against a peer in that run of its process: `forgotten`,
/// `copied` or `wrong_name`; nothing if it is welcome.
using peer_judge =
    std::function<std::optional<verdict>(const member&, std::uint64_t run)>;

/// What one node brings into each of its handshakes.
struct handshake_setup {
  /// This node; must satisfy is_valid().
  member self;
  digest key{};
  std::uint16_t protocol = cluster_protocol;
  /// The identity of this run of the process: two runs with one origin tell
  /// a copied data directory from a node that has dialled itself.
  std::uint64_t run = 0;
  /// The cluster's name, as cluster_id() makes it.
  digest cluster = cluster_id("panal");
  /// As acceptor: turn down even those who prove themselves.
  bool busy = false;
  /// Asked about each peer that is not this node; may be empty. An acceptor
  /// answers with its verdict; a dialler goes no further, without a word.
  peer_judge judge = {};
};

class handshake {
public:
  enum class role : std::uint8_t { dialler, acceptor };

  /// @param nonce  random_digest() of this handshake alone.
  handshake(role as, const handshake_setup& setup, const digest& nonce);

  /// The most bytes that may be read from the connection now: that many still
  /// belong to the handshake for sure. 0 when it is finished.
  std::size_t wanted() const noexcept { return want_ - in_.size(); }

  /// Takes bytes from the peer, in pieces of any size.
  /// @returns how many of them were the handshake's: all, up to its end.
  std::size_t feed(std::string_view bytes);

  /// The bytes that are to be written to the peer next, once.
  std::string take_output() { return std::exchange(out_, {}); }

  bool is_dialler() const noexcept { return role_ == role::dialler; }

  /// Nothing more is to be read. The outcome counts once the rest of the
  /// output is written.
  bool finished() const noexcept { return step_ == step::finished; }

  /// @pre finished()
  verdict outcome() const noexcept { return outcome_; }

  /// As dialler: the outcome is what this end has against the peer, which was
  /// not told. @pre finished()
  bool declined() const noexcept { return declined_; }

  /// Who the peer is; proven only with the outcomes admitted, introduced,
  /// self, busy, forgotten and copied, and as acceptor with wrong_name.
  const member& peer() const noexcept { return peer_; }

  /// The identity of the peer's process run; proven as peer() is.
  std::uint64_t peer_run() const noexcept { return peer_run_; }

  /// The number that both ends give to this connection, and no other pair of
  /// ends to another. @pre the outcome is proven, as with peer()
  std::uint64_t link_id() const noexcept { return link_id_; }

private:
  enum class step : std::uint8_t {
    header,
    hello,
    foreign_hello,
    proof,
    verdict,
    verdict_proof,
    go,
    finished,
  };

  void expect(step next, std::size_t size);
  void finish(verdict outcome);
  bool fits(std::size_t at, char byte) const noexcept;
  bool fits_hello(std::size_t at, char byte) const noexcept;
  bool fits_verdict(char byte) const noexcept;
  void on_message();
  void on_header();
  void on_hello();
  void read_hello();
  void on_proof();
  void on_verdict();
  void on_verdict_proof();
  verdict verdict_by_origins() const noexcept;
  verdict decide() const;
  void decline(verdict why);
  digest dialler_proof() const;
  digest acceptor_proof(char given) const;

  role role_;
  origin_id origin_;
  digest key_;
  std::uint16_t protocol_;
  std::uint64_t run_;
  digest cluster_;
  bool busy_;
  peer_judge judge_;
  digest nonce_;
  std::string own_hello_;

  step step_ = step::header;
  /// The size of the message that is being read, and what is there of it.
  std::size_t want_;
  std::string in_;
  std::string out_;
  std::string peer_header_;
  char given_verdict_ = 0;

  digest transcript_{};
  member peer_;
  std::uint64_t peer_run_ = 0;
  std::uint64_t link_id_ = 0;
  verdict outcome_ = verdict::malformed;
  bool declined_ = false;
};

} // namespace panal
