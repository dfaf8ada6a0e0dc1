#pragma once

// The API's meaning: a request becomes one operation, an operation's answer
// becomes one response. Knows neither sockets nor buffers.

#include "config/options.hpp"
#include "http/node_view.hpp"
#include "http/problem.hpp"
#include "http/request_parser.hpp"
#include "http/response.hpp"
#include "http/routes.hpp"
#include "storage/clock.hpp"
#include "storage/operation.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace panal::http {

/// What is to be done for a request, once it was found to be in order.
struct task {
  enum class kind : std::uint8_t { operation, health, allowed_methods };
  kind what = kind::operation;
  /// operation: goes to the gateway, but for its numbers, which stay.
  operation op;
  /// allowed_methods: the answer's Allow.
  std::string_view allow;
  /// What the answer needs of the request. get: the client's If-None-Match,
  /// empty without one; forget: the member's name.
  std::string kept;
  /// report: the digest tree alone is asked for.
  bool is_digest = false;
};

/// The rules of the API for one server. Immutable: any thread may use it.
class api {
public:
  /// @param wall  outlives this object; judges whether a TTL is too long.
  /// @param node  outlives this object.
  api(const options& opts, const clock& wall, const node_view& node);

  /// Checks all that a request's header can tell: path, method, query, key,
  /// content type, and whether the client may ask for it. Fills `todo` but for
  /// what the body says.
  /// @return why the request is refused; else nothing.
  std::optional<problem> read_head(const request_head& head, task& todo) const;

  /// Reads the body of a request whose header was in order. Only a put looks
  /// at it: another method's body has no meaning and is passed over.
  std::optional<problem> read_body(std::string_view body, task& todo) const;

  /// Appends the answer to a `health` or `allowed_methods` task.
  void write_at_once(std::string& out, const answer_form& form,
                     const task& todo) const;

  /// Appends what became of `todo.op`.
  void write_answer(std::string& out, const answer_form& form, const task& todo,
                    const answer& reply) const;

  /// The most bytes of body that a request may have.
  std::size_t body_bytes_max() const noexcept { return body_bytes_max_; }

private:
  std::optional<problem> read_entry(const request_head& head, const route& to,
                                    task& todo) const;
  std::optional<problem> read_member(const request_head& head, const route& to,
                                     task& todo) const;
  void write_health(std::string& out, const answer_form& form) const;
  void write_report(std::string& out, const answer_form& form, const task& todo,
                    const answer& reply) const;
  void write_forgotten(std::string& out, const answer_form& form,
                       const task& todo) const;

  const clock& wall_;
  const node_view& node_;
  std::size_t key_bytes_max_;
  std::size_t value_bytes_max_;
  std::size_t body_bytes_max_;
  // Whole documents; a node's name, plain and as JSON, never changes.
  std::string stored_;
  std::string deleted_;
  std::string cleared_;
  std::string node_name_;
  std::string name_;
};

} // namespace panal::http
