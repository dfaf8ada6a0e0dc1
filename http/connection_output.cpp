#include "http/connection.hpp"

namespace panal::http {
namespace {

using namespace std::chrono_literals;

// For how long a client that sent something wrong is listened to.
constexpr auto linger_time_max = 2s;
// A body must come at this rate after its first second.
constexpr std::size_t body_bytes_per_second_min = 1024;
// Writes that wait for other members are answered with what was reached when
// their time is over; that answer gets this much longer to come.
constexpr auto answer_grace = 500ms;
// For how long answers wait for the answer of the next pipelined read.
constexpr auto gather_time_max = 50ms;

problem timeout_problem() {
  return {.status = 408,
          .type = "request_timeout",
          .detail = "The request did not come in time"};
}

} // namespace

// -- output -------------------------------------------------------------------

std::string_view connection::output() const noexcept {
  // Behind these answers another one is on its way: they can share a write.
  const bool gathering = phase_ == phase::waiting && !flush_
                         && task_.op.what == verb::get
                         && unsent() < kept_bytes_max;
  return gathering ? std::string_view{}
                   : std::string_view{out_}.substr(out_start_);
}

void connection::sent(std::size_t n, time_point now) {
  out_start_ += n;
  if (unsent() > 0) {
    if (!blocked_since_)
      blocked_since_ = now;
    return;
  }
  release(out_, out_start_);
  blocked_since_.reset();
  if (phase_ == phase::lingering && (clean_end_ || input_ended_))
    phase_ = phase::closed;
  resume(now);
}

void connection::release(std::string& buffer, std::size_t& start) {
  if (buffer.capacity() > kept_bytes_max)
    std::string{}.swap(buffer);
  else
    buffer.clear();
  start = 0;
}

void connection::linger(time_point now) {
  phase_ = phase::lingering;
  since_ = now;
  has_operation_ = false;
  std::string{}.swap(in_);
  in_start_ = 0;
  if (unsent() == 0 && (clean_end_ || input_ended_))
    phase_ = phase::closed;
}

bool connection::should_shutdown() const noexcept {
  return phase_ == phase::lingering && unsent() == 0 && !told_end_;
}

void connection::shut_down(time_point now) noexcept {
  told_end_ = true;
  since_ = now;
}

// -- time ---------------------------------------------------------------------

bool connection::idle() const noexcept {
  return phase_ == phase::reading && !began_ && pending().empty()
         && unsent() == 0;
}

void connection::check_deadlines(time_point now) {
  if (blocked_since_ && now - *blocked_since_ >= env_.opts.write_timeout) {
    phase_ = phase::closed;
    return;
  }
  switch (phase_) {
  case phase::reading:
    return check_reading(now);
  case phase::waiting:
    flush_ = flush_ || now - since_ >= gather_time_max;
    if (now - since_ < answer_patience())
      return;
    // The late answer's ticket will not be the current one.
    ++ticket_;
    has_operation_ = false;
    write_problem(out_, form(), problem_of(errc::deadline_exceeded));
    finish_answer(now);
    return resume(now);
  case phase::lingering:
    if (unsent() == 0 && now - since_ >= linger_time_max)
      phase_ = phase::closed;
    return;
  case phase::closed:
    return;
  }
}

std::chrono::milliseconds connection::answer_patience() const noexcept {
  const auto level = task_.op.level.value_or(write_level::memory);
  return level < write_level::quorum ? env_.opts.request_timeout
                                     : env_.opts.request_timeout + answer_grace;
}

void connection::check_reading(time_point now) {
  const auto waited = now - since_;
  if (header_known_) {
    if (body_is_late(now))
      fail(timeout_problem(), now);
  } else if (began_) {
    if (waited >= env_.opts.header_timeout)
      fail(timeout_problem(), now);
  } else if (idle()) {
    if (waited >= (used_ ? env_.opts.idle_timeout : env_.opts.header_timeout))
      phase_ = phase::closed;
  }
}

bool connection::body_is_late(time_point now) const {
  const auto waited = now - since_;
  if (waited >= env_.opts.body_timeout)
    return true;
  if (waited <= 1s)
    return false;
  const auto came = pending().size() - header_bytes_;
  const auto seconds = std::chrono::duration<double>(waited - 1s).count();
  return static_cast<double>(came)
         < seconds * static_cast<double>(body_bytes_per_second_min);
}

} // namespace panal::http
