#include "driver.hpp"

#include <doctest/doctest.h>

using namespace panal;
using namespace panal::http::test;

namespace {

cluster_report small_report() {
  cluster_report r;
  r.node = "node1";
  r.cluster = "hive";
  r.origin = 0x0123'4567'89ab'cdef;
  r.run = 7;
  r.last = 12;
  r.keys = 3;
  r.digest_root = ~std::uint64_t{0};
  r.digest_children.assign(64, 0);
  r.digest_children[63] = 0xff;
  return r;
}

member_report member_named(std::string name) {
  member_report who;
  who.origin = 0xbee;
  who.name = std::move(name);
  who.address = "127.0.0.1:7002";
  return who;
}

std::string page_of(driver& d, cluster_report r,
                    std::string_view path = "/api/v1/cluster") {
  d.cache.report = std::make_shared<const cluster_report>(std::move(r));
  const auto got = d.send(request("GET " + std::string{path}));
  CHECK(status_in(got) == 200);
  CHECK(field_in(got, "Content-Type") == "application/json");
  CHECK(field_in(got, "Content-Length") == std::to_string(body_in(got).size()));
  return body_in(got);
}

bool says(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string forget(driver& d, std::string_view name,
                   std::string_view fields = {}) {
  return d.send("DELETE /api/v1/cluster/members/" + std::string{name}
                + " HTTP/1.1\r\nHost: localhost:8080\r\n" + std::string{fields}
                + "\r\n");
}

// A node whose secret is "correct horse".
void give_secret(driver& d) {
  d.node.is_secret = [](std::string_view token) {
    return token == "correct horse";
  };
  d.cache.members = {"node2"};
}

} // namespace

TEST_CASE("the cluster's page of a node alone") {
  driver d;
  CHECK(
      page_of(d, small_report())
      == R"({"node":"node1","cluster":"hive","origin":"0123456789abcdef",)"
         R"("run":"0000000000000007","identity":null,"status":"ok",)"
         R"("reasons":[],"figures":{},)"
         R"("last":12,"keys":3,)"
         R"("line":null,"line_at":null,"line_age_ms":0,)"
         R"("line_blocked_by":null,"line_blocked_why":null,"tombstones":0,)"
         R"("cleared":null,"cleared_at":null,)"
         R"("digest_root":"ffffffffffffffff","clock_from_median_ms":0,)"
         R"("counters":{"set_aside":0,"refused_below_line":0,)"
         R"("frames_refused":0,"lines_refused":0,"repair_rounds":0,)"
         R"("repair_differences":0,)"
         R"("repaired_keys":0,"reissued":0,"reissue_refused":0},)"
         R"("members":[]})");
  CHECK(d.last.what == verb::report);
  CHECK(d.last.key.empty());
}

TEST_CASE("the cluster's page shows what is known of members") {
  auto r = small_report();
  r.members = {member_named("node1"), member_named("node2")};
  r.members[0].state = member_state::self;
  auto& other = r.members[1];
  other.state = member_state::linked;
  other.acknowledged = 10;
  other.lag_changes = 2;
  other.lag_ms = 35;
  other.merged = 18'446'744'073'709'551'615u;
  other.clock_offset_ms = -1'500;
  other.in_sync_at = 1'735'689'600'250;
  driver d;
  const auto page = page_of(d, r);
  CHECK(says(page,
             R"({"name":"node2","origin":"0000000000000bee",)"
             R"("address":"127.0.0.1:7002","state":"linked","acknowledged":10,)"
             R"("lag_changes":2,"lag_ms":35,"merged":18446744073709551615,)"
             R"("clock_offset_ms":-1500,)"
             R"("in_sync_at":"2025-01-01T00:00:00.250000"})"));
  CHECK(says(page, R"("state":"self","acknowledged":0,"lag_changes":0,)"
                   R"("lag_ms":0,"merged":0,"clock_offset_ms":null,)"
                   R"("in_sync_at":null},{"name":"node2")"));
}

TEST_CASE("the cluster's page shows the line, clear-all and counters") {
  auto r = small_report();
  r.status = "clock_unsafe";
  r.identity = {hlc_at(1'735'689'600'002), 0xabc};
  r.line = hlc_at(1'735'689'600'000) + 5;
  r.line_age_ms = 1'234;
  r.line_blocked_by = "node3";
  r.line_blocked_why = "unreachable";
  r.tombstones = 9;
  r.cleared = {hlc_at(1'735'689'600'001), 0xbee};
  r.clock_from_median_ms = -70'000;
  r.set_aside = 1;
  r.refused_below_line = 2;
  r.frames_refused = 3;
  r.lines_refused = 9;
  r.repair_rounds = 4;
  r.repair_differences = 5;
  r.repaired_keys = 6;
  r.reissued = 7;
  r.reissue_refused = 8;
  driver d;
  const auto page = page_of(d, r);
  CHECK(says(page, R"("status":"clock_unsafe")"));
  CHECK(says(page, R"("identity":{"id":"0000000000000abc",)"
                   R"("born_at":"2025-01-01T00:00:00.002000"})"));
  CHECK(says(page, R"("line":"01941f297c000005",)"
                   R"("line_at":"2025-01-01T00:00:00.000000",)"
                   R"("line_age_ms":1234,"line_blocked_by":"node3",)"
                   R"("line_blocked_why":"unreachable","tombstones":9,)"
                   R"("cleared":"01941f297c010000-0000000000000bee",)"
                   R"("cleared_at":"2025-01-01T00:00:00.001000")"));
  CHECK(says(page, R"("clock_from_median_ms":-70000,)"
                   R"("counters":{"set_aside":1,"refused_below_line":2,)"
                   R"("frames_refused":3,"lines_refused":9,"repair_rounds":4,)"
                   R"("repair_differences":5,"repaired_keys":6,"reissued":7,)"
                   R"("reissue_refused":8})"));
}

TEST_CASE("names are escaped, and moments beyond the year 9999 left out") {
  auto r = small_report();
  r.members = {member_named("a\"}],\"x\":\n<script>")};
  r.members[0].in_sync_at = never;
  r.cleared = {~std::uint64_t{0}, 1};
  driver d;
  const auto page = page_of(d, r);
  CHECK(says(page, R"("name":"a\"}],\"x\":\u000a<script>")"));
  CHECK(says(page, R"("in_sync_at":null)"));
  CHECK(says(page, R"("cleared":"ffffffffffffffff-0000000000000001",)"
                   R"("cleared_at":null)"));
}

TEST_CASE("the digest's page shows the root and what is below it") {
  driver d;
  const auto page = page_of(d, small_report(), "/api/v1/cluster/digest");
  CHECK(page.starts_with(R"({"node":"node1","root":"ffffffffffffffff",)"
                         R"("children":["0000000000000000",)"));
  CHECK(page.ends_with(R"("0000000000000000","00000000000000ff"],"keys":3})"));
  CHECK(count_of(page, "\"00000000000000") == 64);
  auto bare = small_report();
  bare.digest_children.clear();
  CHECK(says(page_of(d, bare, "/api/v1/cluster/digest"), R"("children":[])"));
}

TEST_CASE("the cluster's pages can only be read") {
  driver d;
  for (const std::string path : {"/api/v1/cluster", "/api/v1/cluster/digest"}) {
    const auto page = page_of(d, small_report(), path);
    const auto head = d.send(request("HEAD " + path));
    CHECK(field_in(head, "Content-Length") == std::to_string(page.size()));
    CHECK(body_in(head).empty());
    for (const auto* verb : {"PUT", "DELETE", "POST"}) {
      const auto got = d.send(request(std::string{verb} + ' ' + path));
      CHECK(status_in(got) == 405);
      CHECK(field_in(got, "Allow") == "GET, HEAD, OPTIONS");
    }
    CHECK(status_in(d.send(request("OPTIONS " + path))) == 204);
  }
  for (const auto* path :
       {"/api/v1/cluster/", "/api/v1/clusters", "/api/v1/cluster/digest/",
        "/api/v1/cluster/members", "/api/v1", "/api/v1/CLUSTER"})
    CHECK(status_in(d.send(request("GET " + std::string{path}))) == 404);
}

TEST_CASE("a node that cannot report says so") {
  driver d;
  CHECK(status_in(d.send(request("GET /api/v1/cluster"))) == 503);
  d.cache.forced = errc::unavailable;
  const auto got = d.send(request("GET /api/v1/cluster/digest"));
  CHECK(status_in(got) == 503);
  CHECK(field_in(got, "Retry-After") == "1");
}

TEST_CASE("a member is forgotten by its name") {
  driver d;
  d.cache.members = {"node2"};
  const auto got = forget(d, "node2");
  CHECK(status_in(got) == 200);
  CHECK(body_in(got)
        == R"({"status":"forgotten","member":"node2","node":"node1"})");
  CHECK(d.last.what == verb::forget);
  CHECK(d.last.key == "node2");
  const auto again = forget(d, "node2");
  CHECK(status_in(again) == 404);
  CHECK(says(again, "No member has this name"));
}

TEST_CASE("a member that is linked is not forgotten") {
  driver d;
  d.cache.forced = errc::conflict;
  const auto got = forget(d, "node2");
  CHECK(status_in(got) == 409);
  CHECK(says(got, R"(urn:panal:problem:conflict)"));
  CHECK(says(got, "The member is linked, or is this node itself"));
}

TEST_CASE("a path without a member's name gets 400, and 405 but for DELETE") {
  driver d;
  for (const auto& name :
       {std::string{}, std::string{"%zz"}, std::string{"a%0ab"},
        std::string{"%ff"}, std::string(65, 'n')})
    CHECK(status_in(forget(d, name)) == 400);
  CHECK(d.operations == 0);
  for (const auto* verb : {"GET", "HEAD", "PUT", "POST"}) {
    const auto got =
        d.send(request(std::string{verb} + " /api/v1/cluster/members/node2"));
    CHECK(status_in(got) == 405);
    CHECK(field_in(got, "Allow") == "DELETE, OPTIONS");
  }
}

TEST_CASE("with a secret, a member is forgotten for who knows it") {
  for (const auto* fields : {"Authorization: Bearer correct horse\r\n",
                             "authorization: bearer   correct horse  \r\n",
                             "AUTHORIZATION: BEARER correct horse\r\n"}) {
    driver far{{}, false};
    give_secret(far);
    CHECK(status_in(forget(far, "node2", fields)) == 200);
  }
}

TEST_CASE("with a secret, everybody else gets 401, on the same machine too") {
  for (const auto& fields : {
           std::string{},
           std::string{"Authorization: \r\n"},
           std::string{"Authorization: Bearer\r\n"},
           std::string{"Authorization: Bearer \r\n"},
           std::string{"Authorization: Bearer correct hors\r\n"},
           std::string{"Authorization: Bearer correct horsee\r\n"},
           std::string{"Authorization: Bearer Correct horse\r\n"},
           std::string{"Authorization: Basic correct horse\r\n"},
           std::string{"Authorization: correct horse\r\n"},
           std::string{"Authorization: Bearercorrect horse\r\n"},
           std::string{"Authorization: Bearer correct horse\r\n"
                       "Authorization: Bearer correct horse\r\n"},
           std::string{"Proxy-Authorization: Bearer correct horse\r\n"},
           "Authorization: Bearer " + std::string(8'000, 'x') + "\r\n",
       }) {
    CAPTURE(fields);
    driver d;
    give_secret(d);
    const auto got = forget(d, "node2", fields);
    CHECK(got.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
    CHECK(field_in(got, "WWW-Authenticate") == "Bearer realm=\"panal\"");
    CHECK(says(got, "urn:panal:problem:unauthorized"));
    CHECK_FALSE(says(got, "horse"));
    CHECK(d.operations == 0);
  }
}

TEST_CASE("without a secret, clients of other machines get 403") {
  driver far{{}, false};
  far.cache.members = {"node2"};
  const auto got = forget(far, "node2", "Authorization: Bearer x\r\n");
  CHECK(got.starts_with("HTTP/1.1 403 Forbidden\r\n"));
  CHECK(says(got, "urn:panal:problem:forbidden"));
  CHECK(field_in(got, "WWW-Authenticate").empty());
  CHECK(far.operations == 0);
}

TEST_CASE("without a secret, this machine must be named as such") {
  const auto status = [](std::string_view host) {
    driver d;
    d.cache.members = {"node2"};
    return status_in(d.send("DELETE /api/v1/cluster/members/node2 HTTP/1.1\r\n"
                            "Host: "
                            + std::string{host} + "\r\n\r\n"));
  };
  for (const auto* host : {"localhost", "localhost:8080", "127.0.0.1",
                           "127.0.0.1:80", "[::1]", "[::1]:8080"})
    CHECK(status(host) == 200);
  // A web page whose own name was made to lead here names itself.
  for (const auto* host : {"evil.example", "evil.example:8080", "10.0.0.1",
                           "localhost.evil.example", "[::2]:80", "[::]"})
    CHECK(status(host) == 403);
  driver old;
  old.cache.members = {"node2"};
  CHECK(status_in(
            old.send("DELETE /api/v1/cluster/members/node2 HTTP/1.0\r\n\r\n"))
        == 200);
}

TEST_CASE("only what changes the cluster needs the secret") {
  driver far{{}, false};
  give_secret(far);
  page_of(far, small_report());
  CHECK(status_in(far.send(request("GET /_health"))) == 200);
  CHECK(status_in(far.send(request("DELETE /cache"))) == 200);
  CHECK(status_in(far.send(request("OPTIONS /api/v1/cluster/members/a")))
        == 204);
}

TEST_CASE("health tells a node that refuses writes") {
  driver d;
  d.gate.set_writes(errc::clock_unsafe);
  const auto got = d.send(request("GET /_health"));
  CHECK(status_in(got) == 200);
  CHECK(body_in(got)
        == R"({"node":"node1","status":"clock_unsafe","reason":)"
           R"("The node's clock is too far from its peers'; it serves reads )"
           R"(alone"})");
  CHECK(field_in(got, "Content-Type") == "application/json");
  CHECK(field_in(got, "Retry-After").empty());
  CHECK(field_in(d.send(request("HEAD /_health")), "Content-Length")
        == field_in(got, "Content-Length"));
}

TEST_CASE("health fails while a node rejoins, and is well again afterwards") {
  driver d;
  d.gate.set(errc::rejoining, errc::rejoining);
  const auto got = d.send(request("GET /_health"));
  CHECK(status_in(got) == 503);
  CHECK(body_in(got).starts_with(
      R"({"node":"node1","status":"rejoining","reason":"The node takes)"));
  CHECK(field_in(got, "Content-Type") == "application/json");
  CHECK(field_in(got, "Retry-After") == "1");
  CHECK_FALSE(d.client.should_shutdown());
  d.gate.set(errc::ok, errc::ok);
  CHECK(body_in(d.send(request("GET /_health")))
        == R"({"node":"node1","status":"ok"})");
  CHECK(d.operations == 0);
}

TEST_CASE("health tells what is wrong with a node that serves") {
  driver d;
  d.conditions.set(condition::disk_full);
  d.conditions.set(condition::notes_owed, 3);
  const auto got = d.send(request("GET /_health"));
  CHECK(status_in(got) == 200);
  CHECK(body_in(got)
        == R"({"node":"node1","status":"degraded","reasons":[)"
           R"({"name":"disk_full","detail":"The disk is full: writes are )"
           R"(refused until there is room"},)"
           R"({"name":"notes_owed","detail":"What the node has to remember )"
           R"(of the cluster could not be saved yet","count":3}]})");
  CHECK(field_in(got, "Content-Type") == "application/json");
  d.conditions.clear(condition::disk_full);
  d.conditions.clear(condition::notes_owed);
  CHECK(body_in(d.send(request("GET /_health")))
        == R"({"node":"node1","status":"ok"})");
}

TEST_CASE("a node that rejoins says so first, and what else is wrong") {
  driver d;
  d.gate.set(errc::rejoining, errc::rejoining);
  d.conditions.set(condition::disk_failing);
  const auto got = d.send(request("GET /_health"));
  CHECK(status_in(got) == 503);
  CHECK(says(got, R"("status":"rejoining","reason":"The node takes)"));
  CHECK(says(got, R"("reasons":[{"name":"disk_failing",)"));
}

TEST_CASE("health shows the figures that were given where something is wrong") {
  driver d;
  d.conditions.show(figure::reserve_bytes, 65'536);
  CHECK(body_in(d.send(request("GET /_health")))
        == R"({"node":"node1","status":"ok"})");
  d.conditions.set(condition::reserve_missing);
  CHECK(says(body_in(d.send(request("GET /_health"))),
             R"("figures":{"reserve_bytes":65536}})"));
}

TEST_CASE("the cluster's page says what is wrong with its node") {
  driver d;
  d.conditions.set(condition::fold_failing);
  d.conditions.show(figure::reserve_bytes, 1);
  const auto page = page_of(d, small_report());
  CHECK(
      says(page, R"("status":"degraded","reasons":[{"name":"fold_failing",)"));
  CHECK(says(page, R"("figures":{"reserve_bytes":1})"));
  auto r = small_report();
  r.status = "clock_unsafe";
  CHECK(says(page_of(d, r),
             R"("status":"clock_unsafe","reasons":[{"name":"fold_failing")"));
}
