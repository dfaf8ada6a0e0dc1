#pragma once

// One log line is an event's name and named fields:
//   2026-01-01T00:00:00.000Z info serving node=node1 http=127.0.0.1:8001
// or, with the json format, one object a line. Field values are escaped, so
// that nothing from a client or a peer can forge a line.

#include "config/options.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace panal::log {

/// One named value of a log line.
struct field {
  std::string_view name;
  std::string value;
  bool is_number = false;

  field(std::string_view n, std::string_view v) : name{n}, value{v} {}
  field(std::string_view n, const std::string& v) : name{n}, value{v} {}
  field(std::string_view n, const char* v) : name{n}, value{v} {}
  template <class Integer>
  requires std::is_integral_v<Integer> field(std::string_view n, Integer v)
      : name{n}, value{std::to_string(v)}, is_number{true} {}
};

using fields = std::initializer_list<field>;

/// Sets up the process's log on standard error. Called once, by main, before
/// any thread starts; before that nothing is written.
void start(log_level level, log_format format, std::string_view node_id);

/// Error: we failed. Warning: a peer, client or the machine did. Thread-safe.
void debug(std::string_view event, fields values = {});
void info(std::string_view event, fields values = {});
void warning(std::string_view event, fields values = {});
void error(std::string_view event, fields values = {});

} // namespace panal::log
