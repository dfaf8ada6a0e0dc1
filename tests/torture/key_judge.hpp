#pragma once

// The checker's judgement of one key.

#include "tests/torture/checker.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace panal::torture {

class key_judge {
public:
  /// The operations must outlive the judge, and be on one key.
  key_judge(std::vector<const operation*> done,
            std::vector<const operation*> last, milliseconds clock_error);

  std::vector<violation> judge();

private:
  /// A put or a delete, and what is known of it.
  struct change {
    const operation* op = nullptr;
    /// It was carried out, by its answer or by what was read.
    bool happened = false;
    /// By when it had happened.
    time_point done_by = time_point::max();
    /// Since when a node surely holds it.
    std::map<std::size_t, time_point> held_since{};
    /// A delete, or a put that may have been made over an expired entry.
    bool may_delete = false;

    bool is_put() const { return op->what == action::put; }
    bool possible() const { return op->came_to != outcome::failed; }
    bool held_at(std::size_t node, time_point when) const;
    void seen(std::size_t node, time_point when);
  };
  /// What a judgement is about: a read, or the end.
  struct view {
    const operation* read = nullptr;
    bool final = false;
  };
  struct objection {
    verdict what;
    std::string why;
  };

  void learn_from_values(const operation& read);
  void learn_from_nothing(const operation& read);
  change* put_of(const entry& what);

  bool before(const change& a, const change& b) const;
  bool beats(const change& a, const change& b) const;
  bool may_expire_by(const change& put, time_point when) const;
  bool may_be_over_expired(const change& put) const;
  bool counts(const change& what, const view& in) const;
  bool delete_may_stand_between(const change& first, const change& last,
                                const view& in) const;

  std::optional<objection> judge_read(const operation& read, bool final);
  std::optional<objection> beaten(const change& put, const view& in) const;
  std::optional<objection> object_to_put(const change& put,
                                         const view& in) const;
  std::optional<objection> object_to_nothing(const view& in) const;
  std::optional<objection> judge_agreement() const;
  std::string describe_all() const;

  std::vector<const operation*> done_;
  std::vector<const operation*> last_;
  milliseconds clock_error_;
  std::vector<change> changes_;
};

} // namespace panal::torture
