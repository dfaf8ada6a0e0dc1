#pragma once

// What clients have asked for and got, and which node had heard of what when.
// The checks below follow from that alone: stamps are names of operations
// here, and are never compared.
//
// An operation's *past* is what its node had merged of its key when it was
// accepted. Operations without each other in their pasts are concurrent.
//   - What is in the past of another operation is dead wherever that one is
//     known: a delete kills what its node had seen, a put that was accepted
//     stands above it.
//   - Of concurrent ones a delete may kill a put; of two puts the greater
//     version stands.

#include "storage/clock.hpp"
#include "storage/stamp.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace panal::sim {

inline constexpr std::size_t operations_max = 256;
inline constexpr unsigned keys_max = 8;

/// Index of an operation in its history.
using op_id = std::size_t;
using op_set = std::bitset<operations_max>;

enum class deed : std::uint8_t {
  put,
  remove,
  /// A clear-all; its key is `every_key`.
  clear,
};

inline constexpr unsigned every_key = keys_max;

/// An operation that a node has accepted.
struct accepted {
  deed what = deed::put;
  unsigned key = 0;
  std::int64_t version = 0;
  unix_ms expires_at = never;
  std::string value;
  stamp name;
  /// Also a put kills what is concurrent, when it came upon something expired.
  bool kills = false;
  op_set past;
};

/// What a node, or a disk, knows: closed under pasts.
struct knowledge {
  op_set seen;
  /// In the past of something seen.
  op_set dead;

  knowledge& operator|=(const knowledge& other) noexcept {
    seen |= other.seen;
    dead |= other.dead;
    return *this;
  }
  friend bool operator==(const knowledge&, const knowledge&) = default;
};

class history {
public:
  history();

  bool is_full() const noexcept { return all_.size() == operations_max; }
  /// Records an operation. @return nothing if its stamp names another one.
  std::optional<op_id> add(accepted what);
  /// Another name of an operation: of the floor that a put has set.
  void also_named(const stamp& name, op_id op);
  std::optional<op_id> find(const stamp& name) const;

  const accepted& operator[](op_id op) const { return all_[op]; }
  std::size_t size() const noexcept { return all_.size(); }
  /// The operations that concern a key: its own, and clear-alls.
  const op_set& about(unsigned key) const { return about_[key]; }

  /// To have merged `op` is to know all its past.
  knowledge knows(op_id op) const;

  /// An acknowledged, durable write.
  void promise(op_id op) { promised_.set(op); }
  const op_set& promised() const noexcept { return promised_; }
  /// It was acknowledged as flushed: a power loss takes it from nobody.
  void flush(op_id op) { flushed_.set(op); }
  void unflush(const op_set& ops) { flushed_ &= ~ops; }
  const op_set& flushed() const noexcept { return flushed_; }
  /// Its only copies were on a disk that was rolled back, or its re-issue was
  /// refused.
  void excuse(op_id op) { excused_.set(op); }
  /// Its re-issue was refused, since something greater stands: it may be gone,
  /// and its past is dead.
  void withdraw(op_id op) { withdrawn_.set(op); }
  /// It was not issued anew, since it had expired, or there was nothing to
  /// delete: nobody has heard of it, and it hides nothing.
  void lapse(op_id op) { lapsed_.set(op); }
  /// A delete, or something that expires, at a node without peers: it takes
  /// its past with it, and leaves nothing that anybody could be told.
  void leaves_no_trace(op_id op) {
    traceless_.set(op);
    traceless_ |= all_[op].past;
  }
  const op_set& traceless() const noexcept { return traceless_; }
  const op_set& lapsed() const noexcept { return lapsed_; }
  const op_set& withdrawn() const noexcept { return withdrawn_; }
  const op_set& excused() const noexcept { return excused_; }
  /// Issued again by a rejoined node, as `again`.
  void reissued(op_id op, op_id again);

private:
  std::vector<accepted> all_;
  std::vector<op_set> about_;
  boost::unordered_flat_map<std::uint64_t, op_id> names_;
  op_set promised_;
  op_set flushed_;
  op_set excused_;
  op_set withdrawn_;
  op_set lapsed_;
  op_set traceless_;
};

/// The puts of a key that must be alive for whoever knows `of`: nobody may
/// have killed or hidden them.
op_set alive(const history& all, const knowledge& of, unsigned key,
             unix_ms now);

/// The greatest version among these puts; nothing without any.
std::optional<std::int64_t> greatest_version(const history& all,
                                             const op_set& puts);

/// Judges what somebody who knows `of` shows of a key.
/// @param shown  the put whose value it is; nothing if the key is absent.
/// @return what is wrong with it, beginning with the kind: "resurrected",
///         "expired", "lost"; nothing if it can be.
std::optional<std::string> judge_shown(const history& all, const knowledge& of,
                                       unsigned key, std::optional<op_id> shown,
                                       unix_ms now);

/// Judges a put that is shown by what has hidden it for good: one of an equal
/// or greater version that has expired since, and nothing else has removed.
/// This is the one place where a stamp is read as a time: what was stamped
/// after the expiry stands.
std::optional<std::string> judge_uncovered(const history& all,
                                           const knowledge& of, op_id shown,
                                           unix_ms now);

/// Judges an accepted put by what its node knew before.
std::optional<std::string> judge_put(const history& all, const knowledge& of,
                                     unsigned key, std::int64_t version,
                                     unix_ms now);

/// Judges a put that was refused for `current`.
std::optional<std::string> judge_refusal(const history& all,
                                         const knowledge& of, unsigned key,
                                         std::int64_t asked,
                                         std::int64_t current, unix_ms now);

/// Whoever knows all of `seen` need not know `op`: something that is known
/// covers it, by the order of stamps.
bool is_moot(const history& all, const op_set& seen, op_id op);

/// The promised writes that nobody holds any more, given what all disks know.
op_set lost(const history& all, const op_set& held);

/// "put 12 of k3 (v7)".
std::string describe(const history& all, op_id op);

} // namespace panal::sim
