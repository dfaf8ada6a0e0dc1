#pragma once
#include "config/options.hpp"
#include "storage/store.hpp"
#include <memory>
namespace panal {
struct sqlite_config { std::string directory; durability level; std::string node_name; };
struct sqlite_store { static result<std::unique_ptr<store>> open(const sqlite_config&) { return error{errc::storage_failed, "none"}; } };
}
