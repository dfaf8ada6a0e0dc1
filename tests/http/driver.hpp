#pragma once

// Drives a connection in memory: bytes in, bytes out, a std::map for a data
// set and clocks that move when they are told to.

#include "http/connection.hpp"
#include "storage/cluster_report.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace panal::http::test {

using namespace std::chrono_literals;

/// Answers operations the way a node does, without its machinery.
class fake_cache {
public:
  answer apply(const operation& op) {
    if (forced)
      return {.code = *forced, .value = {}};
    if (op.what == verb::report)
      return {.value = {}, .report = report};
    if (op.what == verb::forget)
      return {.code = members.erase(op.key) > 0 ? errc::ok : errc::not_found,
              .value = {}};
    if (op.what == verb::clear) {
      entries.clear();
      return done();
    }
    return apply_to_entry(op);
  }

  std::map<std::string, answer> entries;
  std::set<std::string> members;
  std::shared_ptr<const cluster_report> report;
  unix_ms now = 1'735'689'600'000; // 2025-01-01
  std::optional<errc> forced;
  /// What is told of each write.
  answer written{.value = {},
                 .at = {0x0194'1f29'7c00'0001, 0xab},
                 .reached = write_level::disk};

private:
  answer done() const { return written; }

  answer apply_to_entry(const operation& op) {
    const auto found = entries.find(op.key);
    if (op.what == verb::put) {
      if (found != entries.end() && found->second.version >= op.version)
        return {.code = errc::stale_version,
                .value = {},
                .version = found->second.version};
      entries[op.key] = {.value = op.value,
                         .version = op.version,
                         .expires_at =
                             op.ttl_ms == 0 ? never : now + op.ttl_ms};
      return done();
    }
    if (found == entries.end())
      return {.code = errc::not_found, .value = {}};
    if (found->second.expires_at <= now)
      return {.code = errc::expired, .value = {}};
    if (op.what == verb::get)
      return found->second;
    entries.erase(found);
    return done();
  }
};

/// See above.
class driver {
public:
  explicit driver(options o = {}, bool from_loopback = true)
      : opts{std::move(o)}, client{env, from_loopback, now} {}

  /// The client sends `bytes`; returns what it gets for them at once.
  std::string send(std::string_view bytes) {
    client.receive(bytes, now);
    return collect();
  }

  /// Sends the bytes one at a time.
  std::string send_slowly(std::string_view bytes) {
    std::string got;
    for (const char c : bytes)
      got += send({&c, 1});
    return got;
  }

  /// Time passes without bytes.
  std::string wait(std::chrono::milliseconds time) {
    now += time;
    client.check_deadlines(now);
    return collect();
  }

  /// Moves operations and bytes until nothing moves any more.
  std::string collect() {
    std::string got;
    for (bool moved = true; moved;) {
      moved = false;
      operation op;
      std::uint64_t ticket = 0;
      if (client.take_operation(op, ticket)) {
        ++operations;
        last_ticket = ticket;
        last = op;
        if (answering)
          client.answered(ticket, cache.apply(op), now);
        moved = true;
      }
      if (const std::string_view out = client.output();
          reading && !out.empty()) {
        ++writes;
        got += out;
        client.sent(out.size(), now);
        moved = true;
      }
    }
    return got;
  }

  options opts;
  manual_clock wall{1'735'689'600'000};
  node_gate gate;
  node_conditions conditions;
  node_view node{gate, conditions};
  environment env{opts, wall, node};
  connection::time_point now{1h};
  connection client;
  fake_cache cache;
  operation last;
  std::uint64_t last_ticket = 0;
  int operations = 0;
  int writes = 0;
  /// False: operations stay unanswered.
  bool answering = true;
  /// False: the client does not read.
  bool reading = true;
};

/// The status of the first answer in `text`; 0 when there is none.
inline int status_in(std::string_view text) {
  return text.starts_with("HTTP/1.1 ")
             ? std::stoi(std::string{text.substr(9, 3)})
             : 0;
}

/// The first answer's field `name`, written as it is sent; "" without it.
inline std::string field_in(std::string_view text, std::string_view name) {
  const auto head = text.substr(0, text.find("\r\n\r\n") + 2);
  const auto at = head.find("\r\n" + std::string{name} + ": ");
  if (at == std::string_view::npos)
    return {};
  const auto from = at + name.size() + 4;
  return std::string{head.substr(from, head.find("\r\n", from) - from)};
}

/// All that follows the first answer's header.
inline std::string body_in(std::string_view text) {
  const auto at = text.find("\r\n\r\n");
  return at == std::string_view::npos ? "" : std::string{text.substr(at + 4)};
}

inline std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + what.size()))
    ++n;
  return n;
}

inline std::string put_request(std::string_view key, std::string_view body) {
  return "PUT /cache/" + std::string{key}
         + " HTTP/1.1\r\nHost: a\r\nContent-Length: "
         + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

inline std::string request(std::string_view line,
                           std::string_view fields = {}) {
  return std::string{line} + " HTTP/1.1\r\nHost: a\r\n" + std::string{fields}
         + "\r\n";
}

/// What a fresh connection answers to `bytes`, and whether it then wants to
/// be closed. However the bytes are cut, the answer is the same: the caller's
/// test fails where it is not.
struct exchange {
  std::string text;
  bool closes = false;
  friend bool operator==(const exchange&, const exchange&) = default;
};

inline exchange ask_whole(std::string_view bytes, const options& opts = {}) {
  driver d{opts};
  auto text = d.send(bytes);
  return {std::move(text), d.client.should_shutdown() || d.client.closed()};
}

inline exchange ask_cut(std::string_view bytes, std::size_t at,
                        const options& opts = {}) {
  driver d{opts};
  auto text = d.send(bytes.substr(0, at));
  text += d.send(bytes.substr(at));
  return {std::move(text), d.client.should_shutdown() || d.client.closed()};
}

inline exchange ask_slowly(std::string_view bytes, const options& opts = {}) {
  driver d{opts};
  auto text = d.send_slowly(bytes);
  return {std::move(text), d.client.should_shutdown() || d.client.closed()};
}

/// Asks whole, byte by byte and cut in two at every place; an empty text when
/// the answers differ.
inline exchange ask(std::string_view bytes, const options& opts = {}) {
  auto whole = ask_whole(bytes, opts);
  if (ask_slowly(bytes, opts) != whole)
    return {"differs byte by byte", false};
  // Long requests are cut at some places only, spread over all of it.
  const auto step = std::max<std::size_t>(1, bytes.size() / 300);
  for (std::size_t at = 1; at < bytes.size(); at += step)
    if (ask_cut(bytes, at, opts) != whole)
      return {"differs when cut at " + std::to_string(at), false};
  return whole;
}

} // namespace panal::http::test
