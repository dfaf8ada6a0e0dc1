#pragma once

// The cluster's page of a real node, for tests to look things up in.

#include "tests/support/node.hpp"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <cstdint>
#include <memory>
#include <string>

namespace panal::test {

/// A node's page, or a member's part of it.
class page {
public:
  explicit page(const node& at) {
    const auto got = at.client().request("GET", "/api/v1/cluster");
    REQUIRE(got.status == 200);
    whole_->Parse(got.body.c_str());
    REQUIRE_FALSE(whole_->HasParseError());
    part_ = whole_.get();
  }

  /// What is said of a member; fails the test if it is not named once.
  page of(const std::string& member) const {
    page found{*this};
    std::size_t named = 0;
    for (const auto& who : (*part_)["members"].GetArray())
      if (member == who["name"].GetString()) {
        found.part_ = &who;
        ++named;
      }
    REQUIRE(named == 1);
    return found;
  }
  std::size_t members() const { return (*part_)["members"].Size(); }

  std::int64_t number(const char* name) const {
    return (*part_)[name].GetInt64();
  }
  /// Empty for null.
  std::string text(const char* name) const {
    const auto& said = (*part_)[name];
    return said.IsNull() ? std::string{} : said.GetString();
  }
  bool is_null(const char* name) const { return (*part_)[name].IsNull(); }

private:
  std::shared_ptr<rapidjson::Document> whole_ =
      std::make_shared<rapidjson::Document>();
  const rapidjson::Value* part_ = nullptr;
};

} // namespace panal::test
