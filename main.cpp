// The composition root: options in, parts built in the order of the data's
// flow, a signal, parts stopped in reverse.

#include "actors/node.hpp"
#include "config/load.hpp"
#include "http/health_probe.hpp"
#include "http/server.hpp"
#include "logging/log.hpp"
#include "storage/clock.hpp"
#ifdef PANAL_TEST_CLOCK
#include "tests/support/offset_clock.hpp"
#endif

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
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

/// How long requests that have begun may take to finish after SIGTERM.
constexpr auto drain_patience = 5s;
/// A stop that has not come to its end by then is broken off: whatever was
/// acknowledged is on disk.
constexpr auto stop_patience = 9s;
constexpr auto probe_timeout = 2s;

int failed(const char* what, const error& err) {
  log::error(
      "start_failed",
      {{"part", what}, {"code", to_string(err.code)}, {"detail", err.detail}});
  std::cerr << "panal: " << what << ": " << err.detail << '\n';
  return exit_failure;
}

std::string http_address(const options& settings, std::uint16_t port) {
  const bool v6 = settings.http_host.find(':') != std::string::npos;
  return (v6 ? '[' + settings.http_host + ']' : settings.http_host) + ':'
         + std::to_string(port);
}

/// Ends the process if the orderly stop hangs.
void watch_the_stop() {
  std::thread{[] {
    std::this_thread::sleep_for(stop_patience);
    log::error("stop_timed_out");
    std::_Exit(exit_failure);
  }}.detach();
}

int serve(const options& settings) {
  // Signals are waited for before any thread exists that could get them.
  boost::asio::io_context signals{1};
  boost::asio::signal_set stop_signals{signals, SIGTERM, SIGINT};
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN); // a full disk is an error, not a death

  const node_clock time;
  auto opened = node::open(settings, time);
  if (!opened)
    return failed("data directory", opened.error());
  auto& local = **opened;

  http::server clients{settings, time, [&local](auto& loop) {
                         return local.make_gateway(loop);
                       }};
  const auto port = clients.start();
  if (!port)
    return failed("http port", port.error());
  const auto cluster = local.join_cluster();
  if (!cluster)
    return failed("cluster port", cluster.error());
  const auto http = http_address(settings, *port);
  if (cluster->empty())
    log::info("serving", {{"http", http}});
  else
    log::info("serving", {{"http", http}, {"cluster", *cluster}});

  stop_signals.async_wait([](auto, int) {});
  signals.run();
  log::info("stopping");
  watch_the_stop();
  clients.drain(drain_patience);
  local.stop();
  clients.stop();
  log::info("stopped");
  return 0;
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
    case action::refuse:
      for (const auto& mistake : outcome.mistakes)
        std::cerr << "panal: " << mistake << '\n';
      return exit_bad_options;
    case action::run:
      break;
    }
    log::start(outcome.chosen.level, outcome.chosen.format,
               outcome.chosen.node_id);
    return serve(outcome.chosen);
  } catch (const std::exception& problem) {
    std::cerr << "panal: " << problem.what() << '\n';
    return exit_failure;
  }
}
