#include "actors/gatekeeper.hpp"

#include "actors/gatekeeper_dial.hpp"
#include "actors/gatekeeper_door.hpp"
#include "actors/gatekeeper_links.hpp"
#include "actors/gatekeeper_names.hpp"
#include "actors/gatekeeper_outcome.hpp"
#include "actors/gatekeeper_refusals.hpp"
#include "actors/gatekeeper_session.hpp"
#include "actors/gatekeeper_tls.hpp"
#include "actors/gatekeeper_warnings.hpp"
#include "config/address.hpp"
#include "logging/log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace panal {

namespace asio = boost::asio;
using asio::ip::tcp;
using error_code = boost::system::error_code;

namespace {

error unavailable(std::string detail) {
  return {errc::unavailable, std::move(detail)};
}

std::uint64_t random_run() {
  const auto drawn = random_digest();
  std::uint64_t run = 0;
  std::memcpy(&run, drawn.data(), sizeof run);
  return run != 0 ? run : 1;
}

} // namespace

// What is public runs on any thread; everything else on the gatekeeper's own,
// or when there is none any more.
class gatekeeper::impl {
public:
  explicit impl(gatekeeper_config config);

  result<std::uint16_t> start(callbacks on);
  void dial(std::string address);
  void stop();
  result<void> reload();
  const member& self() const noexcept { return setup_.self; }
  std::uint64_t run_id() const noexcept { return setup_.run; }
  gatekeeper_refusals& refusals() noexcept { return refusals_; }
  const gate_counts& counts() const noexcept { return counts_; }

private:
  using session_ptr = std::shared_ptr<gatekeeper_session>;
  using ending = gatekeeper_session::ending;

  /// An address that is being dialled: first the one part, then the other.
  struct dialling {
    std::shared_ptr<gatekeeper_dial> dial;
    session_ptr session;
  };

  void run();
  void receive(tcp::socket socket);
  void on_received(const session_ptr& session, ending how);
  void begin_dial(const std::string& address);
  void on_connected(const std::string& address);
  void on_dialled(const std::string& address, const session_ptr& session,
                  ending how);
  void note_end(gatekeeper_session& session, ending how,
                const std::string& address);
  bool hand_over(gatekeeper_session& session, const std::string& dialled);
  session_ptr make_session(tcp::socket socket, handshake::role as);
  void end_dial(const std::string& address, dial_failure reason);

  gatekeeper_config config_;
  handshake_setup setup_;
  gatekeeper_tls tls_;
  callbacks on_;
  asio::io_context io_{1};
  gatekeeper_names names_{io_};
  /// In the order of their coming.
  std::vector<session_ptr> pending_;
  std::unordered_map<std::string, dialling> dials_;
  gatekeeper_refusals refusals_;
  gatekeeper_warnings warnings_;
  gate_counts counts_;
  gatekeeper_door door_;
  gatekeeper_links links_;
  std::mutex life_; // start() against stop()
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

gatekeeper::impl::impl(gatekeeper_config config)
    : config_{std::move(config)},
      tls_{config_.tls, config_.self.name},
      door_{io_, config_.accept_pause, warnings_},
      links_{io_, config_.link_message_bytes_max, counts_, warnings_} {
  setup_.self = config_.self;
  setup_.protocol = config_.protocol;
  setup_.key = cluster_key(config_.secret);
  setup_.run = config_.run != 0 ? config_.run : random_run();
  setup_.cluster = cluster_id(config_.cluster_name);
  config_.secret.clear();
}

result<std::uint16_t> gatekeeper::impl::start(callbacks on) {
  std::lock_guard guard{life_};
  if (stopped_ || door_.is_open())
    return unavailable("the gatekeeper starts only once");
  on_ = std::move(on);
  if (auto loaded = tls_.load(); !loaded)
    return loaded.error();
  auto port = door_.open({config_.host, config_.port});
  if (!port)
    return port;
  if (setup_.self.address.empty())
    setup_.self.address = to_string(endpoint{config_.host, *port});
  if (!is_valid(setup_.self)) {
    door_.close();
    return unavailable("this node's origin, name or address is not valid");
  }
  door_.accept([this](auto socket) { receive(std::move(socket)); });
  try {
    thread_ = std::thread{[this] { run(); }};
  } catch (const std::system_error& err) {
    door_.close();
    return unavailable(std::string{"no thread: "} + err.what());
  }
  return port;
}

result<void> gatekeeper::impl::reload() {
  auto loaded = tls_.load();
  if (!loaded)
    log::error("cluster_tls_kept", {{"detail", loaded.error().detail}});
  return loaded;
}

void gatekeeper::impl::run() {
  for (;;) {
    try {
      io_.run();
      return;
    } catch (const std::exception& err) {
      // Whatever it was about still has its deadline.
      warnings_.warn(gate_warning::failed, "", err.what());
    }
  }
}

void gatekeeper::impl::stop() {
  std::lock_guard guard{life_};
  stopped_ = true;
  io_.stop();
  if (thread_.joinable())
    thread_.join();
  door_.close();
  for (auto& session : pending_)
    session->close();
  for (auto& [address, entry] : dials_) {
    entry.dial->close();
    if (entry.session)
      entry.session->close();
  }
  pending_.clear();
  dials_.clear();
  links_.close();
  // What has completed but was not handled may hold a socket just accepted.
  io_.restart();
  io_.poll();
}

void gatekeeper::impl::receive(tcp::socket socket) {
  ++counts_.accepted;
  // The oldest gives way: a peer is done within a few round trips, a silent
  // stranger would keep its place until the deadline.
  if (pending_.size() >= config_.pending_max) {
    ++counts_.crowded;
    warnings_.warn(gate_warning::crowded, pending_.front()->remote());
    pending_.front()->close();
    pending_.erase(pending_.begin());
  }
  auto session = make_session(std::move(socket), handshake::role::acceptor);
  pending_.push_back(session);
  session->start(config_.handshake_timeout, [this](auto& who, ending how) {
    on_received(who.shared_from_this(), how);
  });
}

void gatekeeper::impl::on_received(const session_ptr& session, ending how) {
  std::erase(pending_, session);
  auto& talk = session->talk();
  if (how == ending::timed_out) {
    ++counts_.silent;
    warnings_.warn(gate_warning::silent, session->remote());
  } else if (how == ending::closed) {
    ++counts_.closed;
  }
  note_end(*session, how, session->remote());
  if (how != ending::concluded)
    return session->close();
  if (talk.outcome() == verdict::admitted && hand_over(*session, {}))
    return;
  session->close();
  if (talk.outcome() == verdict::introduced)
    on_.on_introduced(talk.peer(), talk.peer_run(), {});
}

/// What the ends of accepted and dialled sessions have in common.
void gatekeeper::impl::note_end(gatekeeper_session& session, ending how,
                                const std::string& address) {
  if (how == ending::insecure) {
    ++counts_.tls_failed;
    return warnings_.warn(gate_warning::tls, address, session.problem());
  }
  if (how != ending::concluded)
    return;
  auto& talk = session.talk();
  count(counts_, talk.outcome());
  auto shares_origin = talk.outcome() == verdict::copied
                       && talk.peer().origin == setup_.self.origin;
  if (shares_origin)
    warnings_.warn(gate_warning::shared_identity, address, talk.peer().name);
  else if (auto warning = warning_of(talk.outcome()))
    warnings_.warn(*warning, address, talk.peer().name);
  if (is_disowned(talk, setup_.self.origin))
    on_.on_refused(talk.peer(), talk.peer_run(), talk.outcome());
}

void gatekeeper::impl::dial(std::string address) {
  if (!stopped_)
    asio::post(io_, [this, where = std::move(address)] { begin_dial(where); });
}

void gatekeeper::impl::begin_dial(const std::string& address) {
  if (stopped_)
    return;
  auto parsed = parse_endpoint(address);
  if (!parsed)
    return on_.on_dial_failed(address, dial_failure::bad_address);
  auto [entry, is_new] = dials_.try_emplace(address);
  if (!is_new)
    return;
  auto dial = std::make_shared<gatekeeper_dial>(io_, names_);
  entry->second.dial = dial;
  dial->start(*parsed, config_.dial_timeout, [this, address](auto failure) {
    if (failure)
      end_dial(address, *failure);
    else
      on_connected(address);
  });
}

void gatekeeper::impl::on_connected(const std::string& address) {
  auto& entry = dials_.at(address);
  try {
    entry.session =
        make_session(entry.dial->take_socket(), handshake::role::dialler);
  } catch (const std::exception& err) {
    warnings_.warn(gate_warning::failed, address, err.what());
    return end_dial(address, dial_failure::closed);
  }
  entry.session->start(config_.handshake_timeout,
                       [this, address](auto& who, ending how) {
                         on_dialled(address, who.shared_from_this(), how);
                       });
}

void gatekeeper::impl::on_dialled(const std::string& address,
                                  const session_ptr& session, ending how) {
  dials_.erase(address);
  auto& talk = session->talk();
  note_end(*session, how, address);
  if (how == ending::concluded && talk.outcome() == verdict::admitted
      && hand_over(*session, address))
    return;
  session->close();
  if (auto failure = failure_of(talk, how))
    on_.on_dial_failed(address, *failure);
  else
    on_.on_introduced(talk.peer(), talk.peer_run(), address);
}

bool gatekeeper::impl::hand_over(gatekeeper_session& session,
                                 const std::string& dialled) {
  auto& talk = session.talk();
  admitted_peer admitted{
      {}, talk.peer(), talk.peer_run(), talk.link_id(), dialled};
  admitted.socket = links_.take(session, admitted.received, on_.on_misframed);
  if (!admitted.socket)
    return false;
  ++counts_.admitted;
  on_.on_admitted(std::move(admitted));
  return true;
}

gatekeeper::impl::session_ptr
gatekeeper::impl::make_session(tcp::socket socket, handshake::role as) {
  auto secured = tls_.current();
  auto line =
      secured ? std::make_shared<gatekeeper_line>(std::move(socket), *secured)
              : std::make_shared<gatekeeper_line>(std::move(socket));
  auto setup = setup_;
  setup.judge = [this, line](const member& who,
                             std::uint64_t run) -> std::optional<verdict> {
    if (!line->is_peer_named(who.name))
      return verdict::wrong_name;
    return refusals_.find(who.origin, run);
  };
  return std::make_shared<gatekeeper_session>(
      io_, std::move(line), handshake{as, setup, random_digest()});
}

void gatekeeper::impl::end_dial(const std::string& address,
                                dial_failure reason) {
  dials_.erase(address);
  on_.on_dial_failed(address, reason);
}

gatekeeper::gatekeeper(gatekeeper_config config)
    : impl_{std::make_unique<impl>(std::move(config))} {}

gatekeeper::~gatekeeper() {
  stop();
}

result<std::uint16_t> gatekeeper::start(callbacks on) {
  return impl_->start(std::move(on));
}

void gatekeeper::dial(std::string address) {
  impl_->dial(std::move(address));
}

void gatekeeper::stop() {
  impl_->stop();
}

void gatekeeper::refuse(origin_id origin, std::uint64_t run, verdict why) {
  impl_->refusals().refuse(origin, run, why);
}

void gatekeeper::allow(origin_id origin) {
  impl_->refusals().allow(origin);
}

result<void> gatekeeper::reload() {
  return impl_->reload();
}

const gate_counts& gatekeeper::counts() const noexcept {
  return impl_->counts();
}

std::uint64_t gatekeeper::run() const noexcept {
  return impl_->run_id();
}

const member& gatekeeper::self() const noexcept {
  return impl_->self();
}

} // namespace panal
