#include "driver.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <vector>

using namespace panal;
using namespace panal::http::test;

namespace {

// The seed is printed with a failure; PANAL_SEED repeats it.
std::uint32_t choose_seed() {
  const char* set = std::getenv("PANAL_SEED");
  return set == nullptr ? std::random_device{}()
                        : static_cast<std::uint32_t>(std::atoll(set));
}

const std::vector<std::string> seeds{
    request("GET /cache/abc%20d"),
    put_request("k",
                R"({"value":{"a":[1,2.5e3,"x\n"]},"version":7,"ttl_ms":9})"),
    request("DELETE /cache/k", "Content-Length: 3\r\n") + "abc",
    request("GET /_health", "If-None-Match: \"1\"\r\nConnection: close\r\n"),
    request("OPTIONS *") + request("HEAD /cache/k"),
    request("PUT /cache/k", "Transfer-Encoding: chunked\r\n"),
    put_request("k?durability=quorum", R"({"value":1,"version":1})"),
    request("DELETE /cache?durability=all") + request("GET /api/v1/cluster"),
    request("DELETE /api/v1/cluster/members/a%20b",
            "Authorization: Bearer 0123456789abcdef\r\n"),
};

std::string mutate(std::string bytes, std::mt19937& random) {
  const std::string_view spice = "\r\n\0 :/%\"{}[],0-\\\x7f\xff";
  for (auto n = random() % 8; n-- > 0 && !bytes.empty();) {
    const auto at = random() % bytes.size();
    switch (random() % 4) {
    case 0:
      bytes[at] = static_cast<char>(random());
      break;
    case 1:
      bytes.erase(at, 1 + random() % 5);
      break;
    case 2:
      bytes.insert(at, 1, spice[random() % spice.size()]);
      break;
    default:
      bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 20));
    }
  }
  return bytes;
}

// However the bytes are cut, the same is answered. Where a client waits for
// 100 Continue the cut matters, so that no seed has an Expect.
void check_cuts(const std::string& bytes, std::mt19937& random) {
  const auto whole = ask_whole(bytes);
  CHECK(ask_slowly(bytes) == whole);
  CHECK(ask_cut(bytes, random() % (bytes.size() + 1)) == whole);
}

} // namespace

TEST_CASE("mutated requests crash nothing and are cut anywhere") {
  const auto seed = choose_seed();
  CAPTURE(seed);
  std::mt19937 random{seed};
  for (int i = 0; i < 5'000; ++i) {
    auto bytes = mutate(seeds[random() % seeds.size()], random);
    bytes += seeds[random() % seeds.size()];
    CAPTURE(bytes);
    check_cuts(bytes, random);
  }
}

TEST_CASE("random bytes crash nothing and never reach the cache") {
  const auto seed = choose_seed();
  CAPTURE(seed);
  std::mt19937 random{seed};
  for (int i = 0; i < 3'000; ++i) {
    std::string bytes(random() % 300, '\0');
    for (auto& c : bytes)
      c = static_cast<char>(random());
    driver d;
    d.send(bytes);
    CHECK(d.operations == 0);
    d.client.receive_end(d.now);
    d.collect();
    CHECK(d.client.closed());
  }
}

TEST_CASE("a stream of requests comes out whole, whatever the reads hold") {
  const auto seed = choose_seed();
  CAPTURE(seed);
  std::mt19937 random{seed};
  std::string bytes;
  for (int i = 0; i < 500; ++i)
    bytes += i % 3 == 0 ? put_request("k" + std::to_string(i % 7),
                                      R"({"version":)" + std::to_string(i)
                                          + R"(,"value":"v"})")
                        : request("GET /cache/k" + std::to_string(i % 7));
  driver d;
  std::string got;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto n = 1 + random() % 400;
    got += d.send(std::string_view{bytes}.substr(at, n));
    at += n;
  }
  CHECK(count_of(got, "HTTP/1.1 ") == 500);
  CHECK(got == ask_whole(bytes).text);
}
