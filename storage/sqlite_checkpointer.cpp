#include "storage/sqlite_checkpointer.hpp"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

namespace panal::sqlite {

namespace {

/// Which part of the log's length the committing thread moves itself: a long
/// log is a sign that passes do not get nearer to its end.
constexpr std::uint64_t rest_divisor = 8;

} // namespace

result<std::unique_ptr<checkpointer>> checkpointer::start(connection own,
                                                          log_bounds bounds) {
  try {
    return std::unique_ptr<checkpointer>{
        new checkpointer{std::move(own), bounds}};
  } catch (const std::system_error& none) {
    return error{errc::storage_failed,
                 std::string{"no thread for checkpoints: "} + none.what()};
  }
}

checkpointer::checkpointer(connection own, log_bounds bounds)
    : bounds_{bounds}, own_{std::move(own)} {
  thread_ = std::thread{[this] { run(); }};
}

checkpointer::~checkpointer() {
  {
    std::lock_guard lock{mutex_};
    phase_ = phase::ending;
  }
  changed_.notify_all();
  thread_.join();
}

void checkpointer::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [&] {
      return phase_ == phase::requested || phase_ == phase::ending;
    });
    if (phase_ == phase::ending)
      return;
    phase_ = phase::running;
    lock.unlock();
    auto pass = own_.checkpoint();
    if (pass.done && !own_.flush_database())
      pass = {false, 0, {errc::storage_failed, "flushing the database"}};
    lock.lock();
    last_ = std::move(pass);
    if (phase_ == phase::running)
      phase_ = phase::resting;
    changed_.notify_all();
  }
}

void checkpointer::request() {
  {
    std::lock_guard lock{mutex_};
    phase_ = phase::requested;
  }
  changed_.notify_all();
  pass_open_ = true;
  pass_outdated_ = false;
}

std::optional<log_pass> checkpointer::ended(bool wait) {
  std::unique_lock lock{mutex_};
  if (wait)
    changed_.wait(lock, [&] { return phase_ == phase::resting; });
  if (phase_ != phase::resting)
    return std::nullopt;
  return last_;
}

void checkpointer::finish(const connection& writer, std::uint64_t log_frames) {
  auto pass = writer.checkpoint();
  if (!pass.done)
    return failed(pass.why, log_frames);
  due_ = bounds_.frames_wanted;
  stuck_ = {};
}

void checkpointer::failed(const error& why, std::uint64_t log_frames) {
  due_ = log_frames + bounds_.frames_wanted;
  if (log_frames >= bounds_.frames_max)
    stuck_ = why;
  else
    due_ = std::min(due_, bounds_.frames_max);
}

result<void> checkpointer::empty(const connection& writer) {
  static_cast<void>(ended(true));
  pass_open_ = false;
  auto done = writer.empty_log();
  if (done) {
    log_frames_ = 0;
    due_ = bounds_.frames_wanted;
    stuck_ = {};
  }
  return done;
}

void checkpointer::after_commit(const connection& writer,
                                std::uint64_t log_frames) {
  if (log_frames < log_frames_) {
    pass_outdated_ = true;
    due_ = bounds_.frames_wanted;
  }
  log_frames_ = log_frames;
  if (log_frames < due_)
    return;
  auto too_long = log_frames >= bounds_.frames_max;
  if (!pass_open_)
    return too_long ? finish(writer, log_frames) : request();
  auto pass = ended(too_long);
  if (!pass)
    return;
  pass_open_ = false;
  if (!pass->done && !pass_outdated_)
    return failed(pass->why, log_frames);
  auto moved = pass_outdated_ ? 0 : std::min(pass->moved, log_frames);
  if (too_long || log_frames - moved <= log_frames / rest_divisor)
    finish(writer, log_frames);
  else
    request();
}

} // namespace panal::sqlite
