#include "tests/support/http_client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <rapidjson/document.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace panal::test {

namespace {

constexpr std::size_t header_bytes_max = 64 * 1024;

sockaddr_in address_of(const endpoint& to) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = ::htons(to.port);
  if (::inet_pton(AF_INET, to.host.c_str(), &result.sin_addr) != 1)
    throw std::runtime_error{"not an IPv4 address: " + to.host};
  return result;
}

template <class Number>
bool parse_number(std::string_view text, Number& into) {
  auto end = text.data() + text.size();
  auto [last, error] = std::from_chars(text.data(), end, into);
  return error == std::errc{} && last == end;
}

std::string small_letters(std::string_view text) {
  std::string result{text};
  for (auto& letter : result)
    if (letter >= 'A' && letter <= 'Z')
      letter = static_cast<char>(letter - 'A' + 'a');
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  return text;
}

/// Reads status line and header fields. @return false if they are none.
bool parse_head(std::string_view head, response& into) {
  auto line_end = head.find("\r\n");
  auto line = head.substr(0, line_end);
  if (!line.starts_with("HTTP/1.") || line.size() < 12
      || !parse_number(line.substr(9, 3), into.status))
    return false;
  while (line_end != std::string_view::npos) {
    head.remove_prefix(line_end + 2);
    line_end = head.find("\r\n");
    line = head.substr(0, line_end);
    auto colon = line.find(':');
    if (colon != std::string_view::npos)
      into.headers[small_letters(line.substr(0, colon))] =
          trimmed(line.substr(colon + 1));
  }
  return true;
}

response failed(std::string why, bool was_sent) {
  response result;
  result.failure = std::move(why);
  result.was_sent = was_sent;
  return result;
}

/// Reads until `buffer` passes `enough`. @return what stopped it otherwise.
template <class Test>
std::string read_until(connection& from, std::string& buffer,
                       steady::time_point deadline, Test enough) {
  while (!enough()) {
    auto left =
        std::chrono::duration_cast<milliseconds>(deadline - steady::now());
    auto end = from.receive(buffer, std::max(left, milliseconds{0}));
    if (end != read_end::bytes)
      return end == read_end::closed ? "closed" : "timeout";
  }
  return {};
}

/// The value's text in a GET's body. It stands between the two literal
/// strings that our answers always have; so it comes out byte for byte.
void parse_entry(reply& into) {
  constexpr std::string_view before = "{\"value\":";
  constexpr std::string_view after = ",\"version\":";
  std::string_view body = into.raw.body;
  auto end = body.rfind(after);
  if (!body.starts_with(before) || end == std::string_view::npos)
    return;
  into.value = body.substr(before.size(), end - before.size());
  body.remove_prefix(end + after.size());
  parse_number(body.substr(0, body.find(',')), into.version);
  auto expiry = body.find("\"expires_at\":");
  if (expiry == std::string_view::npos)
    return;
  body.remove_prefix(expiry + 13);
  body = body.substr(0, body.find('}'));
  if (body.size() >= 2 && body.front() == '"')
    body = body.substr(1, body.size() - 2);
  into.expires_at = body;
}

void parse_problem(reply& into) {
  rapidjson::Document problem;
  problem.Parse(into.raw.body.c_str());
  if (!problem.IsObject())
    return;
  if (auto at = problem.FindMember("detail");
      at != problem.MemberEnd() && at->value.IsString())
    into.detail = at->value.GetString();
  if (auto at = problem.FindMember("current_version");
      at != problem.MemberEnd() && at->value.IsInt64())
    into.version = at->value.GetInt64();
}

reply to_reply(response raw, bool is_get) {
  reply result;
  result.status = raw.status;
  result.raw = std::move(raw);
  if (result.status == 200 && is_get)
    parse_entry(result);
  else if (result.status >= 400)
    parse_problem(result);
  return result;
}

} // namespace

std::string endpoint::str() const {
  return host + ":" + std::to_string(port);
}

endpoint endpoint::parse(std::string_view text) {
  endpoint result;
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos
      || !parse_number(text.substr(colon + 1), result.port))
    throw std::runtime_error{"not host:port: " + std::string{text}};
  result.host = text.substr(0, colon);
  return result;
}

std::optional<connection> connection::begin(const endpoint& to) {
  unique_fd fd{
      ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd)
    return std::nullopt;
  int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto address = address_of(to);
  // sockaddr is the C API's base "class": the cast is the documented way.
  auto started = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
                           sizeof address);
  if (started != 0 && errno != EINPROGRESS)
    return std::nullopt;
  return connection{std::move(fd)};
}

std::optional<connection> connection::open(const endpoint& to,
                                           milliseconds limit) {
  auto result = begin(to);
  int failure = 0;
  socklen_t size = sizeof failure;
  if (!result || !result->wait_for(POLLOUT, steady::now() + limit)
      || ::getsockopt(result->fd_.get(), SOL_SOCKET, SO_ERROR, &failure, &size)
             != 0
      || failure != 0)
    return std::nullopt;
  return result;
}

bool connection::wait_for(short events, steady::time_point deadline) const {
  for (;;) {
    auto left = std::chrono::ceil<milliseconds>(deadline - steady::now());
    pollfd entry{fd_.get(), events, 0};
    auto ready = ::poll(
        &entry, 1, static_cast<int>(std::max(left, milliseconds{0}).count()));
    if (ready > 0)
      return true;
    if (ready == 0 || errno != EINTR)
      return false;
  }
}

bool connection::send(std::string_view bytes, milliseconds limit) {
  auto deadline = steady::now() + limit;
  while (!bytes.empty()) {
    auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0)
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(POLLOUT, deadline))
        return false;
    } else if (errno != EINTR)
      return false;
  }
  return true;
}

read_end connection::receive(std::string& to, milliseconds limit) {
  auto deadline = steady::now() + limit;
  std::array<char, 16 * 1024> buffer{};
  for (;;) {
    auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
      to.append(buffer.data(), static_cast<std::size_t>(got));
      return read_end::bytes;
    }
    if (got == 0)
      return read_end::closed;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!wait_for(POLLIN, deadline))
        return read_end::timeout;
    } else if (errno != EINTR)
      return read_end::closed;
  }
}

connection::everything connection::receive_all(milliseconds limit) {
  everything result;
  auto deadline = steady::now() + limit;
  auto why = read_until(*this, result.bytes, deadline, [] { return false; });
  result.closed = why == "closed";
  return result;
}

bool connection::closed_by_peer(milliseconds limit) {
  std::string ignored;
  auto deadline = steady::now() + limit;
  for (;;) {
    auto left =
        std::chrono::duration_cast<milliseconds>(deadline - steady::now());
    switch (receive(ignored, std::max(left, milliseconds{0}))) {
    case read_end::closed:
      return true;
    case read_end::timeout:
      return false;
    case read_end::bytes:
      break;
    }
  }
}

void connection::finish_sending() {
  ::shutdown(fd_.get(), SHUT_WR);
}

std::string response::header(const std::string& name) const {
  auto at = headers.find(name);
  return at == headers.end() ? std::string{} : at->second;
}

response read_response(connection& from, std::string& buffer,
                       milliseconds limit) {
  auto deadline = steady::now() + limit;
  auto head_end = std::string::npos;
  auto stopped = read_until(from, buffer, deadline, [&] {
    head_end = buffer.find("\r\n\r\n");
    return head_end != std::string::npos || buffer.size() > header_bytes_max;
  });
  if (!stopped.empty())
    return failed(stopped, true);
  response result;
  if (head_end == std::string::npos
      || !parse_head(std::string_view{buffer}.substr(0, head_end), result))
    return failed("broken", true);
  buffer.erase(0, head_end + 4);
  if (result.status / 100 == 1 || result.status == 204)
    return result;
  std::size_t size = 0;
  if (!parse_number(result.header("content-length"), size))
    return failed("broken", true);
  stopped =
      read_until(from, buffer, deadline, [&] { return buffer.size() >= size; });
  if (!stopped.empty())
    return failed(stopped, true);
  result.body = buffer.substr(0, size);
  buffer.erase(0, size);
  return result;
}

bool reply::surely_not_done() const {
  // 503 and 504 leave it open: the answer may have been lost after the fact.
  return status == 0 ? !raw.was_sent : status / 100 == 4 || status == 507;
}

std::string describe(const reply& what) {
  std::ostringstream result;
  if (what.status == 0)
    result << "no answer (" << what.raw.failure << ")";
  else if (what.status == 200 && what.version >= 0)
    result << "200 " << what.value.substr(0, 60) << " version " << what.version
           << " expires " << what.expires_at;
  else
    result << what.status << " " << what.raw.body.substr(0, 200);
  return result.str();
}

response http_client::request(std::string_view method, std::string_view target,
                              std::string_view body,
                              std::string_view more_headers) {
  if (connection_ && connection_->closed_by_peer())
    disconnect();
  if (!connection_) {
    connection_ = connection::open(to_, timeout_);
    if (!connection_)
      return failed("connect", false);
  }
  if (!connection_->send(request_bytes(method, target, body, more_headers),
                         timeout_)) {
    disconnect();
    return failed("send", true);
  }
  auto result = read_response(*connection_, buffer_, timeout_);
  if (result.status == 0 || result.header("connection") == "close")
    disconnect();
  return result;
}

reply http_client::get(std::string_view key) {
  bool reused = connection_.has_value();
  auto answer = request("GET", target_of(key));
  if (reused && (answer.failure == "closed" || answer.failure == "send"))
    answer = request("GET", target_of(key));
  return to_reply(std::move(answer), true);
}

reply http_client::put(std::string_view key, std::string_view value,
                       std::int64_t version, std::int64_t ttl_ms) {
  auto body = put_body(value, version, ttl_ms);
  return to_reply(request("PUT", target_of(key), body), false);
}

reply http_client::remove(std::string_view key) {
  return to_reply(request("DELETE", target_of(key)), false);
}

void http_client::disconnect() {
  connection_.reset();
  buffer_.clear();
}

std::vector<reply> get_many(const endpoint& from,
                            const std::vector<std::string>& keys,
                            milliseconds timeout) {
  constexpr std::size_t in_flight_max = 32;
  std::vector<reply> result(keys.size());
  auto line = connection::open(from, timeout);
  std::string buffer;
  for (std::size_t first = 0; line && first < keys.size();
       first += in_flight_max) {
    auto end = std::min(first + in_flight_max, keys.size());
    std::string requests;
    for (auto i = first; i < end; ++i)
      requests += request_bytes("GET", target_of(keys[i]));
    if (!line->send(requests, timeout))
      break;
    for (auto i = first; i < end; ++i) {
      result[i] = to_reply(read_response(*line, buffer, timeout), true);
      if (result[i].status == 0)
        return result;
    }
  }
  return result;
}

std::string target_of(std::string_view key) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  std::string result = "/cache/";
  for (char letter : key) {
    auto byte = static_cast<unsigned char>(letter);
    if (plain.find(letter) != std::string_view::npos)
      result += letter;
    else
      (result += '%').append({digits[byte >> 4], digits[byte & 15]});
  }
  return result;
}

std::string put_body(std::string_view value, std::int64_t version,
                     std::int64_t ttl_ms) {
  auto result = "{\"value\":" + std::string{value}
                + ",\"version\":" + std::to_string(version);
  if (ttl_ms != 0)
    result += ",\"ttl_ms\":" + std::to_string(ttl_ms);
  return result + "}";
}

std::string request_bytes(std::string_view method, std::string_view target,
                          std::string_view body,
                          std::string_view more_headers) {
  std::string result;
  result.append(method).append(" ").append(target);
  result += " HTTP/1.1\r\nHost: panal.test\r\n";
  if (method == "PUT" || method == "POST" || !body.empty())
    result += "Content-Type: application/json\r\nContent-Length: "
              + std::to_string(body.size()) + "\r\n";
  result.append(more_headers).append("\r\n").append(body);
  return result;
}

} // namespace panal::test
