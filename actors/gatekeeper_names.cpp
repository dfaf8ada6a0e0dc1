#include "actors/gatekeeper_names.hpp"

#include <boost/asio/post.hpp>

#include <mutex>
#include <thread>

namespace panal {

namespace asio = boost::asio;

/// What the threads share with the object that may be gone before them.
struct gatekeeper_names::bridge {
  std::mutex mutex;
  /// Null once the object is gone.
  gatekeeper_names* owner = nullptr;
  std::size_t threads = 0;
  lookup look_up;

  bool begin() {
    std::lock_guard guard{mutex};
    if (threads == threads_max)
      return false;
    ++threads;
    return true;
  }

  void end() {
    std::lock_guard guard{mutex};
    --threads;
  }

  /// Lets the loop call the handler, as long as there is a loop: the lock
  /// keeps the object, and so the loop, from going meanwhile.
  static void deliver(const std::shared_ptr<bridge>& self, std::uint64_t id,
                      endpoints where) {
    std::lock_guard guard{self->mutex};
    if (self->owner == nullptr)
      return;
    asio::post(self->owner->io_,
               [self, id, where = std::move(where)]() mutable {
                 if (self->owner != nullptr)
                   self->owner->found(id, std::move(where));
               });
  }
};

gatekeeper_names::endpoints
gatekeeper_names::system_lookup(const endpoint& name) {
  asio::io_context io;
  asio::ip::tcp::resolver resolver{io};
  boost::system::error_code err;
  auto found = resolver.resolve(name.host, std::to_string(name.port),
                                asio::ip::resolver_base::numeric_service, err);
  endpoints where;
  for (auto& entry : found)
    where.push_back(entry.endpoint());
  return where;
}

gatekeeper_names::gatekeeper_names(asio::io_context& io, lookup look_up)
    : io_{io}, bridge_{std::make_shared<bridge>()} {
  bridge_->owner = this;
  bridge_->look_up = std::move(look_up);
}

gatekeeper_names::~gatekeeper_names() {
  std::lock_guard guard{bridge_->mutex};
  bridge_->owner = nullptr;
}

void gatekeeper_names::find(const endpoint& name, handler on_found) {
  auto id = next_id_++;
  waiting_.emplace(id, std::move(on_found));
  boost::system::error_code not_numeric;
  auto address = asio::ip::make_address(name.host, not_numeric);
  if (!not_numeric)
    return bridge::deliver(bridge_, id, {{address, name.port}});
  if (!bridge_->begin())
    return bridge::deliver(bridge_, id, {});
  try {
    std::thread{[shared = bridge_, name, id] {
      endpoints where;
      try {
        where = shared->look_up(name);
      } catch (const std::exception&) {
        where.clear();
      }
      shared->end();
      bridge::deliver(shared, id, std::move(where));
    }}.detach();
  } catch (const std::system_error&) { // no thread to be had
    bridge_->end();
    bridge::deliver(bridge_, id, {});
  }
}

void gatekeeper_names::found(std::uint64_t id, endpoints where) {
  if (auto entry = waiting_.extract(id))
    entry.mapped()(std::move(where));
}

} // namespace panal
