#include "actors/reply_inbox.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace panal {

reply_inbox::reply_inbox(boost::asio::any_io_executor loop)
    : loop_{std::move(loop)} {
  // nop
}

void reply_inbox::deliver(std::vector<request_ptr> answered) {
  if (answered.empty())
    return;
  {
    const std::lock_guard guard{mutex_};
    const bool is_first = gathered_.empty();
    gathered_.insert(gathered_.end(), std::make_move_iterator(answered.begin()),
                     std::make_move_iterator(answered.end()));
    if (!is_first)
      return;
  }
  boost::asio::post(loop_, [self = shared_from_this()] { self->drain(); });
}

void reply_inbox::drain() {
  {
    const std::lock_guard guard{mutex_};
    std::swap(gathered_, draining_);
  }
  for (auto& done : draining_) {
    auto& item = static_cast<loop_request&>(*done);
    item.sink->on_answer(item.ticket, std::move(item.reply));
  }
  draining_.clear();
}

namespace {

const reply_inbox_ptr& home_of(const request_ptr& item) {
  return static_cast<const loop_request&>(*item).home;
}

} // namespace

// Most often all go to one loop.
void deliver_all(std::vector<request_ptr> answered) {
  while (!answered.empty()) {
    const auto home = home_of(answered.front());
    const auto is_at_home = [&](const auto& item) {
      return home_of(item) == home;
    };
    if (std::ranges::all_of(answered, is_at_home))
      return home->deliver(std::move(answered));
    const auto others =
        std::stable_partition(answered.begin(), answered.end(), is_at_home);
    std::vector<request_ptr> rest{std::make_move_iterator(others),
                                  std::make_move_iterator(answered.end())};
    answered.erase(others, answered.end());
    home->deliver(std::move(answered));
    answered = std::move(rest);
  }
}

operation_batch::operation_batch(reply_inbox_ptr home)
    : home_{std::move(home)} {
  // nop
}

operation_batch::~operation_batch() {
  std::vector<request_ptr> left;
  for (auto& item : requests)
    if (item)
      left.push_back(std::move(item));
  refuse_all(*home_, std::move(left), errc::unavailable);
}

void refuse_all(reply_inbox& home, std::vector<request_ptr> requests,
                errc code) {
  for (auto& item : requests) {
    item->reply = {};
    item->reply.code = code;
  }
  home.deliver(std::move(requests));
}

} // namespace panal
