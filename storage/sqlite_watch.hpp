#pragma once

// Notices when files that are held open are not what stands at their paths any
// more: removed, replaced, or gone with their directory. What is written to
// them then is lost with the process.

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace panal::sqlite {

/// Used by one thread.
class file_watch {
public:
  /// Watches what stands at `path` now; nothing, if nothing does.
  void add(std::string path);

  /// A path at which something else or nothing stands.
  std::optional<std::string> changed() const;

private:
  struct watched {
    std::string path;
    dev_t device;
    ino_t inode;
  };

  std::vector<watched> all_;
};

} // namespace panal::sqlite
