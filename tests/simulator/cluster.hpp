#pragma once

// A simulated cluster: machines with their disks and clocks, the network
// between them, clients, faults, and the checks. All of one seed.

#include "tests/simulator/sim_node.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace panal::sim {

/// What a seed has come to.
struct verdict_of_seed {
  std::uint64_t seed = 0;
  /// Empty: nothing is wrong. Begins with its kind: "lost", "resurrected",
  /// "expired", "differing", "invented", "early", "stale", "409 lies", "line",
  /// "unsafe", "link".
  std::string violation;
  std::uint64_t events = 0;
  std::size_t operations = 0;
  /// Simulated time from healing to agreement.
  sim_time settled_in = 0;
};

class cluster {
public:
  cluster(std::uint64_t seed, bool verbose);
  ~cluster();

  verdict_of_seed run();

  // -- for the nodes
  // -----------------------------------------------------------
  world around;
  history ops;

  void send(std::size_t from, std::uint64_t link, std::string bytes);
  /// The links over which bytes have come to a machine since the last beat,
  /// parts of a frame too.
  std::vector<std::uint64_t> moving_links(std::size_t to) const;
  void dial(std::size_t from, const std::string& address);
  /// An end of a connection is ready to talk; when both are, the dialler does.
  void adopt(std::size_t at, std::uint64_t link);
  void close(std::uint64_t link);
  void refuse_copy(std::size_t at, origin_id who, std::uint64_t run);
  /// A machine's node has given its identity up.
  void restart(std::size_t index);
  void violated(std::string what);
  /// One stamp names two writes. Two processes that share an identity can
  /// come to that before they are told apart, a run alone cannot.
  void shares_stamps();
  void say(const std::string& what) const;
  bool is_verbose() const noexcept { return verbose_; }
  sim_disk& disk_of(std::size_t index) { return *machines_[index].disk; }
  /// The latest reading of any node's clock so far: what had not expired by
  /// then has expired for nobody.
  unix_ms latest_wall();
  bool has_skew() const noexcept { return had_skew_; }
  /// A clock that is behind shows longer what has expired for others, also
  /// when they have written anew since.
  bool may_linger(op_id op) {
    return had_skew_ && ops[op].expires_at <= latest_wall();
  }
  /// A node has drawn its line: every member must hold all that is below.
  void judge_line(std::size_t at, std::uint64_t line);
  /// A node has come to belong to the cluster: what had been collected by then
  /// it will never see.
  void joined(std::size_t at) { machines_[at].joined_above = drawn_; }
  /// A node is about to give its state up for another cluster's.
  void judge_giving_way(std::size_t at, const cluster_identity& to);
  void judge_drawing(std::size_t at);
  /// The history has no room for what would have to be told.
  void give_up() { is_void_ = true; }
  bool is_one_cluster(std::size_t a, std::size_t b) const;
  /// A node commits something of its own.
  void judge_stamp(std::size_t at, const stamp& made);
  /// A node gives its identity up: not for what nobody has done to it.
  void judge_rejoin(std::size_t at, std::string_view reason);
  /// How many disks hold an operation.
  std::size_t holders(op_id op) const;
  origin_id fresh_origin();
  member self_of(std::size_t index, origin_id origin) const {
    return {origin, machines_[index].name, machines_[index].address, 0};
  }
  std::uint64_t fresh_number() { return around.random() | 1; }
  /// A disk has lost all but `kept`: excuses what no other disk holds, but
  /// for `bound`.
  void excuse_rollback(std::size_t index, const op_set& kept,
                       const op_set& bound = {});
  /// A node has given up its state but for what it issues anew, `kept`: of
  /// what it was the last to hold, that of others' is excused.
  /// @param held  all that it held before.
  /// A node has put aside all that it held, to issue it anew.
  void note_rebirth(const op_set& held) { rolled_back_ |= held; }
  void excuse_rebirth(std::size_t index, const op_set& held, const op_set& kept,
                      origin_id own);

private:
  struct machine {
    std::string address;
    std::string name;
    std::unique_ptr<sim_disk> disk;
    std::unique_ptr<sim_disk> backup;
    std::unique_ptr<sim_clock> clock;
    std::unique_ptr<sim_node> node;
    std::set<std::pair<origin_id, std::uint64_t>> refused;
    /// The highest line when it joined.
    std::uint64_t joined_above = 0;
    /// Else it runs by itself until it is restarted as a member.
    bool is_clustered = true;
    /// Its disk claims a line that no cluster has drawn.
    bool lies = false;
    bool is_up() const noexcept { return node != nullptr; }
  };
  /// A machine that is new after a while, and first meets one member alone.
  struct newcomer {
    std::size_t index = 0;
    std::size_t host = 0;
    sim_time comes_at = 0;
    /// From then on it is the newcomer that is alone.
    sim_time host_crashes_at = 0;
  };
  struct connection {
    /// Has dialled.
    std::size_t a = 0;
    std::size_t b = 0;
    bool a_is_ready = false;
    bool b_is_ready = false;
    /// The dialler has greeted the other end.
    bool is_greeted = false;
    /// By direction, a's first: until when what was sent is on its way.
    std::array<sim_time, 2> busy_until{};
  };
  struct sent_frame {
    std::size_t from = 0;
    std::size_t to = 0;
    std::uint64_t link = 0;
    std::string bytes;
  };
  /// What this seed's faults are like.
  struct weather {
    double loss = 0;
    double duplicates = 0;
    double reorders = 0;
    double replays = 0;
    /// Frames that come as none.
    double nonsense = 0;
    sim_time delay_max = 2 * millisecond;
    sim_time length = 5 * second;
    std::size_t operations = 60;
    unsigned keys = 4;
    double ttl = 0.3;
    double clears = 0.02;
    std::size_t faults = 6;
    bool skew = false;
    bool restores = false;
    bool copies = false;
    bool forgets = false;
    /// Rows of one machine's disk that read back damaged.
    bool damages = false;
    bool levels = false;
    /// Of a value, where links have a rate.
    std::size_t value_bytes_max = 0;
    bool power = false;
    /// Faults that wait for a moment.
    bool aims = false;
    /// Who most faults happen to, within a few moments.
    std::optional<std::size_t> victim;
    std::array<sim_time, 3> moments{};
    std::optional<newcomer> late;
    bool loners = false;
    /// When disks are lost.
    std::vector<sim_time> losses;
    /// When a disk begins to lie about its line; 0: never.
    sim_time lies_at = 0;
  };

  /// The operations whose stamps an entry holds.
  op_set named_in(std::string_view encoded) const;
  void draw_weather();
  void draw_rate();
  std::string draw_padding();
  sim_time travel(connection& over, std::size_t from, std::size_t bytes);
  void judge_frame(std::string_view bytes);
  void draw_faults();
  void draw_newcomer();
  void add_machine(std::unique_ptr<sim_disk> disk);
  void start(std::size_t index);
  /// @param silently  nobody hears that its connections have ended.
  void crash(std::size_t index, bool silently = false);
  void client_step();
  void fault_step();
  void schedule_faults();
  sim_time moment_of_fault();
  void equip(sim_disk& disk);
  void fill_disk(std::size_t index);
  void start_on_full_disk(std::size_t index);
  void hide_rows(std::size_t index);
  void crash_for(std::size_t index, sim_time least, sim_time most);
  void lose_power(std::size_t index);
  void aim_fault(std::size_t index);
  void aim(std::size_t index, const aimed_fault& at);
  void bring_newcomer();
  void begin_alone(std::size_t index);
  void draw_losses();
  void lose_disks();
  void lose_disk(std::size_t index);
  void corrupt_line(std::size_t index);
  cluster_identity identity_of(std::size_t index) const;
  op_set held_on(sim_disk& disk) const;
  /// What the other disks hold, also what waits there to be issued anew.
  op_set held_but_by(std::size_t index) const;
  bool was_forgotten(std::size_t index);
  void restore_backup(std::size_t index);
  void damage_disk(std::size_t index);
  void copy_directory(std::size_t index);
  void cut_something();
  void cut_from_others(std::size_t index, std::size_t but);
  void heal();
  bool agrees(std::string& why);
  bool has_noted_all(std::size_t index, std::string& why);
  void judge_all();
  void describe_all() const;
  void deliver(std::size_t to, std::uint64_t link, const std::string& bytes);
  void greet(std::uint64_t link);
  std::size_t find(const std::string& address) const;
  bool is_cut(std::size_t from, std::size_t to) const {
    return cuts_.contains({from, to});
  }
  void judge_answer(std::size_t at, const operation& asked, unsigned key,
                    const client_answer& came);

  std::uint64_t seed_;
  bool verbose_;
  weather weather_;
  node_options options_;
  std::vector<machine> machines_;
  std::set<std::pair<std::size_t, std::size_t>> cuts_;
  std::map<std::uint64_t, connection> connections_;
  std::vector<sent_frame> recent_;
  std::vector<std::unique_ptr<sim_node>> graves_;
  std::uint64_t next_link_ = 0;
  std::uint64_t next_origin_ = 0;
  std::size_t asked_ = 0;
  std::size_t rebirths_ = 0;
  std::array<std::int64_t, keys_max> versions_{};
  unix_ms latest_wall_ = 0;
  bool healing_ = false;
  bool had_skew_ = false;
  bool had_expiries_ = false;
  bool had_twins_ = false;
  bool has_copy_ = false;
  bool has_liar_ = false;
  bool had_forgets_ = false;
  bool had_damage_ = false;
  bool is_void_ = false;
  /// A disk that held them has been rolled back.
  op_set rolled_back_;
  /// The highest line that any node has drawn.
  std::uint64_t drawn_ = 0;
  std::string violation_;
};

} // namespace panal::sim
