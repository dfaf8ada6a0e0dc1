#pragma once

// Which changes every member has merged: below that line nothing unknown can
// come any more but late copies, so stubs may go and unknown old puts are
// refused (merge-rule, "When a tombstone may be forgotten").
//
// A member's *mark* says: "my journal up to this position holds everything
// that I have stamped up to this hlc, and everything that I have merged of the
// others as this row tells". Whoever has durably merged its stream up to that
// position has merged all that too. The rows of all members make the matrix
// W[member][origin]; the line is its least element.
//
// The matrix counts only while all members agree who belongs to the cluster:
// marks and rows name the view that they were made in, and a change of the
// view starts the matrix anew. So the line waits until everyone has heard of a
// newcomer, and until everyone has merged what anybody holds of a member that
// was removed.

#include "storage/change.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace panal {

/// Per origin: everything that it has stamped up to this hlc is merged.
using merged_row = std::map<origin_id, std::uint64_t>;

/// A member's claim, as it stands in a mark frame.
struct mark {
  /// Where the claim begins to hold in the member's sequence.
  position at = 0;
  /// The members that it was made among.
  std::uint64_t view = 0;
  merged_row row;
};

/// Who holds the line back, and why: words for the operator.
struct line_block {
  origin_id who = 0;
  std::string_view why;
};

/// Not thread-safe; owned by the replica.
class line_keeper {
public:
  explicit line_keeper(origin_id self);

  /// Who belongs to the cluster, this node included, in any order.
  void set_members(std::vector<origin_id> members);
  /// Identifies the set of members.
  std::uint64_t view() const noexcept { return view_; }
  const std::vector<origin_id>& members() const noexcept { return members_; }

  /// Everything that this node has stamped up to `hlc` is in its journal.
  void promised(std::uint64_t hlc);
  /// A member's mark has come.
  void mark_came(origin_id from, const mark& claim);
  /// The changes of `from` up to here are durably merged.
  void merged(origin_id from, position upto);

  /// This node's row, for its marks.
  merged_row row() const;

  /// The least of the matrix as it stands now; 0 while some member has not
  /// told, or is of another view.
  std::uint64_t least() const noexcept;
  /// The member that holds it back most; who is 0 if nobody has to wait.
  line_block blocked_by() const noexcept;

  /// Up to which hlc some member has merged what `origin` stamped. What was
  /// told by members that were forgotten since does not count: they may have
  /// been the only ones.
  std::uint64_t seen_of(origin_id origin) const noexcept;

private:
  struct claim_of {
    /// Of the member's last mark, if it was made in this view.
    merged_row row;
    /// Marks that this node's merging has not reached yet: the oldest and the
    /// newest, which are all that it needs.
    std::deque<mark> waiting;
    position merged = 0;
  };

  void absorb(claim_of& of);

  origin_id self_;
  std::vector<origin_id> members_;
  std::uint64_t view_ = 0;
  merged_row own_;
  std::map<origin_id, claim_of> claims_;
  /// By the member that has told it, or this node. Survives changes of the
  /// view in which that member stays.
  std::map<origin_id, merged_row> seen_;
};

} // namespace panal
