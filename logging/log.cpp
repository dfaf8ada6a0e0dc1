#include "logging/log.hpp"

#include "logging/format.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

namespace panal::log {

namespace {

/// What start() has set up; read by all threads, changed by none after it.
struct log_state {
  std::unique_ptr<spdlog::logger> logger;
  log_level least = log_level::info;
  log_format format = log_format::text;
  std::string node;
};

/// Never destroyed: a thread may still log while the process ends.
log_state& state() {
  static auto* instance = new log_state;
  return *instance;
}

spdlog::level::level_enum to_spdlog(log_level x) {
  switch (x) {
  case log_level::debug:
    return spdlog::level::debug;
  case log_level::info:
    return spdlog::level::info;
  case log_level::warning:
    return spdlog::level::warn;
  case log_level::error:
    break;
  }
  return spdlog::level::err;
}

void write(log_level level, std::string_view event, fields values) noexcept {
  auto& s = state();
  if (!s.logger || level < s.least)
    return;
  try {
    auto line = format_line(s.format, std::chrono::system_clock::now(), level,
                            event, s.node, values);
    s.logger->log(to_spdlog(level), spdlog::string_view_t{line});
  } catch (...) {
    // A line is lost when memory is gone; the one who logs must go on.
    return;
  }
}

} // namespace

void start(log_level level, log_format format, std::string_view node_id) {
  auto& s = state();
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  s.logger = std::make_unique<spdlog::logger>("panal", std::move(sink));
  s.logger->set_pattern("%v");
  s.logger->set_level(to_spdlog(level));
  s.least = level;
  s.format = format;
  s.node = node_id;
}

void debug(std::string_view event, fields values) {
  write(log_level::debug, event, values);
}

void info(std::string_view event, fields values) {
  write(log_level::info, event, values);
}

void warning(std::string_view event, fields values) {
  write(log_level::warning, event, values);
}

void error(std::string_view event, fields values) {
  write(log_level::error, event, values);
}

} // namespace panal::log
