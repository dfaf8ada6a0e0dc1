// A seeded run of the SQLite store against the memory store, and of both
// against a map: whatever is asked, the answers are equal.

#include "tests/storage/store_support.hpp"

namespace panal::test {

namespace {

class random_run {
public:
  explicit random_run(std::uint64_t seed) : random_{seed} {}

  void step() {
    switch (below(12)) {
    default:
      return append();
    case 5:
    case 6:
      return fold();
    case 7:
    case 8:
      return read();
    case 9:
      return remember();
    case 10:
      return compare();
    case 11:
      if (below(8) == 0)
        return be_reborn();
      return below(4) == 0 ? disk_.reopen() : void();
    }
  }

  /// Everything at once.
  void compare() {
    CHECK(look(*disk_) == look(*memory_));
    CHECK(load(*disk_) == model_);
  }

private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::string bytes(std::size_t size) {
    std::string made(size, '\0');
    for (auto& byte : made)
      byte = static_cast<char>(random_());
    return made;
  }

  std::string entry() {
    switch (below(20)) {
    case 0:
      return bytes(1000 + below(30'000));
    case 1:
    case 2:
      return {};
    default:
      return bytes(1 + below(100));
    }
  }

  void append() {
    std::vector<change> made;
    auto last = disk_->last_position();
    for (auto n = below(20); n > 0; --n) {
      // 60 keys, NUL and high bytes in them.
      std::string key{"k\0\x80", below(4)};
      key += static_cast<char>(below(15) * 17);
      made.push_back({++last, key, entry(), below(3) == 0 ? random_() : 0});
      apply(model_, made.back().key, made.back().entry, last);
    }
    CHECK(disk_->append(made).has_value());
    CHECK(memory_->append(made).has_value());
    CHECK(disk_->last_position() == last);
    CHECK(disk_->journal_rows() == memory_->journal_rows());
  }

  void fold() {
    auto rows = below(80);
    CHECK(disk_->fold(rows)->folded == memory_->fold(rows)->folded);
    CHECK(disk_->journal_rows() == memory_->journal_rows());
  }

  void read() {
    auto after = below(disk_->last_position() + 2);
    read_limits limits{1 + below(40), below(4000)};
    CHECK(*disk_->read_after(after, limits)
          == *memory_->read_after(after, limits));
  }

  void remember() {
    auto peer = below(8) << 61 | 1;
    auto acknowledged = random_();
    member who{peer, bytes(below(9)), bytes(below(20)), below(2) == 0};
    auto which = static_cast<fact>(1 + below(5));
    auto file_under = below(3) == 0 ? own_change : peer;
    run_record met{1 + below(100), random_()};
    auto key = std::string(below(3), 'k');
    for (auto each : {&*disk_, &*memory_}) {
      CHECK(each->save_cursor(peer, acknowledged).has_value());
      CHECK((acknowledged % 3 == 0 ? each->remove_member(peer)
                                   : each->save_member(who))
                .has_value());
      CHECK(each->save_fact(which, acknowledged).has_value());
      CHECK(each->add_run(met, file_under).has_value());
      CHECK(each->remove_reissue(key).has_value());
    }
  }

  void be_reborn() {
    model_.clear();
    std::vector<change> kept;
    auto last = below(5);
    for (position at = 1; at <= last; ++at) {
      kept.push_back({at, bytes(3), bytes(1 + below(50)), 0});
      apply(model_, kept.back().key, kept.back().entry, at);
    }
    std::vector<reissue> again{{std::string(below(3), 'k'), entry()}};
    fact_map facts{{fact::rejoining, random_()}};
    auto origin = 1 + below(1000);
    CHECK(disk_->rebirth(origin, kept, again, facts).has_value());
    CHECK(memory_->rebirth(origin, kept, again, facts).has_value());
  }

  std::mt19937_64 random_;
  on_disk disk_;
  in_memory memory_{std::make_unique<memory_store>(disk_->origin())};
  data_set model_;
};

} // namespace

TEST_CASE("a random run gets the same answers from both stores") {
  for (auto round = 0; round < 8; ++round) {
    auto seed = draw_seed();
    CAPTURE(seed);
    random_run run{seed};
    for (auto i = 0; i < 400; ++i)
      run.step();
    run.compare();
  }
}

} // namespace panal::test
