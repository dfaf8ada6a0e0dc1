#pragma once

// What the tests of the gatekeeper share: gatekeepers on ports of their own
// with mailboxes for what they report, and plain sockets to vex them with.

#include "actors/gatekeeper.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace panal::test {

using namespace std::chrono_literals;

using clock_type = std::chrono::steady_clock;

inline constexpr auto patience = 20s;

/// What a gatekeeper has reported, awaited with a deadline.
class mailbox {
public:
  struct failed_dial {
    std::string address;
    dial_failure reason;
  };

  struct introduction {
    member who;
    std::uint64_t run;
  };
  struct refusal {
    member by;
    verdict why;
  };

  gatekeeper::callbacks callbacks() {
    return {[this](admitted_peer peer) { add(admitted_, std::move(peer)); },
            [this](const member& who, std::uint64_t run, const std::string&) {
              add(introduced_, introduction{who, run});
            },
            [this](const std::string& address, dial_failure reason) {
              add(failures_, failed_dial{address, reason});
            },
            [this](const member& who, verdict why) {
              add(refusals_, refusal{who, why});
            }};
  }

  admitted_peer admitted() { return next(admitted_); }
  introduction introduced_run() { return next(introduced_); }
  member introduced() { return introduced_run().who; }
  failed_dial failure() { return next(failures_); }
  refusal refused() { return next(refusals_); }

  bool is_empty() {
    std::lock_guard guard{mutex_};
    return admitted_.empty() && introduced_.empty() && failures_.empty()
           && refusals_.empty();
  }

private:
  template <class T>
  void add(std::vector<T>& list, T what) {
    std::lock_guard guard{mutex_};
    list.push_back(std::move(what));
    changed_.notify_all();
  }

  template <class T>
  T next(std::vector<T>& list) {
    std::unique_lock guard{mutex_};
    REQUIRE(changed_.wait_for(guard, patience, [&] { return !list.empty(); }));
    auto what = std::move(list.front());
    list.erase(list.begin());
    return what;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<admitted_peer> admitted_;
  std::vector<introduction> introduced_;
  std::vector<failed_dial> failures_;
  std::vector<refusal> refusals_;
};

inline gatekeeper_config config_of(origin_id origin, std::string name) {
  gatekeeper_config config;
  config.self.origin = origin;
  config.self.name = std::move(name);
  config.secret = "honey";
  config.handshake_timeout = 10s;
  config.dial_timeout = 10s;
  return config;
}

/// A started gatekeeper on a port of its own.
struct node {
  mailbox events;
  gatekeeper keeper;
  std::uint16_t port = 0;

  explicit node(gatekeeper_config config) : keeper{std::move(config)} {
    auto bound = keeper.start(events.callbacks());
    REQUIRE(bound.has_value());
    port = *bound;
  }

  node(origin_id origin, std::string name)
      : node{config_of(origin, std::move(name))} {}

  std::string address() const { return "127.0.0.1:" + std::to_string(port); }
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline socket_handle new_socket() {
  socket_handle fd{::socket(AF_INET, SOCK_STREAM, 0)};
  REQUIRE(fd);
  timeval limit{20, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return fd;
}

/// A blocking connection to a gatekeeper.
inline socket_handle connect_to(std::uint16_t port) {
  auto fd = new_socket();
  auto address = loopback(port);
  REQUIRE(
      ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address)
      == 0);
  return fd;
}

/// A listening socket that nobody accepts from.
struct silent_server {
  socket_handle fd = new_socket();
  std::uint16_t port = 0;

  silent_server() {
    auto address = loopback(0);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd.get(), generic, size) == 0);
    REQUIRE(::listen(fd.get(), 16) == 0);
    REQUIRE(::getsockname(fd.get(), generic, &size) == 0);
    port = ntohs(address.sin_port);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port); }
};

/// Reads until the other end closes or resets; false if it never does.
inline bool is_cut(int fd) {
  char buffer[256];
  for (;;) {
    auto got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET))
      return true;
    if (got < 0)
      return false;
  }
}

inline void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      REQUIRE(::poll(&ready, 1, 20'000) == 1);
      continue;
    }
    REQUIRE(sent > 0);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

inline std::string receive(int fd, std::size_t size) {
  std::string all(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    pollfd ready{fd, POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 20'000) == 1);
    auto got = ::recv(fd, all.data() + have, size - have, 0);
    REQUIRE(got > 0);
    have += static_cast<std::size_t>(got);
  }
  return all;
}

inline std::ptrdiff_t open_descriptors() {
  std::filesystem::directory_iterator all{"/proc/self/fd"};
  return std::distance(begin(all), end(all));
}

inline int option_of(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(fd, level, name, &value, &size) == 0);
  return value;
}

inline void check_admits(node& smaller, node& larger) {
  smaller.keeper.dial(larger.address());
  auto dialled = smaller.events.admitted();
  auto accepted = larger.events.admitted();
  CHECK(dialled.peer == larger.keeper.self());
  CHECK(accepted.peer == smaller.keeper.self());
  CHECK(dialled.link_id == accepted.link_id);
  CHECK(dialled.dialled == larger.keeper.self().address);
  CHECK(accepted.dialled.empty());
}

inline clock_type::duration time_of(const std::function<void()>& what) {
  auto from = clock_type::now();
  what();
  return clock_type::now() - from;
}

/// Polls until `holds` or patience is over.
inline bool eventually(const std::function<bool()>& holds) {
  auto deadline = clock_type::now() + patience;
  while (!holds()) {
    if (clock_type::now() > deadline)
      return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

} // namespace panal::test
