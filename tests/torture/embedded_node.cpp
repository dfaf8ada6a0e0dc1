#include "tests/torture/embedded_node.hpp"

#include "config/load.hpp"
#include "tests/support/process.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <future>
#include <stdexcept>
#include <utility>

namespace panal::torture {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr std::size_t value_bytes = 60;
// Below what a shard's queue takes.
constexpr std::size_t in_flight_max = 4'096;
constexpr auto turn = 1ms;
constexpr auto patience = 10s;

operation put_of(std::string key, std::int64_t version) {
  return {.what = verb::put,
          .key = std::move(key),
          .value = '"' + std::string(value_bytes, 'v') + '"',
          .version = version};
}

/// Submits what is due each millisecond. Lives until its last answer came;
/// all but the constructor runs on the loop's thread.
class writer final : public answer_sink,
                     public std::enable_shared_from_this<writer> {
public:
  struct plan {
    std::string prefix;
    std::size_t count = 0;
    std::int64_t version = 0;
    std::size_t rate = 0;
  };

  writer(boost::asio::io_context& loop, gateway& to, plan what)
      : timer_{loop}, gateway_{to}, plan_{std::move(what)} {}

  std::future<std::size_t> accepted() { return done_.get_future(); }

  void run() {
    const auto passed =
        std::chrono::duration<double>(steady_clock::now() - began_).count();
    auto due = plan_.count;
    if (plan_.rate != 0)
      due = std::min(due, static_cast<std::size_t>(
                              passed * static_cast<double>(plan_.rate)));
    for (; sent_ < due && sent_ - answered_ < in_flight_max; ++sent_)
      gateway_.submit(
          put_of(plan_.prefix + std::to_string(sent_), plan_.version),
          shared_from_this(), sent_);
    if (sent_ == plan_.count)
      return;
    timer_.expires_after(turn);
    timer_.async_wait([self = shared_from_this()](auto) { self->run(); });
  }

  void on_answer(std::uint64_t, answer reply) override {
    accepted_ += reply.code == errc::ok ? 1U : 0U;
    if (++answered_ == plan_.count)
      done_.set_value(accepted_);
  }

private:
  boost::asio::steady_timer timer_;
  gateway& gateway_;
  plan plan_;
  steady_clock::time_point began_ = steady_clock::now();
  std::size_t sent_ = 0;
  std::size_t answered_ = 0;
  std::size_t accepted_ = 0;
  std::promise<std::size_t> done_;
};

options options_of(const std::vector<std::string>& flags) {
  std::vector<const char*> argv{"panal"};
  for (const auto& flag : flags)
    argv.push_back(flag.c_str());
  auto outcome = load(static_cast<int>(argv.size()), argv.data(), nullptr);
  if (outcome.what != action::run)
    throw std::runtime_error{outcome.mistakes.empty() ? "no such flags"
                                                      : outcome.mistakes[0]};
  return std::move(outcome.chosen);
}

} // namespace

embedded_node::embedded_node(const std::vector<std::string>& flags)
    : settings_{options_of(flags)} {
  auto opened = node::open(settings_, time_);
  if (!opened)
    throw std::runtime_error{opened.error().detail};
  node_ = std::move(*opened);
  const auto cluster = node_->join_cluster([] {});
  if (!cluster)
    throw std::runtime_error{cluster.error().detail};
  gateway_ = node_->make_gateway(loop_);
  thread_ = std::thread{[this] {
    const auto guard = boost::asio::make_work_guard(loop_);
    loop_.run();
  }};
  if (test::eventually(patience,
                       [this] { return put_many("ready-", 1, 1) == 1; }))
    return;
  shut_down();
  throw std::runtime_error{"the embedded node does not serve"};
}

embedded_node::~embedded_node() {
  shut_down();
}

void embedded_node::shut_down() {
  node_->stop();
  loop_.stop();
  thread_.join();
  gateway_.reset();
}

std::size_t embedded_node::put_many(const std::string& prefix,
                                    std::size_t count, std::int64_t version,
                                    std::size_t rate) {
  auto one = std::make_shared<writer>(
      loop_, *gateway_, writer::plan{prefix, count, version, rate});
  auto accepted = one->accepted();
  boost::asio::post(loop_, [one] { one->run(); });
  return accepted.get();
}

} // namespace panal::torture
