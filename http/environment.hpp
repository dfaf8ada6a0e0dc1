#pragma once

#include "config/options.hpp"
#include "http/api.hpp"
#include "storage/clock.hpp"

#include <string>

namespace panal::http {

/// What the connections of one loop share. Used on its thread only.
class environment {
public:
  /// @param opts, wall, node  outlive this object.
  environment(const options& opts, const clock& wall, const node_view& node);

  /// Renews the Date of answers. Called about four times a second.
  void refresh();

  const options& opts;
  const api rules;
  std::string date_line;

private:
  const clock& wall_;
  unix_ms second_ = -1;
};

} // namespace panal::http
