#pragma once

// What one node does for the cluster's convergence, as a plain class: it
// spreads the node's changes and takes in the peers', draws the line below
// which stubs may go, compares digests, watches the clocks, and judges whether
// the node has to rejoin. Time and all that touches the world come from
// outside; the replicator actor and the simulator both run this very class.
//
//   a link's life:  link_up -> greetings cross -> each judges, and says
//                   `accept` -> changes, marks and repair flow -> link_down

#include "cluster/clock_watch.hpp"
#include "cluster/commit_quorum.hpp"
#include "cluster/frame.hpp"
#include "cluster/inbound.hpp"
#include "cluster/line.hpp"
#include "cluster/mending.hpp"
#include "cluster/outbound.hpp"
#include "cluster/reassembly.hpp"
#include "cluster/recent_changes.hpp"
#include "cluster/rejoin.hpp"
#include "cluster/repair.hpp"
#include "cluster/replica_port.hpp"
#include "cluster/send_queue.hpp"
#include "storage/cluster_report.hpp"
#include "storage/digest_tree.hpp"
#include "storage/hybrid_clock.hpp"
#include "storage/node_gate.hpp"
#include "storage/retry_pause.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace panal {

struct replica_config {
  outbound_config window;
  flow_config flow;
  /// Of streams of pieces that are not whole yet, of all peers together, and of
  /// one stream.
  std::size_t streams_bytes_max = std::size_t{96} << 20;
  /// Changes kept in memory for peers that keep up.
  std::size_t recent_bytes_max = std::size_t{16} << 20;
  std::size_t shards = 1;
  /// False: a node without a cluster port, which never has a peer.
  bool clustered = true;
  std::chrono::milliseconds heartbeat_pause{250};
  std::chrono::milliseconds mark_pause{1'000};
  /// How often the line may move: each move is a commit.
  std::chrono::milliseconds line_pause{10'000};
  std::chrono::milliseconds cursor_pause{500};
  /// False: changes spread by repair alone. For tests.
  bool pushes = true;
  repair_config repairing;
  clock_watch_config clocks;
  mending_config mending;
};

/// What a damaged disk means for a node's place in its cluster.
enum class damage_grade : std::uint8_t {
  none,
  /// It has met nobody yet: it serves what it can read, and starts over with
  /// that where it meets the first peer.
  holes,
  /// What it says of itself cannot be relied upon: it serves nothing until it
  /// has taken a member's state over.
  unsound,
};

/// What a replica remembers from its earlier runs, and who it is.
struct replica_memory {
  member self;
  std::string cluster;
  /// By origin, this node's under `own_change` with the present run last.
  std::map<origin_id, std::vector<run_record>> runs;
  fact_map facts;
  std::map<origin_id, position> cursors;
  /// The newest stamp (an hlc) of each origin that the data set holds.
  std::map<origin_id, std::uint64_t> newest_of;
  /// The data set holds anything.
  bool has_data = false;
  /// The present run is durable; else run_saved() tells when it is.
  bool run_is_saved = true;
  /// What could not be read beside the state of known keys.
  damage_grade damage = damage_grade::none;
  /// Keys that cannot be read; outlives the replica. None: all can.
  unreadable_keys* unreadable = nullptr;
  /// Seeds whatever is drawn at random.
  std::uint64_t seed = 0;
};

class repair_link;

/// Not thread-safe; owned by the replicator actor.
class replica {
public:
  /// @param port, clock, gate, digests  outlive the replica.
  replica(const replica_config& config, replica_memory memory,
          replica_port& port, hybrid_clock& clock, node_gate& gate,
          const digest_tree& digests);
  ~replica();
  replica(const replica&) = delete;
  replica& operator=(const replica&) = delete;

  /// From the journal, before its first news: where the sequence stands.
  void start(position last);
  /// Who belongs to the cluster, this node included, and who was removed.
  void members_changed(const std::vector<member>& members);
  /// New changes of this node in position order.
  void committed(const std::vector<change_batch_ptr>& news, moment now);

  /// A link to a member of members_changed() has come up.
  /// @param run  the peer's present run, as it proved itself.
  void link_up(const member& who, std::uint64_t run, moment now);
  void link_down(origin_id who, moment now);
  void frame_came(origin_id from, std::string_view bytes, moment now);

  // What follows from the port's calls.
  void merged(const remote_done& part, moment now);
  void backlog_came(const backlog& found, moment now);
  void marked(std::uint64_t hlc, position at, moment now);
  void saved(fact which, std::uint64_t value);
  /// The present run is durable. No peer comes to know of it before: it would
  /// take the next run for an older directory's.
  void run_saved() noexcept { memory_.run_is_saved = true; }
  /// A shard has stubs that wait for the line to come there.
  void want_line(std::uint64_t hlc);
  void listed(std::uint64_t token, std::vector<leaf_place> items, moment now);
  void compared(std::uint64_t token, std::vector<change> differing, bool more,
                moment now);
  void reissued(const reissue_outcome& done);
  void identity_saved(const cluster_identity& who, bool founder);

  /// Saves how far the peers are; tick() does so by and by.
  void save_cursors();
  /// To be called about every heartbeat_pause.
  void tick(moment now);

  /// A write at `position_of_it` is to be answered when `wanted` is reached,
  /// or at the deadline: port.answer() follows.
  void await(std::uint64_t ticket, position position_of_it, write_level wanted,
             steady_time deadline, moment now);

  /// The members have forgotten this node, or it runs twice.
  /// @param by_another_name  the identity was borne by another process too:
  ///                         what it is said to have been seen of is not all
  ///                         this node's.
  void was_forgotten(std::uint64_t seen_hlc, bool by_another_name);
  void is_copy();

  cluster_report report(moment now) const;
  clock_state clock() const noexcept { return clocks_.state(); }
  std::int64_t clock_distance_ms() const noexcept {
    return clocks_.distance_ms();
  }
  std::size_t members() const noexcept { return line_.members().size(); }
  /// Up to which hlc a member has merged what `origin` has stamped.
  std::uint64_t seen_of(origin_id origin) const;
  /// A member's name, for logs.
  std::string_view name_of(origin_id who) const noexcept;
  /// True while a link to it is up.
  bool is_linked(origin_id who) const noexcept;
  /// The cluster that this node's state belongs to; none while it is
  /// provisional.
  const cluster_identity& identity() const noexcept { return identity_; }
  /// It is provisional and reaches nobody: others may hold what it does not
  /// know of.
  bool is_alone() const noexcept;
  /// This node's place in the cluster is settled, and it serves.
  bool is_rejoining() const noexcept { return rejoining_; }

private:
  /// One peer: both directions, and the link while there is one.
  struct peer {
    peer(outbound from_cursor, const flow_config& flow)
        : out{std::move(from_cursor)}, queue{flow} {}

    outbound out;
    inbound in{1};
    /// What waits to be sent over the link.
    send_queue queue;
    /// Bytes over the link so far that are counted, and what of it was told.
    std::uint64_t received = 0;
    std::uint64_t told_received = 0;
    /// It waits for a receipt.
    bool owes_receipt = false;
    member who;
    bool linked = false;
    /// The peer's present run, and where its sequence stood at the greeting.
    std::uint64_t run = 0;
    run_record greeted_run;
    position greeted_last = 0;
    /// How far that run has come at least: what it acknowledged and marked
    /// rests on this.
    position run_reached = 0;
    /// Both judgements: changes flow when both are true.
    bool accepts_them = false;
    bool accepted_by_them = false;
    bool is_rejoining = false;
    /// Its line, as its greeting had it.
    std::uint64_t greeted_line = 0;
    /// Of its last greeting; an older one may come late.
    std::uint64_t greeted_hlc = 0;
    std::uint64_t greeted_run_id = 0;
    /// The cluster that its state belongs to.
    cluster_identity identity;
    /// It belongs to another one, and that was told.
    bool is_stranger = false;
    /// Changes up to here are read from the store, not from memory: what
    /// memory holds of before the link may have been collected since.
    position memory_from = 0;
    /// A read from the store is under way.
    bool reading = false;
    retry_pause read_pause;
    position saved_cursor = 0;
    /// A mark that is said once the peer has all that it speaks of.
    std::optional<mark> waiting_mark;
    /// It has marked over this link: all that it held before the link is
    /// merged.
    bool has_marked = false;
    /// A position that it has not acknowledged yet, and since when.
    std::optional<std::pair<position, unix_ms>> lag_probe;

    bool open() const noexcept {
      return linked && accepts_them && accepted_by_them;
    }
  };

  // One for each type of frame.
  bool may_speak(origin_id from, peer& link, moment now);
  void take_frame(origin_id from, peer& link, const heartbeat_frame& said,
                  moment now);
  void take_frame(origin_id from, peer& link, const members_frame& said,
                  moment now);
  void take_frame(origin_id from, peer& link, const changes_frame& said,
                  moment now);
  void take_frame(origin_id from, peer& link, const ack_frame& said,
                  moment now);
  void take_frame(origin_id from, peer& link, const mark_frame& said,
                  moment now);
  void refuse_frame(origin_id from, std::string_view why);
  bool is_lie(std::uint64_t line) const noexcept;
  bool refuses_line_in(origin_id from, const frame& said);
  void refuse_line(origin_id from, std::uint64_t line);

  // -- greetings (replica_greeting.cpp) ---------------------------------------
  bool may_meet() const noexcept;
  void greet(origin_id who, const peer& to);
  void take_frame(origin_id from, peer& link, const greeting_frame& said,
                  moment now);
  void take_frame(origin_id from, peer& link, const accept_frame& said,
                  moment now);
  void open(origin_id from, peer& link, moment now);
  void settle();
  void wait_for(origin_id from, peer& link, const cluster_identity& theirs);
  void adopt(const cluster_identity& who, bool founder);
  void consider_birth();
  standing own_standing() const;
  void rejoin(const rejoin_plan& plan);
  position most_acknowledged() const;
  void look_whether_rejoined();

  // -- the stream of changes (replica_stream.cpp) -----------------------------
  void receive(origin_id from, peer& link, const changes_frame& said,
               moment now);
  void take_ack(origin_id from, peer& link, const ack_frame& said, moment now);
  void acknowledge(origin_id who, peer& link, position upto,
                   bool refused = false);
  std::size_t shard_for(std::string_view key) const;
  void pump(origin_id who, peer& to, moment now);
  void send_run(origin_id who, peer& to, const change_run& run, moment now);
  void look_after_windows(moment now);
  bool note_reached(origin_id who, const peer& from);

  // -- the flow of bytes (replica_flow.cpp) -----------------------------------
  void start_flow(origin_id who, peer& to);
  void send(origin_id who, std::string bytes);
  void drain(origin_id who, peer& to);
  void count(origin_id from, peer& link, std::string_view bytes);
  void tell_receipt(origin_id who, peer& to);
  void tell_receipts();
  void send_anew(peer& to);
  void take_frame(origin_id from, peer& link, const receipt_frame& said,
                  moment now);
  void take_frame(origin_id from, peer& link, const piece_frame& said,
                  moment now);
  void take_frame(origin_id from, peer& link, const deferred_frame& said,
                  moment now);
  void stream_came(origin_id from, peer& link, std::uint32_t stream,
                   moment now);
  void deferred_came(origin_id from, peer& link, std::uint32_t stream,
                     const deferred_frame& said);

  // -- the line (replica_line.cpp) --------------------------------------------
  void take_mark(origin_id from, peer& link, const mark_frame& said,
                 moment now);
  bool needs_mark() const noexcept;
  void promise_is_durable(std::uint64_t hlc);
  void make_mark(moment now);
  void send_mark(origin_id who, peer& to);
  void move_line();

  // -- repair (replica_repair.cpp) --------------------------------------------
  /// A frame of repair that came before the link is open.
  template <class Frame>
  void take_frame(origin_id, peer&, const Frame&, moment) {}
  void take_frame(origin_id from, peer& link, const fetch_frame& said,
                  moment now);
  void take_frame(origin_id from, peer& link, const fetched_frame& said,
                  moment now);
  std::uint64_t told_line() const noexcept;
  void mend(moment now);
  bool must_start_over() const;
  bool holds_own_alone() const;
  std::vector<origin_id> comparable_peers() const;

  // -- all else
  // ----------------------------------------------------------------
  void beat(moment now);
  void watch_clock();
  void answer_waiting(moment now);
  member_report report_of(const member& who, moment now) const;
  peer& peer_of(origin_id who);

  replica_config config_;
  replica_memory memory_;
  replica_port& port_;
  hybrid_clock& clock_;
  node_gate& gate_;
  const digest_tree& digests_;

  recent_changes recent_;
  reassembly streams_;
  line_keeper line_;
  std::unique_ptr<repair_link> repair_link_;
  repair repair_;
  mending mending_;
  clock_watch clocks_;
  commit_quorum quorum_;
  std::map<origin_id, peer> peers_;
  /// All that are known, the forgotten too.
  std::vector<member> members_;

  /// Durable facts as they stand, and those that are on their way.
  std::uint64_t line_hlc_ = 0;
  std::uint64_t promised_ = 0;
  /// Where the line is wanted: above all that was committed so far, here or,
  /// as their marks say, at peers.
  std::uint64_t wanted_ = 0;
  bool owes_mark_ = false;
  /// The newest mark that a peer was told, and, by member, the newest that was
  /// told before this node knew of it: no line that was drawn without that
  /// member is above.
  std::uint64_t told_ = 0;
  std::map<origin_id, std::uint64_t> told_before_;
  cluster_identity identity_;
  /// It was among those that bore its cluster.
  bool founder_ = false;
  /// On its way to the disk.
  std::optional<std::pair<cluster_identity, bool>> adopting_;
  std::mt19937_64 drawn_;
  bool sealed_ = false;
  bool seal_asked_ = false;
  bool settled_ = false;
  bool met_ = false;
  bool rejoining_ = false;
  /// Too much of the disk is damaged: a member's state is to be taken over.
  bool is_damaged_ = false;
  bool reissuing_ = false;
  /// The keys up to here have had their turn.
  std::string reissued_upto_;
  /// All is issued anew, and that fact is on its way to the disk.
  bool rejoined_ = false;
  unsigned greetings_left_ = 0;
  bool gone_ = false;
  bool has_data_ = false;

  /// The mark that is on its way through the journal: its hlc (0: none), what
  /// was merged and who belonged when it set out, and until when it is waited
  /// for.
  std::uint64_t mark_asked_ = 0;
  merged_row marked_row_;
  std::uint64_t marked_view_ = 0;
  steady_time mark_patience_{};

  /// Of what is being looked at.
  steady_time now_{};
  steady_time next_mark_{};
  steady_time next_line_{};
  steady_time next_cursors_{};

  std::uint64_t set_aside_ = 0;
  std::uint64_t below_line_ = 0;
  std::uint64_t frames_refused_ = 0;
  std::uint64_t lines_refused_ = 0;
  std::uint64_t reissued_ = 0;
  std::uint64_t reissue_refused_ = 0;
};

} // namespace panal
