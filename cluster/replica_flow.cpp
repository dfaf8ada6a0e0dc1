// How the replica's frames flow over the links: what may be large waits for
// credit, and what was cut is put together again.

#include "cluster/replica.hpp"

#include <algorithm>
#include <utility>

namespace panal {

void replica::start_flow(origin_id who, peer& to) {
  to.queue.reset();
  to.received = to.told_received = 0;
  to.owes_receipt = false;
  streams_.reset(who);
}

// What repair says may be large; changes go by the window.
void replica::send(origin_id who, std::string bytes) {
  auto& to = peer_of(who);
  const bool is_cut =
      may_be_cut(bytes) && bytes.size() > config_.flow.whole_bytes_max;
  if (!is_counted(bytes) && !is_cut)
    return port_.send(who, std::move(bytes));
  // What is left out is found again by a later round.
  if (to.linked && to.queue.push_repair(std::move(bytes)))
    drain(who, to);
}

void replica::drain(origin_id who, peer& to) {
  while (auto bytes = to.queue.next(now_))
    port_.send(who, std::move(*bytes));
}

void replica::send_anew(peer& to) {
  to.out.rewind();
  to.queue.drop_changes();
}

// -- receipts
// -----------------------------------------------------------------

void replica::count(origin_id from, peer& link, std::string_view bytes) {
  if (!is_counted(bytes))
    return;
  link.received += bytes.size();
  repair_.still_coming(from, now_);
  if (link.received - link.told_received >= config_.flow.receipt_bytes)
    tell_receipt(from, link);
}

void replica::tell_receipt(origin_id who, peer& to) {
  const auto& credit = to.queue.credit();
  to.told_received = to.received;
  to.owes_receipt = false;
  port_.send(who,
             encode(receipt_frame{credit.under_way() > 0 ? credit.sent() : 0,
                                  to.received}));
}

// By this it is also found out what was lost.
void replica::tell_receipts() {
  for (auto& [who, to] : peers_)
    if (to.linked
        && (to.owes_receipt || to.received != to.told_received
            || to.queue.credit().under_way() > 0))
      tell_receipt(who, to);
}

void replica::take_frame(origin_id from, peer& link, const receipt_frame& said,
                         moment now) {
  link.received = std::max(link.received, said.sent);
  link.owes_receipt = said.sent > 0;
  link.queue.received(said.received, now.steady);
  drain(from, link);
}

// -- streams
// ------------------------------------------------------------------

void replica::take_frame(origin_id from, peer&, const deferred_frame&, moment) {
  refuse_frame(from, "a deferred change outside a stream");
}

void replica::take_frame(origin_id from, peer& link, const piece_frame& said,
                         moment now) {
  if (!may_speak(from, link, now))
    return;
  const auto added = streams_.add(from, said);
  if (!added)
    return refuse_frame(from, added.error().detail);
  if (*added == reassembly::progress::whole)
    return stream_came(from, link, said.stream, now);
  // What is waited for will not be whole: the peer is to send it again.
  if (*added != reassembly::progress::unfinished
      && link.in.is_deferred(said.stream)) {
    link.in.forget_open();
    acknowledge(from, link, link.in.merged(), true);
  }
}

void replica::stream_came(origin_id from, peer& link, std::uint32_t stream,
                          moment now) {
  const auto bytes = streams_.take(from);
  const auto content = decode_stream(bytes);
  if (!content)
    return refuse_frame(from, content.error().detail);
  if (const auto* deferred = std::get_if<deferred_frame>(&*content))
    deferred_came(from, link, stream, *deferred);
  else if (const auto* fetched = std::get_if<fetched_frame>(&*content))
    take_frame(from, link, *fetched, now);
  else if (!refuses_line_in(from, *content))
    repair_.came(from, *content, bytes.size(), now.steady);
}

void replica::deferred_came(origin_id from, peer& link, std::uint32_t stream,
                            const deferred_frame& said) {
  const auto ticket = link.in.arrived(stream);
  if (!ticket)
    return; // of a frame that was given up
  remote_changes part{from, *ticket, {}};
  part.changes.push_back(
      {0, std::string{said.key}, std::string{said.entry}, from});
  port_.merge(shard_for(said.key), std::move(part));
}

} // namespace panal
