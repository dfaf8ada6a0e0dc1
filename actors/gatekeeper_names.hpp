#pragma once

// Looks host names up on threads of its own. Asio would run getaddrinfo on
// one thread for all names and wait for it when it is destroyed; a name server
// that does not answer must hold up neither another dial nor a stop.

#include "config/address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace panal {

class gatekeeper_names {
public:
  using endpoints = std::vector<boost::asio::ip::tcp::endpoint>;
  /// Blocks until the name is looked up; empty where there is nothing.
  using lookup = std::function<endpoints(const endpoint&)>;
  /// Gets the endpoints, none where the name is unknown.
  using handler = std::function<void(endpoints)>;

  /// The system's way, getaddrinfo.
  static endpoints system_lookup(const endpoint& name);

  /// @param io  where handlers are called; outlives this object.
  explicit gatekeeper_names(boost::asio::io_context& io,
                            lookup look_up = system_lookup);
  gatekeeper_names(const gatekeeper_names&) = delete;
  gatekeeper_names& operator=(const gatekeeper_names&) = delete;
  /// Abandons what is being looked up: no handler is called any more, no
  /// thread is waited for. On the thread that runs `io`, or when none does.
  ~gatekeeper_names();

  /// Looks `name` up; `on_found` is called later on, in any case. Finds
  /// nothing where `threads_max` look-ups are under way.
  void find(const endpoint& name, handler on_found);

  /// Threads that may wait for name servers at once.
  static constexpr std::size_t threads_max = 16;

private:
  struct bridge;

  void found(std::uint64_t id, endpoints where);

  boost::asio::io_context& io_;
  std::shared_ptr<bridge> bridge_;
  // Handlers stay here, on the loop's side: a thread that outlives the loop
  // must own nothing of it.
  std::unordered_map<std::uint64_t, handler> waiting_;
  std::uint64_t next_id_ = 0;
};

} // namespace panal
