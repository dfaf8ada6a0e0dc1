#pragma once

// What clients did to a cluster, and what it may therefore hold in the end.
//
// The recorder knows of each operation only what its client knows: when it
// was called, when the answer came and what it said. It knows nothing of
// stamps, frontiers or the way replication works. From the promise alone,
// *the highest version accepted after the last delete*, it computes which
// final states are allowed:
//
//   a is before b   iff a was answered before b was called: by any margin at
//                   one node, by more than the clocks' error at two nodes
//   a put may be the final state iff it was not refused, and
//     - no accepted delete comes after it, and
//     - every accepted put that beats it (a higher version, or as high and
//       later) may have been followed by a delete that came before it
//   nothing may be the final state iff some delete has no accepted put after
//     it, or a put that may be the final state has expired
//
// An operation without an answer may have been carried out at any time after
// its call, or never: it allows, but never demands. A put over an expired
// entry is a delete first (the merge rule), at the put's own time.

#include "tests/support/http_client.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace panal::test {

/// A key's entry as a client saw it.
struct seen_entry {
  std::int64_t version = 0;
  std::string value;
};

class recorder {
public:
  using time = steady::time_point;

  /// Names one operation between its call and its answer.
  struct ticket {
    std::string key;
    std::size_t index = 0;
  };

  /// @param clock_error  how close two operations at two nodes may be for
  ///   their order to be open. All nodes of a test share one clock, read in
  ///   milliseconds.
  explicit recorder(milliseconds clock_error = milliseconds{5})
      : clock_error_{clock_error} {}

  /// To be called before a put is sent. Values must be unique within a key.
  ticket put_called(const std::string& key, std::size_t at_node,
                    std::int64_t version, const std::string& value,
                    std::int64_t ttl_ms = 0, time now = steady::now());
  /// To be called before a delete is sent.
  ticket remove_called(const std::string& key, std::size_t at_node,
                       time now = steady::now());
  /// The answer: accepted, surely without effect, or left open.
  void answered(const ticket& which, const reply& what,
                time now = steady::now());
  /// A client has read this entry: its put was carried out, whether or not
  /// its own client ever heard. @return false if nobody put it.
  bool saw(const std::string& key, const seen_entry& what,
           time now = steady::now());
  /// For a single node: a client has read that the key is not there. Where
  /// only one delete can be the cause, that one was carried out.
  /// @return false if no delete can be the cause of what is missing.
  bool saw_nothing(const std::string& key, time called,
                   time now = steady::now());

  /// Why `last` (nothing: a 404), read at `read_at` after all operations have
  /// ended, cannot be the key's final state; nothing where it is allowed.
  std::optional<std::string> objection(const std::string& key,
                                       const std::optional<seen_entry>& last,
                                       time read_at = steady::now()) const;
  /// The same for a GET's answer; an answer that is neither 200 nor 404 is
  /// always objected to.
  std::optional<std::string> objection(const std::string& key,
                                       const reply& last,
                                       time read_at = steady::now()) const;

  std::vector<std::string> keys() const;
  /// How many operations were accepted, surely without effect, left open.
  struct totals {
    std::size_t accepted = 0;
    std::size_t refused = 0;
    std::size_t open = 0;
  };
  totals count() const;

private:
  enum class outcome { open, accepted, refused };
  struct operation {
    bool is_put = true;
    std::size_t at_node = 0;
    std::int64_t version = 0;
    std::string value;
    std::int64_t ttl_ms = 0;
    time called;
    time returned = time::max();
    outcome came_to = outcome::open;
  };
  using history = std::vector<operation>;

  ticket add(const std::string& key, operation what);
  bool before(const operation& a, const operation& b) const;
  bool beats(const operation& a, const operation& b) const;
  bool may_expire_by(const operation& put, time when) const;
  /// A delete, or a put that may have been made over an expired entry.
  bool may_delete(const history& all, const operation& what) const;
  bool may_stand_between(const history& all, const operation& first,
                         const operation& last) const;
  std::optional<std::string> objection_to_put(const history& all,
                                              const operation& put,
                                              time read_at) const;
  std::optional<std::string> objection_to_nothing(const history& all,
                                                  time read_at) const;
  std::string describe(const history& all) const;

  milliseconds clock_error_;
  mutable std::mutex mutex_;
  std::map<std::string, history> histories_;
};

} // namespace panal::test
