#include "config/address.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace panal;

TEST_CASE("a host is a name, an IPv4 address or a bare IPv6 address") {
  for (const auto* text : {"localhost", "node-1.example.org", "cache_1", "a.b.",
                           "127.0.0.1", "0.0.0.0", "::1", "::", "fe80::1"})
    CHECK_MESSAGE(is_host(text), text);
  for (const auto* text : {"", " ", "a b", "[::1]", "a..b", ".", "-a", "a-",
                           "http://a", "a:1", "1::2::3", "caf\xc3\xa9", "a\n"})
    CHECK_MESSAGE(!is_host(text), text);
  CHECK(!is_host(std::string(64, 'a')));
  CHECK(!is_host(std::string("::1\0x", 5)));
}

TEST_CASE("a host is not a number that only a resolver takes for an address") {
  for (const auto* text : {"0", "127.1", "2130706433", "0x7f000001",
                           "1.2.3.256", "0.0.0.0.", "1.2.3.4.5", "a.1"})
    CHECK_MESSAGE(!is_host(text), text);
}

TEST_CASE("host:port is split at the port") {
  CHECK(parse_endpoint("localhost:1") == endpoint{"localhost", 1});
  CHECK(parse_endpoint("10.0.0.1:65535") == endpoint{"10.0.0.1", 65535});
  CHECK(parse_endpoint("[::1]:7001") == endpoint{"::1", 7001});
}

TEST_CASE("host:port is refused with a bad host, port or brackets") {
  for (const auto* text : {"",
                           ":",
                           "a",
                           "a:",
                           ":1",
                           "a:0",
                           "a:65536",
                           "a:99999999999999999999",
                           "a:-1",
                           "a:+1",
                           "a: 1",
                           "a:1x",
                           "::1:7001",
                           "[::1]",
                           "[::1]7001",
                           "[::1:7001",
                           "[]:1",
                           "[a]:1",
                           "[127.0.0.1]:1",
                           "a b:1",
                           "a:1:2",
                           "http://a:1"})
    CHECK_MESSAGE(!parse_endpoint(text), text);
}

TEST_CASE("an endpoint's text can be parsed again") {
  for (const auto* text : {"localhost:1", "[::1]:7001", "10.0.0.1:80"})
    CHECK(to_string(*parse_endpoint(text)) == text);
}

TEST_CASE("loopback is what only this machine reaches") {
  for (const auto* text :
       {"localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
    CHECK_MESSAGE(is_loopback(text), text);
  for (const auto* text : {"0.0.0.0", "::", "10.0.0.1", "128.0.0.1", "fe80::1",
                           "example.org", "127.0.0.1.example.org"})
    CHECK_MESSAGE(!is_loopback(text), text);
}

TEST_CASE("a wildcard is recognised however it is written") {
  for (const auto* text :
       {"0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::0.0.0.0", "::ffff:0.0.0.0"})
    CHECK_MESSAGE(is_wildcard(text), text);
  for (const auto* text : {"127.0.0.1", "::1", "localhost", "0.0.0.1"})
    CHECK_MESSAGE(!is_wildcard(text), text);
}
