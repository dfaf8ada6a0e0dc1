// The composition root: options in, parts built in the order of the data's
// flow, a signal, parts stopped in reverse.

#include "actors/node.hpp"
#include "cluster/hmac.hpp"
#include "config/address.hpp"
#include "config/load.hpp"
#include "http/forget_member.hpp"
#include "http/health_probe.hpp"
#include "http/server.hpp"
#include "logging/log.hpp"
#include "storage/clock.hpp"
#ifdef PANAL_TEST_CLOCK
#include "tests/support/offset_clock.hpp"
#endif

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

namespace {

using namespace panal;
using namespace std::chrono_literals;

#ifdef PANAL_TEST_CLOCK // a program of the tests' own
using node_clock = test::offset_clock;
#else
using node_clock = system_clock;
#endif

constexpr int exit_failure = 1;
constexpr int exit_bad_options = 2;
constexpr int exit_not_asked = 2;

/// How long requests that have begun may take to finish after SIGTERM.
constexpr auto drain_patience = 5s;
/// The same when the node gives its identity up, and refuses them anyway.
constexpr std::chrono::seconds rejoin_patience = 1s;
/// A stop that has not come to its end by then is broken off: whatever was
/// acknowledged is on disk.
constexpr auto stop_patience = 9s;
constexpr auto probe_timeout = 2s;

/// How one life of the node has ended.
enum class ending : std::uint8_t { failed, stopped, rejoins };

ending failed(const char* what, const error& err) {
  log::error(
      "start_failed",
      {{"part", what}, {"code", to_string(err.code)}, {"detail", err.detail}});
  std::cerr << "panal: " << what << ": " << err.detail << '\n';
  return ending::failed;
}

std::string http_address(const options& settings, std::uint16_t port) {
  const bool v6 = settings.http_host.find(':') != std::string::npos;
  return (v6 ? '[' + settings.http_host + ']' : settings.http_host) + ':'
         + std::to_string(port);
}

http::node_view view_of(const node& local, const std::string& secret) {
  http::node_view view{local.gate(), local.conditions()};
  if (!secret.empty())
    view.is_secret = [expected = sha256({secret})](std::string_view token) {
      return equal(expected, panal::view(sha256({token})));
    };
  return view;
}

/// What `panal forget-node` exits with.
int forget(const options& settings, const std::string& member) {
  const auto came = http::forget_member(
      settings.http_host, settings.http_port, member, settings.cluster_secret,
      settings.request_timeout + probe_timeout);
  switch (came.what) {
  case http::forgetting::done:
    std::cout << came.text << '\n';
    return 0;
  case http::forgetting::refused:
    std::cerr << came.text << '\n';
    return exit_failure;
  default:
    std::cerr << "panal: " << came.text << '\n';
    return exit_not_asked;
  }
}

/// Ends the process if the orderly stop hangs.
void watch_the_stop() {
  std::thread{[] {
    std::this_thread::sleep_for(stop_patience);
    log::error("stop_timed_out");
    std::_Exit(exit_failure);
  }}.detach();
}

/// Has the node load its files anew at each SIGHUP, until `hangups` is
/// cancelled.
void reload_at(boost::asio::signal_set& hangups, node& local) {
  hangups.async_wait([&](auto cancelled, int) {
    if (cancelled)
      return;
    local.reload();
    reload_at(hangups, local);
  });
}

/// Serves until a signal comes, or until the node has given its identity up
/// and has to start anew. Ports that the system has chosen go into `settings`,
/// so that the next life has the same.
ending serve(options& settings, const panal::clock& time) {
  // Signals are waited for before any thread exists that could get them.
  boost::asio::io_context signals{1};
  boost::asio::signal_set stop_signals{signals, SIGTERM, SIGINT};
  boost::asio::signal_set hangups{signals, SIGHUP};
  bool rejoins = false;

  auto opened = node::open(settings, time);
  if (!opened)
    return failed("data directory", opened.error());
  auto& local = **opened;

  const auto view = view_of(local, settings.cluster_secret);
  http::server clients{settings, time, view, [&local](auto& loop) {
                         return local.make_gateway(loop);
                       }};
  const auto port = clients.start();
  if (!port)
    return failed("http port", port.error());
  const auto cluster = local.join_cluster([&] {
    boost::asio::post(signals, [&] {
      rejoins = true;
      stop_signals.cancel();
    });
  });
  if (!cluster)
    return failed("cluster port", cluster.error());
  settings.http_port = *port;
  const auto http = http_address(settings, *port);
  if (cluster->empty()) {
    log::info("serving", {{"http", http}});
  } else {
    settings.cluster_port = parse_endpoint(*cluster)->port;
    log::info("serving", {{"http", http}, {"cluster", *cluster}});
  }

  stop_signals.async_wait([&](auto, int) { hangups.cancel(); });
  reload_at(hangups, local);
  signals.run();
  log::info(rejoins ? "starting_anew" : "stopping");
  if (!rejoins)
    watch_the_stop();
  clients.drain(rejoins ? rejoin_patience : drain_patience);
  local.stop();
  clients.stop();
  log::info("stopped");
  return rejoins ? ending::rejoins : ending::stopped;
}

int run(options settings) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN); // a full disk is an error, not a death
  const node_clock time;
  for (;;) {
    const auto end = serve(settings, time);
    if (end != ending::rejoins)
      return end == ending::stopped ? 0 : exit_failure;
  }
}

} // namespace

int main(int argc, char** argv) {
  try {
    const auto outcome = load(argc, argv, environ);
    switch (outcome.what) {
    case action::print_help:
      std::cout << help_text();
      return 0;
    case action::print_version:
      std::cout << version_text();
      return 0;
    case action::check_health:
      return http::probe(outcome.chosen.http_host, outcome.chosen.http_port,
                         probe_timeout);
    case action::forget_node:
      return forget(outcome.chosen, outcome.member);
    case action::refuse:
      for (const auto& mistake : outcome.mistakes)
        std::cerr << "panal: " << mistake << '\n';
      return exit_bad_options;
    case action::run:
      break;
    }
    log::start(outcome.chosen.level, outcome.chosen.format,
               outcome.chosen.node_id);
    return run(outcome.chosen);
  } catch (const std::exception& problem) {
    std::cerr << "panal: " << problem.what() << '\n';
    return exit_failure;
  }
}
