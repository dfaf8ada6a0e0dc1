// A whole connection, from bytes to operations and answers. What is cut
// anywhere is answered alike; what is refused ends the connection's requests;
// output has a bound; a client that has ended is gone after its deadlines.
//
// The last byte says how many bytes before it are the script: how the input is
// cut, or, in the rougher game, what happens between its pieces.

#include "fuzz/input.hpp"
#include "fuzz/text.hpp"
#include "http/connection.hpp"
#include "http/key.hpp"
#include "storage/cluster_report.hpp"

#include <algorithm>
#include <memory>
#include <string>

using namespace panal;
using namespace panal::fuzz;
using namespace panal::http;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view canary = "GET /_health HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::size_t key_bytes_max = 64;
constexpr std::size_t value_bytes_max = 256;
// "GET / HTTP/1.0" and an empty line: fewer bytes make no request. No answer
// of these sizes has more.
constexpr std::size_t request_bytes_min = 18;
constexpr std::size_t answer_bytes_max = 2048;

std::size_t answers_bytes_max(std::size_t input_bytes) {
  return answer_bytes_max * (2 + input_bytes / request_bytes_min);
}

environment& shared() {
  static const options opts{.max_value_bytes = value_bytes_max,
                            .max_key_bytes = key_bytes_max};
  static const manual_clock wall{1'735'689'600'000};
  static const node_gate gate;
  static const node_conditions conditions;
  static const node_view node{gate, conditions, [](std::string_view token) {
                                return token == "honey";
                              }};
  static environment env{opts, wall, node};
  return env;
}

/// A client, and a cache that answers each key in its own way.
class driver {
public:
  void send(std::string_view bytes) {
    const bool was_over = over();
    const auto before = text.size() + unread();
    const auto operations_before = operations;
    client.receive(bytes, now);
    collect();
    // Nothing after an error, or after the last request, is ever parsed.
    if (was_over)
      PANAL_HOLDS(text.size() + unread() <= before
                  && operations == operations_before);
  }

  /// Sends it cut by `cuts`; what then is left, whole.
  void send_cut(std::string_view bytes, std::string_view cuts) {
    for (const char c : cuts) {
      const auto part = bytes.substr(0, 1 + static_cast<unsigned char>(c));
      bytes.remove_prefix(part.size());
      send(part);
    }
    send(bytes);
  }

  void collect() {
    for (bool moved = true; moved;) {
      moved = false;
      operation op;
      std::uint64_t ticket = 0;
      if (client.take_operation(op, ticket)) {
        check_operation(op);
        ++operations;
        last = op;
        last_ticket = ticket;
        if (answering)
          client.answered(ticket, answer_to(op), now);
        moved = true;
      }
      const auto out = client.output();
      if (reading && !out.empty()) {
        text += out;
        client.sent(out.size(), now);
        moved = true;
      } else if (!out.empty()) {
        client.sent(0, now);
      }
    }
  }

  /// The connection takes no more requests.
  bool over() const { return client.closed() || client.should_shutdown(); }
  std::size_t unread() const { return client.output().size(); }

  static answer answer_to(const operation& op) {
    static const auto report = std::make_shared<const cluster_report>();
    if (op.what == verb::report)
      return {.value = {}, .report = report};
    switch (op.key.size() % 4) {
    case 0:
      return {.code = errc::not_found, .value = {}};
    case 1:
      return {.code = errc::ok, .value = R"({"a":1})", .version = 7};
    case 2:
      return {.code = errc::stale_version, .value = {}, .version = 9};
    default:
      return {.code = errc::ok,
              .value = "1",
              .version = 1,
              .expires_at = 1'735'689'600'001};
    }
  }

  connection::time_point now{1h};
  connection client{shared(), true, now};
  std::string text;
  operation last;
  std::uint64_t last_ticket = 0;
  std::size_t operations = 0;
  bool answering = true;
  bool reading = true;

private:
  static void check_operation(const operation& op) {
    const bool is_keyless = op.what == verb::clear || op.what == verb::report;
    PANAL_HOLDS(op.key.empty() == is_keyless);
    PANAL_HOLDS(op.key.size() <= key_bytes_max);
    PANAL_HOLDS(is_utf8(op.key));
    PANAL_HOLDS(op.value.size() <= value_bytes_max && is_utf8(op.value));
    PANAL_HOLDS(op.version >= 0 && op.ttl_ms >= 0);
    PANAL_HOLDS((op.what == verb::put) == !op.value.empty());
  }
};

/// Answers only, and nothing behind one that closes: in bodies no CR stands.
void check_answers(const driver& d, std::size_t input_bytes) {
  PANAL_HOLDS(d.text.size() <= answers_bytes_max(input_bytes));
  PANAL_HOLDS(d.text.empty() || d.text.starts_with("HTTP/1.1 "));
  const auto closes = d.text.find("\r\nConnection: close\r\n");
  if (closes == std::string::npos)
    return;
  PANAL_HOLDS(d.over());
  const auto end = d.text.find("\r\n\r\n", closes);
  PANAL_HOLDS(end != std::string::npos);
  PANAL_HOLDS(d.text.find('\r', end + 4) == std::string::npos);
}

/// Where a client may wait for 100 Continue the cut matters.
bool may_wait(std::string_view bytes) {
  return lower(bytes).find("expect") != std::string::npos;
}

void play_cuts(std::string_view bytes, std::string_view cuts) {
  driver whole;
  whole.send(bytes);
  check_answers(whole, bytes.size());
  driver cut;
  cut.send_cut(bytes, cuts);
  check_answers(cut, bytes.size());
  if (!may_wait(bytes)) {
    PANAL_HOLDS(whole.text == cut.text);
    PANAL_HOLDS(whole.operations == cut.operations);
    PANAL_HOLDS(whole.over() == cut.over());
  }
  whole.send(canary);
  check_answers(whole, bytes.size() + canary.size());
}

/// One step of the rougher game: time, silence, late and repeated answers.
void step(driver& d, unsigned char what) {
  switch (what % 8U) {
  case 0:
    d.now += 1ms * (what / 8U);
    break;
  case 1:
    d.now += 1s * (what / 8U);
    break;
  case 2:
    d.reading = !d.reading;
    break;
  case 3:
    d.answering = !d.answering;
    break;
  case 4:
    d.client.answered(d.last_ticket + what / 64U, driver::answer_to(d.last),
                      d.now);
    break;
  case 5:
    if (d.client.should_shutdown())
      d.client.shut_down(d.now);
    break;
  case 6:
    if (what >= 0xc0)
      d.client.drain();
    else if (const auto n = d.client.output().size(); n > 1)
      d.client.sent(n / 2, d.now);
    break;
  default:
    break;
  }
  d.client.check_deadlines(d.now);
  d.collect();
}

void play_rough(std::string_view bytes, std::string_view script) {
  // Requests that nobody answers wait one after the other.
  const auto requests_max = bytes.size() / request_bytes_min;
  driver d;
  if (script.starts_with('\xff'))
    d.client.refuse(d.now);
  const auto piece = 1 + bytes.size() / (script.size() + 1);
  for (const char what : script) {
    if (d.client.wants_bytes()) {
      d.send(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    step(d, static_cast<unsigned char>(what));
  }
  if (d.client.wants_bytes())
    d.send(bytes);
  PANAL_HOLDS(d.unread() + d.text.size() <= answers_bytes_max(64 * 1024));
  // Whatever happened: a client that has ended is gone after all deadlines.
  d.client.receive_end(d.now);
  for (std::size_t i = 0; i < 4 + requests_max && !d.client.closed(); ++i) {
    d.now += 61s;
    d.client.check_deadlines(d.now);
    d.collect();
  }
  PANAL_HOLDS(d.client.closed());
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const auto choice = in.byte();
  const std::size_t script_bytes = choice % 32U;
  const auto all = in.rest();
  const auto bytes =
      all.substr(0, all.size() - std::min(all.size(), script_bytes));
  const auto script = all.substr(bytes.size());
  if (choice < 0x80)
    play_cuts(bytes, script);
  else
    play_rough(bytes, script);
  return 0;
}
