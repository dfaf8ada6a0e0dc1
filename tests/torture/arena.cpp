#include "tests/torture/arena.hpp"

#include <sys/resource.h>

#include <csignal>
#include <stdexcept>

namespace panal::torture {

namespace {

using test::patience;
using test::text;

bool on_both_sides(const fault& split, std::size_t a, std::size_t b) {
  return ((split.sides >> a) & 1U) != ((split.sides >> b) & 1U);
}

bool same(const fault& a, const fault& b) {
  return a.starts == b.starts && a.what == b.what && a.node == b.node
         && a.peer == b.peer;
}

void limit_files(pid_t of, rlim_t bytes) {
  rlimit limit{};
  ::prlimit(of, RLIMIT_FSIZE, nullptr, &limit);
  limit.rlim_cur = bytes;
  ::prlimit(of, RLIMIT_FSIZE, &limit, nullptr);
}

} // namespace

arena::arena(const arena_setup& setup) : net_{setup.nodes, setup.seed} {
  for (std::size_t i = 0; i < setup.nodes; ++i) {
    auto clock_file = (own_.path() / text("clock", i + 1)).string();
    clocks_.push_back(std::make_unique<test::clock_offset>(clock_file));
    auto one = test::member_named(text("node", i + 1));
    for (std::size_t other = 0; other < setup.nodes; ++other)
      if (other != i)
        one.join.push_back(net_.address(other).str());
    one.more = setup.more;
    one.more.push_back("--cluster-advertise=" + net_.address(i).str());
    one.program = PANAL_TEST_NODE;
    one.environment[test::clock_file_variable] = clock_file;
    nodes_.emplace_back(std::move(one)).start();
    net_.forward(i, nodes_.back().cluster());
  }
  if (!connected(2 * patience))
    throw std::runtime_error{"the nodes do not find one another"};
}

bool arena::connected(milliseconds limit) {
  return test::eventually(limit, [this] {
    for (const auto& one : nodes_)
      if (one.peers_up().size() + 1 != nodes_.size())
        return false;
    return true;
  });
}

std::vector<endpoint> arena::http() const {
  std::vector<endpoint> result;
  for (const auto& one : nodes_)
    result.push_back(one.http());
  return result;
}

void arena::begin(const fault& what) {
  faults_.push_back(what);
  switch (what.what) {
  case fault_kind::cut:
    net_.cut(what.node, what.peer);
    break;
  case fault_kind::cut_in_frame:
    net_.cut_in_frame(what.node, what.peer);
    break;
  case fault_kind::split:
    cut_sides(what);
    apply_links();
    break;
  case fault_kind::kill:
    nodes_[what.node].kill9();
    break;
  case fault_kind::restart:
    nodes_[what.node].program().signal(SIGTERM);
    break;
  case fault_kind::pause:
    nodes_[what.node].program().signal(SIGSTOP);
    break;
  case fault_kind::full_disk:
    fill_disk(what.node, what.file_bytes_max);
    break;
  case fault_kind::clock:
    clocks_[what.node]->set(what.offset_ms);
    break;
  default:
    apply_links();
  }
}

void arena::end(const fault& what) {
  faults_.remove_if([&](const fault& one) { return same(one, what); });
  if (is_of_node(what.what))
    return end_of_node(what);
  if (what.cuts_at_end) {
    if (what.what == fault_kind::split)
      cut_sides(what);
    else if (what.what == fault_kind::hole
             || what.what == fault_kind::one_way_hole)
      net_.cut(what.node, what.peer);
  }
  apply_links();
}

void arena::end_of_node(const fault& what) {
  auto& one = nodes_[what.node];
  switch (what.what) {
  case fault_kind::kill:
    one.launch_only();
    break;
  case fault_kind::restart:
    if (!one.program().wait_exit(patience))
      throw std::runtime_error{one.id() + " does not end on SIGTERM:\n"
                               + one.program().tail()};
    one.launch_only();
    break;
  case fault_kind::pause:
    one.cont();
    break;
  case fault_kind::full_disk:
    restore_disk(what.node);
    break;
  case fault_kind::clock:
    clocks_[what.node]->set(0);
    break;
  default:
    break;
  }
}

void arena::heal() {
  while (!faults_.empty())
    end(fault{faults_.back()});
  net_.heal();
  for (auto& one : nodes_) {
    if (!one.program().running())
      throw std::runtime_error{one.id() + " has ended by itself:\n"
                               + one.program().tail()};
    one.wait_serving();
  }
}

void arena::fill_disk(std::size_t node, std::uint64_t file_bytes_max) {
  limit_files(nodes_[node].program().pid(), file_bytes_max);
}

void arena::restore_disk(std::size_t node) {
  limit_files(nodes_[node].program().pid(), RLIM_INFINITY);
}

void arena::cut_sides(const fault& what) {
  for (std::size_t a = 0; a < size(); ++a)
    for (std::size_t b = a + 1; b < size(); ++b)
      if (on_both_sides(what, a, b))
        net_.cut(a, b);
}

void arena::apply_links() {
  for (std::size_t from = 0; from < size(); ++from)
    for (std::size_t to = 0; to < size(); ++to)
      if (from != to)
        net_.set(from, to, rule_for(from, to));
}

link_rule arena::rule_for(std::size_t from, std::size_t to) const {
  link_rule result;
  for (const auto& one : faults_) {
    const bool this_way = one.node == from && one.peer == to;
    const bool that_way = one.node == to && one.peer == from;
    const link_rule rule{.delay = one.delay,
                         .jitter = one.jitter,
                         .bytes_per_second = one.bytes_per_second};
    switch (one.what) {
    case fault_kind::delay:
    case fault_kind::rate:
      if (this_way || that_way)
        result = result.with(rule);
      break;
    case fault_kind::hole:
      result.holds |= this_way || that_way;
      break;
    case fault_kind::one_way_hole:
      result.holds |= this_way;
      break;
    case fault_kind::split:
      if (on_both_sides(one, from, to)) {
        result.holds = true;
        result.refuses |= one.refuses;
      }
      break;
    default:
      break;
    }
  }
  return result;
}

void arena::keep_logs(const std::filesystem::path& folder) const {
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  for (const auto& one : nodes_)
    std::filesystem::copy_file(
        std::filesystem::path{one.data_dir()}.parent_path() / "log",
        folder / (one.id() + ".log"),
        std::filesystem::copy_options::overwrite_existing, ignored);
}

} // namespace panal::torture
