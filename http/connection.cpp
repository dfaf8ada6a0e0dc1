#include "http/connection.hpp"

#include <utility>

namespace panal::http {
namespace {

// How many bytes of a client that sent something wrong are passed over after
// its answer: closing at once would reset the connection and could destroy
// the answer on its way (RFC 9112, section 9.6).
constexpr std::size_t linger_bytes_max = std::size_t{16} << 20;

problem scan_problem(scan found) {
  switch (found) {
  case scan::request_line_too_long:
    return {.status = 414,
            .type = "request_line_too_long",
            .detail = "The request line is too long"};
  case scan::header_too_large:
    return {.status = 431,
            .type = "header_too_large",
            .detail = "The request's header is too large"};
  case scan::too_many_fields:
    return {.status = 431,
            .type = "header_too_large",
            .detail = "The request's header has too many fields"};
  default:
    return {.status = 400,
            .type = "bad_request",
            .detail = "The request's header is malformed"};
  }
}

} // namespace

connection::connection(environment& env, bool from_loopback, time_point now)
    : env_{env}, from_loopback_{from_loopback}, since_{now} {}

// -- input --------------------------------------------------------------------

void connection::receive(std::string_view bytes, time_point now) {
  if (phase_ == phase::closed)
    return;
  if (phase_ == phase::lingering) {
    drained_bytes_ += bytes.size();
    if (drained_bytes_ > linger_bytes_max && unsent() == 0)
      phase_ = phase::closed;
    return;
  }
  if (!pending().empty()) {
    in_.append(bytes);
    return resume(now);
  }
  // The usual case: whole requests are read where they came, without a copy.
  const auto used = read_requests(bytes, now);
  if (phase_ == phase::reading || phase_ == phase::waiting)
    in_.append(bytes.substr(used));
}

void connection::receive_end(time_point now) {
  input_ended_ = true;
  if (phase_ == phase::lingering && unsent() == 0)
    phase_ = phase::closed;
  resume(now);
}

bool connection::wants_bytes() const noexcept {
  if (phase_ == phase::closed || input_ended_)
    return false;
  if (phase_ == phase::lingering)
    return drained_bytes_ <= linger_bytes_max;
  if (phase_ == phase::waiting || unsent() >= buffered_bytes_max)
    return pending().size() < buffered_bytes_max;
  return true;
}

std::string_view connection::pending() const noexcept {
  return std::string_view{in_}.substr(in_start_);
}

void connection::consume(std::size_t n) {
  in_start_ += n;
  if (in_start_ == in_.size()) {
    release(in_, in_start_);
  } else if (in_start_ > buffered_bytes_max) {
    in_.erase(0, in_start_);
    in_start_ = 0;
  }
}

// Goes on with what waits in the input buffer.
void connection::resume(time_point now) {
  if (phase_ != phase::reading)
    return;
  if (!pending().empty())
    consume(read_requests(pending(), now));
  if (input_ended_ && phase_ == phase::reading
      && unsent() < buffered_bytes_max) {
    // What is left of the input will never be a whole request.
    clean_end_ = true;
    linger(now);
  }
}

// Reads requests from `data` for as long as they can be answered at once.
// Returns how many bytes are done with.
std::size_t connection::read_requests(std::string_view data, time_point now) {
  std::size_t used = 0;
  while (phase_ == phase::reading && used < data.size()
         && unsent() < buffered_bytes_max) {
    const auto n = read_request(data.substr(used), now);
    if (n == 0)
      break;
    used += n;
  }
  return used;
}

// Reads one request from the front of `data`; 0: it is not whole yet, or the
// connection is to be closed.
std::size_t connection::read_request(std::string_view data, time_point now) {
  if (!std::exchange(began_, true)) {
    since_ = now;
    scanner_ = {};
    head_only_ = false;
    http10_ = false;
  }
  if (!header_known_) {
    const auto found = scanner_.feed(data);
    if (found == scan::incomplete)
      return 0;
    if (found != scan::complete) {
      fail(scan_problem(found), now);
      return 0;
    }
  } else if (data.size() < header_bytes_ + body_bytes_) {
    return 0;
  }
  request_head head;
  head.from_loopback = from_loopback_;
  const auto header =
      data.substr(scanner_.begin(), scanner_.end() - scanner_.begin());
  const auto wrong = parse_head(header, head);
  head_only_ = head.verb == method::head;
  if (wrong) {
    fail(*wrong, now);
    return 0;
  }
  if (!header_known_ && !start_body(head, data.size(), now))
    return 0;
  const auto bytes = header_bytes_ + body_bytes_;
  begin_task(head, data.substr(header_bytes_, body_bytes_), now);
  return bytes;
}

// Notes what the header says. False: the body has not come in full, or never
// will be read.
bool connection::start_body(const request_head& head, std::size_t came,
                            time_point now) {
  if (head.body_bytes > env_.rules.body_bytes_max()) {
    fail({.status = 413,
          .type = "body_too_large",
          .detail = "The request's body is too large"},
         now);
    return false;
  }
  header_known_ = true;
  header_bytes_ = scanner_.end();
  body_bytes_ = static_cast<std::size_t>(head.body_bytes);
  keep_alive_ = head.keep_alive && head.verb != method::connect;
  http10_ = head.version == 10;
  since_ = now;
  if (came >= header_bytes_ + body_bytes_)
    return true;
  if (head.expect_continue && came == header_bytes_) {
    // The client waits: what the header tells already spares it the body.
    task todo;
    if (const auto wrong = env_.rules.read_head(head, todo))
      fail(*wrong, now);
    else
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
  }
  return false;
}

// -- answers ------------------------------------------------------------------

void connection::begin_task(const request_head& head, std::string_view body,
                            time_point now) {
  header_known_ = false;
  began_ = false;
  since_ = now;
  task_ = {};
  auto wrong = env_.rules.read_head(head, task_);
  if (!wrong)
    wrong = env_.rules.read_body(body, task_);
  if (wrong) {
    write_problem(out_, form(), *wrong);
  } else if (task_.what != task::kind::operation) {
    env_.rules.write_at_once(out_, form(), task_);
  } else {
    phase_ = phase::waiting;
    has_operation_ = true;
    ++ticket_;
    return;
  }
  finish_answer(now);
}

bool connection::take_operation(operation& op, std::uint64_t& ticket) {
  if (!std::exchange(has_operation_, false))
    return false;
  op = std::move(task_.op);
  ticket = ticket_;
  return true;
}

void connection::answered(std::uint64_t ticket, const answer& reply,
                          time_point now) {
  if (phase_ != phase::waiting || ticket != ticket_)
    return;
  env_.rules.write_answer(out_, form(), task_, reply);
  finish_answer(now);
  resume(now);
}

answer_form connection::form() const noexcept {
  const bool close = !keep_alive_ || draining_;
  return {.date_line = env_.date_line,
          .head_only = head_only_,
          .close = close,
          .say_keep_alive = http10_ && !close};
}

void connection::finish_answer(time_point now) {
  used_ = true;
  since_ = now;
  flush_ = false;
  phase_ = phase::reading;
  if (!keep_alive_ || draining_) {
    clean_end_ = !keep_alive_;
    linger(now);
  }
}

// Answers what cannot be understood, or not in full: nothing that follows it
// on this connection can be trusted to be a request.
void connection::fail(const problem& what, time_point now) {
  keep_alive_ = false;
  write_problem(out_, form(), what);
  linger(now);
}

void connection::refuse(time_point now) {
  fail({.status = 503,
        .type = "too_many_connections",
        .detail = "The node has too many connections"},
       now);
}

void connection::drain() {
  draining_ = true;
  if (idle())
    phase_ = phase::closed;
}

} // namespace panal::http
