#pragma once

// Writes answers straight into a connection's output buffer. Nothing is
// built first: status line and fields are fixed text, numbers are printed in
// place.

#include "http/problem.hpp"
#include "storage/operation.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace panal::http {

/// What the request and the moment say about the form of an answer.
struct answer_form {
  /// "Date: ...\r\n", kept up to date by the loop.
  std::string_view date_line;
  /// HEAD: the header of the GET, without its body.
  bool head_only = false;
  /// The connection ends with this answer.
  bool close = false;
  /// A client of HTTP/1.0 must be told that the connection stays.
  bool say_keep_alive = false;
};

/// 200 with the entry, its ETag, and its value byte for byte.
void write_entry(std::string& out, const answer_form& form,
                 const answer& entry);

/// 200, or another status, with a JSON document that is ready; Retry-After
/// with 503.
void write_json(std::string& out, const answer_form& form,
                std::string_view document, unsigned status = 200);

/// What became of a write that was carried out: `document`, an object, under
/// the write's stamp and the level that was reached. 202 when that is less
/// than `asked`; then, and where the members were asked, the document is
/// continued with what was reached.
void write_done(std::string& out, const answer_form& form,
                std::string_view document, const answer& done,
                std::optional<write_level> asked);

/// 304 for a client that holds `version`.
void write_not_modified(std::string& out, const answer_form& form,
                        std::int64_t version);

/// 204 with Allow, the answer to OPTIONS.
void write_allowed(std::string& out, const answer_form& form,
                   std::string_view methods);

/// The problem's status and document; WWW-Authenticate with 401, Allow with
/// 405, Retry-After with 503.
void write_problem(std::string& out, const answer_form& form,
                   const problem& what);

} // namespace panal::http
