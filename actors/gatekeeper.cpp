#include "actors/gatekeeper.hpp"

#include "actors/gatekeeper_dial.hpp"
#include "actors/gatekeeper_names.hpp"
#include "actors/gatekeeper_session.hpp"
#include "actors/gatekeeper_warnings.hpp"
#include "config/address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace panal {

namespace asio = boost::asio;
using asio::ip::tcp;
using error_code = boost::system::error_code;

namespace {

/// What is worth a warning about a handshake that came to this end.
std::optional<gate_warning> warning_of(verdict outcome) noexcept {
  switch (outcome) {
  case verdict::wrong_secret:
    return gate_warning::wrong_secret;
  case verdict::wrong_protocol:
    return gate_warning::wrong_protocol;
  case verdict::malformed:
    return gate_warning::malformed;
  default:
    return std::nullopt;
  }
}

/// Why a dialled handshake led to no connection; nothing if the peer is going
/// to dial.
std::optional<dial_failure> failure_of(const gatekeeper_session& session,
                                       gatekeeper_session::ending how) {
  if (how == gatekeeper_session::ending::timed_out)
    return dial_failure::timed_out;
  if (how == gatekeeper_session::ending::closed)
    return dial_failure::closed;
  switch (session.talk().outcome()) {
  case verdict::introduced:
    return std::nullopt;
  case verdict::admitted: // and broken before it could be handed over
    return dial_failure::closed;
  case verdict::self:
    return dial_failure::self;
  case verdict::wrong_secret:
    return dial_failure::wrong_secret;
  case verdict::wrong_protocol:
    return dial_failure::wrong_protocol;
  case verdict::busy:
    return dial_failure::busy;
  case verdict::malformed:
    break;
  }
  return dial_failure::malformed;
}

error unavailable(std::string detail) {
  return {errc::unavailable, std::move(detail)};
}

} // namespace

// Everything but start(), dial() and stop() runs on the thread, or when there
// is none any more.
class gatekeeper::impl {
public:
  explicit impl(gatekeeper_config config);

  result<std::uint16_t> start(callbacks on);
  void dial(std::string address);
  void stop();
  const member& self() const noexcept { return setup_.self; }

private:
  using session_ptr = std::shared_ptr<gatekeeper_session>;
  using ending = gatekeeper_session::ending;

  /// An address that is being dialled: first the one part, then the other.
  struct dialling {
    std::shared_ptr<gatekeeper_dial> dial;
    session_ptr session;
  };

  result<std::uint16_t> listen();
  void run();
  void accept();
  void on_accept(error_code err, tcp::socket socket);
  void receive(tcp::socket socket);
  void on_received(session_ptr session, ending how);
  void begin_dial(const std::string& address);
  void on_connected(const std::string& address);
  void on_dialled(const std::string& address, session_ptr session, ending how);
  bool hand_over(gatekeeper_session& session, const std::string& dialled);
  session_ptr make_session(tcp::socket socket, handshake::role as);
  void end_dial(const std::string& address, dial_failure reason);

  gatekeeper_config config_;
  handshake_setup setup_;
  callbacks on_;
  asio::io_context io_{1};
  gatekeeper_names names_{io_};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer pause_{io_};
  /// In the order of their coming.
  std::vector<session_ptr> pending_;
  std::unordered_map<std::string, dialling> dials_;
  gatekeeper_warnings warnings_;
  std::mutex life_; // start() against stop()
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

gatekeeper::impl::impl(gatekeeper_config config) : config_{std::move(config)} {
  setup_.self = config_.self;
  setup_.protocol = config_.protocol;
  setup_.key = cluster_key(config_.secret);
  config_.secret.clear();
}

result<std::uint16_t> gatekeeper::impl::start(callbacks on) {
  std::lock_guard guard{life_};
  if (stopped_ || acceptor_.is_open())
    return unavailable("the gatekeeper starts only once");
  on_ = std::move(on);
  auto port = listen();
  if (!port)
    return port;
  if (setup_.self.address.empty())
    setup_.self.address = to_string(endpoint{config_.host, *port});
  error_code ignored;
  if (!is_valid(setup_.self)) {
    acceptor_.close(ignored);
    return unavailable("this node's origin, name or address is not valid");
  }
  accept();
  try {
    thread_ = std::thread{[this] { run(); }};
  } catch (const std::system_error& err) {
    acceptor_.close(ignored);
    return unavailable(std::string{"no thread: "} + err.what());
  }
  return port;
}

result<std::uint16_t> gatekeeper::impl::listen() {
  endpoint here{config_.host, config_.port};
  auto where = gatekeeper_names::system_lookup(here);
  if (where.empty())
    return unavailable("unknown cluster host " + config_.host);
  tcp::acceptor acceptor{io_};
  error_code err;
  acceptor.open(where.front().protocol(), err);
  if (!err)
    acceptor.set_option(tcp::acceptor::reuse_address{true}, err);
  if (!err)
    acceptor.bind(where.front(), err);
  if (!err)
    acceptor.listen(tcp::acceptor::max_listen_connections, err);
  if (err)
    return unavailable("cannot listen on " + to_string(here) + ": "
                       + err.message());
  acceptor_ = std::move(acceptor);
  return acceptor_.local_endpoint().port();
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
  error_code ignored;
  acceptor_.close(ignored);
  for (auto& session : pending_)
    session->close();
  for (auto& [address, entry] : dials_) {
    entry.dial->close();
    if (entry.session)
      entry.session->close();
  }
  pending_.clear();
  dials_.clear();
  // What has completed but was not handled may hold a socket just accepted.
  io_.restart();
  io_.poll();
}

void gatekeeper::impl::accept() {
  acceptor_.async_accept([this](error_code err, tcp::socket socket) {
    on_accept(err, std::move(socket));
  });
}

void gatekeeper::impl::on_accept(error_code err, tcp::socket socket) {
  if (stopped_)
    return;
  if (err && err != asio::error::connection_aborted) {
    // Most likely out of descriptors: trying again at once would only spin.
    warnings_.warn(gate_warning::accept_failed, "", err.message());
    pause_.expires_after(config_.accept_pause);
    pause_.async_wait([this](error_code cancelled) {
      if (!cancelled && !stopped_)
        accept();
    });
    return;
  }
  accept();
  if (!err)
    receive(std::move(socket));
}

void gatekeeper::impl::receive(tcp::socket socket) {
  // The oldest gives way: a peer is done within a few round trips, a silent
  // stranger would keep its place until the deadline.
  if (pending_.size() >= config_.pending_max) {
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

void gatekeeper::impl::on_received(session_ptr session, ending how) {
  std::erase(pending_, session);
  auto& talk = session->talk();
  if (how == ending::timed_out)
    warnings_.warn(gate_warning::silent, session->remote());
  if (how != ending::concluded)
    return session->close();
  if (auto warning = warning_of(talk.outcome()))
    warnings_.warn(*warning, session->remote());
  if (talk.outcome() == verdict::admitted)
    hand_over(*session, {});
  session->close();
  if (talk.outcome() == verdict::introduced)
    on_.on_introduced(talk.peer(), {});
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
                                  session_ptr session, ending how) {
  dials_.erase(address);
  auto& talk = session->talk();
  if (how == ending::concluded) {
    if (auto warning = warning_of(talk.outcome()))
      warnings_.warn(*warning, address);
    if (talk.outcome() == verdict::self && talk.peer() != setup_.self)
      warnings_.warn(gate_warning::shared_identity, address, talk.peer().name);
    if (talk.outcome() == verdict::admitted && hand_over(*session, address))
      return;
  }
  session->close();
  if (auto failure = failure_of(*session, how))
    on_.on_dial_failed(address, *failure);
  else
    on_.on_introduced(talk.peer(), address);
}

bool gatekeeper::impl::hand_over(gatekeeper_session& session,
                                 const std::string& dialled) {
  auto& talk = session.talk();
  admitted_peer admitted{session.release(), talk.peer(), talk.link_id(),
                         dialled};
  if (!admitted.socket)
    return false;
  on_.on_admitted(std::move(admitted));
  return true;
}

gatekeeper::impl::session_ptr
gatekeeper::impl::make_session(tcp::socket socket, handshake::role as) {
  return std::make_shared<gatekeeper_session>(
      std::move(socket), handshake{as, setup_, random_digest()});
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

const member& gatekeeper::self() const noexcept {
  return impl_->self();
}

} // namespace panal
