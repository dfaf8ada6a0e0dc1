#include "cluster/handshake.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using namespace panal;

namespace {

using role = handshake::role;

const member ant{1, "ant", "127.0.0.1:7001"};
const member bee{2, "bee", "bee.example:7002"};

// "panal-hs", kind, protocol, length: where a hello's body starts.
constexpr std::size_t header_size = 13;
constexpr std::size_t nonce_size = 32;
constexpr std::size_t cluster_at = header_size + nonce_size;
constexpr std::size_t run_at = cluster_at + 32;
constexpr std::size_t origin_at = run_at + 8;
constexpr std::size_t name_length_at = origin_at + 8;

handshake_setup setup_of(const member& who, std::string_view secret = "honey") {
  handshake_setup setup;
  setup.self = who;
  setup.key = cluster_key(secret);
  return setup;
}

/// A handshake and all that it has written so far.
struct end {
  handshake talk;
  std::string written;

  end(role as, const handshake_setup& setup,
      const digest& nonce = random_digest())
      : talk{as, setup, nonce} {}

  std::string take() {
    auto out = talk.take_output();
    written += out;
    return out;
  }
};

/// Passes bytes to and fro, at most `piece` at a time, until both are silent.
/// Every byte that was sent must be taken.
void converse(end& a, end& b, std::size_t piece = 4096) {
  auto pass = [piece](end& from, end& to) {
    auto out = from.take();
    auto moved = !out.empty();
    while (!out.empty() && !to.talk.finished()) {
      auto size = std::min({piece, out.size(), to.talk.wanted()});
      REQUIRE(size > 0);
      REQUIRE(to.talk.feed(out.substr(0, size)) == size);
      out.erase(0, size);
    }
    return moved;
  };
  while (pass(a, b) | pass(b, a)) {
  }
}

/// The outcome of an acceptor that is told `bytes`, and how many it took.
struct heard {
  bool finished = false;
  verdict outcome = verdict::malformed;
  std::size_t taken = 0;
};

heard tell(handshake& talk, std::string_view bytes) {
  heard result;
  while (result.taken < bytes.size() && !talk.finished())
    result.taken += talk.feed(bytes.substr(result.taken, 1));
  result.finished = talk.finished();
  result.outcome = talk.outcome();
  return result;
}

heard tell_acceptor(std::string_view bytes) {
  handshake talk{role::acceptor, setup_of(bee), random_digest()};
  return tell(talk, bytes);
}

std::string hello_of(const handshake_setup& setup, role as = role::dialler) {
  if (as == role::dialler)
    return handshake{as, setup, random_digest()}.take_output();
  // An acceptor only speaks when it was greeted, by another one than itself.
  handshake talk{as, setup, random_digest()};
  talk.feed(hello_of(setup_of({77, "greeter", "greeter:1"})));
  return talk.take_output();
}

void check_outcomes(end& dialler, end& acceptor, verdict expected) {
  REQUIRE(dialler.talk.finished());
  REQUIRE(acceptor.talk.finished());
  CHECK(dialler.talk.outcome() == expected);
  CHECK(acceptor.talk.outcome() == expected);
  CHECK(dialler.talk.wanted() == 0);
  CHECK(acceptor.talk.wanted() == 0);
}

} // namespace

TEST_CASE("the node with the smaller origin dials and is admitted") {
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup_of(bee)};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::admitted);
  CHECK(dialler.talk.peer() == bee);
  CHECK(acceptor.talk.peer() == ant);
  CHECK(dialler.talk.link_id() == acceptor.talk.link_id());
}

TEST_CASE("the node with the larger origin dials and is only introduced") {
  end dialler{role::dialler, setup_of(bee)};
  end acceptor{role::acceptor, setup_of(ant)};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::introduced);
  CHECK(dialler.talk.peer() == ant);
  CHECK(acceptor.talk.peer() == bee);
}

TEST_CASE("pieces of any size make the same handshake") {
  for (std::size_t piece : {1u, 2u, 3u, 7u, 31u, 33u, 100u}) {
    CAPTURE(piece);
    end dialler{role::dialler, setup_of(ant)};
    end acceptor{role::acceptor, setup_of(bee)};
    converse(dialler, acceptor, piece);
    check_outcomes(dialler, acceptor, verdict::admitted);
    CHECK(dialler.talk.link_id() == acceptor.talk.link_id());
  }
}

TEST_CASE("names and addresses of the greatest size fit") {
  // The longest host name that there is: 253 bytes in labels of at most 63.
  const std::string label(63, 'h');
  auto host = label + '.' + label + '.' + label + '.' + std::string(61, 'h');
  member dialling{1, std::string(member_name_max, 'n'), host + ":65535"};
  member accepting{2, "b", "h:1"};
  REQUIRE(dialling.address.size() <= member_address_max);
  end dialler{role::dialler, setup_of(dialling)};
  end acceptor{role::acceptor, setup_of(accepting)};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::admitted);
  CHECK(acceptor.talk.peer() == dialling);
  CHECK(dialler.talk.peer() == accepting);
}

TEST_CASE("every connection has a link id of its own") {
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 3; ++i) {
    end dialler{role::dialler, setup_of(ant)};
    end acceptor{role::acceptor, setup_of(bee)};
    converse(dialler, acceptor);
    ids.push_back(dialler.talk.link_id());
  }
  CHECK(ids[0] != ids[1]);
  CHECK(ids[1] != ids[2]);
  CHECK(ids[0] != ids[2]);
}

TEST_CASE("bytes that follow the handshake are never taken") {
  const std::string surplus = "what follows belongs to others";
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup_of(bee)};
  acceptor.talk.feed(dialler.take());
  dialler.talk.feed(acceptor.take());
  acceptor.talk.feed(dialler.take());
  auto last = acceptor.take();
  CHECK(dialler.talk.feed(last + surplus) == last.size());
  auto go = dialler.take();
  CHECK(go.size() == 1);
  CHECK(acceptor.talk.wanted() == 1);
  CHECK(acceptor.talk.feed(go + surplus) == 1);
  check_outcomes(dialler, acceptor, verdict::admitted);
  CHECK(acceptor.talk.feed(surplus) == 0);
  CHECK(dialler.talk.feed(surplus) == 0);
}

TEST_CASE("what is wanted never exceeds what the peer still has to send") {
  // Counted on a recorded conversation: at each byte, wanted() may reach at
  // most to the end of what the other side had sent before it waited.
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup_of(bee)};
  auto deliver = [](end& from, end& to) {
    auto out = from.take();
    for (std::size_t i = 0; i < out.size(); ++i) {
      REQUIRE(to.talk.wanted() >= 1);
      REQUIRE(to.talk.wanted() <= out.size() - i);
      to.talk.feed(out.substr(i, 1));
    }
  };
  for (int turn = 0; turn < 3; ++turn) {
    deliver(dialler, acceptor);
    deliver(acceptor, dialler);
  }
  check_outcomes(dialler, acceptor, verdict::admitted);
}

TEST_CASE("a wrong secret ends without a proof of the acceptor's") {
  end dialler{role::dialler, setup_of(ant, "honey")};
  end acceptor{role::acceptor, setup_of(bee, "wax")};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::wrong_secret);
  auto hello_size = name_length_at + 1 + bee.name.size() + bee.address.size();
  CHECK(acceptor.written.size() == hello_size + 1);
}

TEST_CASE("a secret on one side alone is a wrong secret") {
  for (bool dialler_has_it : {true, false}) {
    CAPTURE(dialler_has_it);
    end dialler{role::dialler, setup_of(ant, dialler_has_it ? "honey" : "")};
    end acceptor{role::acceptor, setup_of(bee, dialler_has_it ? "" : "honey")};
    converse(dialler, acceptor);
    check_outcomes(dialler, acceptor, verdict::wrong_secret);
  }
  end dialler{role::dialler, setup_of(ant, "")};
  end acceptor{role::acceptor, setup_of(bee, "")};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::admitted);
}

TEST_CASE("secrets that HMAC alone takes for the same key are different") {
  using namespace std::string_literals;
  CHECK(cluster_key("") != cluster_key("\0"s));
  CHECK(cluster_key("honey") != cluster_key("honey\0"s));
  auto long_secret = std::string(100, 'x');
  CHECK(cluster_key(long_secret) != cluster_key(view(sha256({long_secret}))));
}

TEST_CASE("an acceptor without the secret cannot pose as a member") {
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup_of(bee, "guessed")};
  acceptor.talk.feed(dialler.take());
  dialler.talk.feed(acceptor.take());
  dialler.take();
  SUBCASE("with a proof of zeros") {
    dialler.talk.feed("\x01" + std::string(32, '\0'));
  }
  SUBCASE("with the dialler's own proof") {
    auto proof = dialler.written.substr(dialler.written.size() - 32);
    dialler.talk.feed("\x01" + proof);
  }
  REQUIRE(dialler.talk.finished());
  CHECK(dialler.talk.outcome() == verdict::wrong_secret);
  CHECK(dialler.talk.take_output().empty());
}

TEST_CASE("a proof with any one bit changed is refused") {
  for (std::size_t bit = 0; bit < 256; ++bit) {
    CAPTURE(bit);
    end dialler{role::dialler, setup_of(ant)};
    end acceptor{role::acceptor, setup_of(bee)};
    acceptor.talk.feed(dialler.take());
    dialler.talk.feed(acceptor.take());
    auto proof = dialler.take();
    REQUIRE(proof.size() == 32);
    proof[bit / 8] = static_cast<char>(proof[bit / 8] ^ (1 << (bit % 8)));
    acceptor.talk.feed(proof);
    REQUIRE(acceptor.talk.finished());
    REQUIRE(acceptor.talk.outcome() == verdict::wrong_secret);
    REQUIRE(acceptor.take() == "\x04");
  }
}

TEST_CASE("an acceptor's proof with any one bit changed is refused") {
  for (std::size_t bit = 0; bit < 256; ++bit) {
    CAPTURE(bit);
    end dialler{role::dialler, setup_of(ant)};
    end acceptor{role::acceptor, setup_of(bee)};
    acceptor.talk.feed(dialler.take());
    dialler.talk.feed(acceptor.take());
    acceptor.talk.feed(dialler.take());
    auto proof = acceptor.take();
    REQUIRE(proof.size() == 33);
    auto& byte = proof[1 + bit / 8];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    dialler.talk.feed(proof);
    REQUIRE(dialler.talk.finished());
    REQUIRE(dialler.talk.outcome() == verdict::wrong_secret);
    REQUIRE(dialler.take().empty());
  }
}

TEST_CASE("a hello changed on its way fails the proof") {
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup_of(bee)};
  auto hello = dialler.take();
  SUBCASE("in the nonce") {
    hello[header_size] ^= 1;
  }
  SUBCASE("in the run") {
    hello[run_at] ^= 1;
  }
  SUBCASE("in the name") {
    hello[name_length_at + 1] = 'o';
  }
  SUBCASE("in the port") {
    hello.back() = '9';
  }
  acceptor.talk.feed(hello);
  dialler.talk.feed(acceptor.take());
  acceptor.talk.feed(dialler.take());
  REQUIRE(acceptor.talk.finished());
  CHECK(acceptor.talk.outcome() == verdict::wrong_secret);
}

TEST_CASE("a verdict changed on its way fails") {
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup_of(bee)};
  acceptor.talk.feed(dialler.take());
  dialler.talk.feed(acceptor.take());
  acceptor.talk.feed(dialler.take());
  auto last = acceptor.take();
  auto expected = verdict::malformed;
  SUBCASE("to introduced, against the origins") {
    last[0] = 2;
  }
  SUBCASE("to self, against the origins") {
    last[0] = 3;
  }
  SUBCASE("to a verdict that is never sent") {
    last[0] = 5;
  }
  SUBCASE("to another that is never sent") {
    last[0] = 7;
  }
  SUBCASE("to a verdict that does not exist") {
    last[0] = 99;
  }
  SUBCASE("to busy, which the proof does not cover") {
    last[0] = 6;
    expected = verdict::wrong_secret;
  }
  auto heard = tell(dialler.talk, last);
  REQUIRE(heard.finished);
  CHECK(heard.outcome == expected);
  CHECK(heard.taken == (expected == verdict::malformed ? 1 : last.size()));
}

TEST_CASE("a recorded handshake cannot be played again") {
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup_of(bee)};
  converse(dialler, acceptor);
  SUBCASE("to an acceptor") {
    handshake again{role::acceptor, setup_of(bee), random_digest()};
    auto heard = tell(again, dialler.written);
    REQUIRE(heard.finished);
    CHECK(heard.outcome == verdict::wrong_secret);
  }
  SUBCASE("to a dialler") {
    handshake again{role::dialler, setup_of(ant), random_digest()};
    auto heard = tell(again, acceptor.written);
    REQUIRE(heard.finished);
    CHECK(heard.outcome == verdict::wrong_secret);
  }
}

TEST_CASE("a node's own bytes sent back to it get nobody in") {
  SUBCASE("the dialler's hello as it is") {
    end dialler{role::dialler, setup_of(ant)};
    auto heard = tell(dialler.talk, dialler.take());
    REQUIRE(heard.finished);
    CHECK(heard.outcome == verdict::malformed);
    CHECK(heard.taken == 9);
  }
  SUBCASE("the dialler's hello with the acceptor's kind") {
    end dialler{role::dialler, setup_of(ant)};
    auto hello = dialler.take();
    hello[8] = 'A';
    auto heard = tell(dialler.talk, hello);
    REQUIRE(heard.finished);
    CHECK(heard.outcome == verdict::malformed);
    CHECK(dialler.take().empty());
  }
  SUBCASE("the dialler's nonce under another origin") {
    end dialler{role::dialler, setup_of(ant)};
    auto hello = dialler.take();
    hello[8] = 'A';
    hello[origin_at + 7] = 2;
    auto heard = tell(dialler.talk, hello);
    REQUIRE(heard.finished);
    CHECK(heard.outcome == verdict::malformed);
  }
  SUBCASE("a proof drawn from the node's own acceptor") {
    // The stranger was dialled by ant, and connects to ant's own port to let
    // it answer the challenge; there he must speak for another origin.
    end dialler{role::dialler, setup_of(ant)};
    end own_acceptor{role::acceptor, setup_of(ant)};
    auto hello = dialler.take();
    hello[origin_at + 7] = 9;
    own_acceptor.talk.feed(hello);
    dialler.talk.feed(own_acceptor.take());
    own_acceptor.talk.feed(dialler.take());
    REQUIRE(own_acceptor.talk.finished());
    CHECK(own_acceptor.talk.outcome() == verdict::wrong_secret);
  }
}

TEST_CASE("a node that dials itself learns so from a proof") {
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup_of(ant)};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::self);
}

TEST_CASE("one origin in two runs is a copied directory to both ends") {
  auto copy = setup_of(ant);
  copy.run = 2;
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, copy};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::copied);
  CHECK_FALSE(dialler.talk.declined());
  CHECK(dialler.talk.peer_run() == 2);
  CHECK(acceptor.talk.peer_run() == 0);
}

TEST_CASE("each end learns the run of the other") {
  auto one = setup_of(ant);
  auto two = setup_of(bee);
  one.run = 0x0102030405060708;
  two.run = ~std::uint64_t{0};
  end dialler{role::dialler, one};
  end acceptor{role::acceptor, two};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::admitted);
  CHECK(dialler.talk.peer_run() == two.run);
  CHECK(acceptor.talk.peer_run() == one.run);
}

TEST_CASE("a peer of another cluster is told apart on both sides") {
  auto other = setup_of(bee);
  other.cluster = cluster_id("bumblebees");
  // Whether or not it holds the same secret.
  SUBCASE("same secret") {}
  SUBCASE("another secret") {
    other.key = cluster_key("wax");
  }
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, other};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::wrong_cluster);
}

TEST_CASE("an acceptor tells what it has against a peer, and proves it") {
  for (auto objection :
       {verdict::forgotten, verdict::copied, verdict::wrong_name}) {
    CAPTURE(to_string(objection));
    auto strict = setup_of(bee);
    strict.judge = [&](const member& who, std::uint64_t run) {
      CHECK(who == ant);
      CHECK(run == 7);
      return std::optional{objection};
    };
    auto refused = setup_of(ant);
    refused.run = 7;
    end dialler{role::dialler, refused};
    end acceptor{role::acceptor, strict};
    converse(dialler, acceptor);
    check_outcomes(dialler, acceptor, objection);
    CHECK_FALSE(dialler.talk.declined());
  }
}

TEST_CASE("a refusal without its proof moves nobody") {
  for (char refusal : {'\x08', '\x09', '\x0a'}) {
    end dialler{role::dialler, setup_of(ant)};
    end acceptor{role::acceptor, setup_of(bee)};
    acceptor.talk.feed(dialler.take());
    dialler.talk.feed(acceptor.take());
    acceptor.talk.feed(dialler.take());
    auto last = acceptor.take();
    last[0] = refusal;
    auto heard = tell(dialler.talk, last);
    REQUIRE(heard.finished);
    CHECK(heard.outcome == verdict::wrong_secret);
  }
}

TEST_CASE("a dialler with something against the acceptor goes no further") {
  auto strict = setup_of(ant);
  strict.judge = [](auto&&, auto) { return std::optional{verdict::forgotten}; };
  end dialler{role::dialler, strict};
  end acceptor{role::acceptor, setup_of(bee)};
  SUBCASE("where it would be admitted") {
    converse(dialler, acceptor);
    CHECK_FALSE(acceptor.talk.finished()); // waits for the last byte
  }
  SUBCASE("where it would be introduced") {
    acceptor = end{role::acceptor, setup_of({1, "a", "a:1"})};
    strict.self = bee;
    dialler = end{role::dialler, strict};
    converse(dialler, acceptor);
    CHECK(acceptor.talk.outcome() == verdict::introduced);
  }
  REQUIRE(dialler.talk.finished());
  CHECK(dialler.talk.outcome() == verdict::forgotten);
  CHECK(dialler.talk.declined());
}

TEST_CASE("an acceptor of the wrong name gets no proof to guess on") {
  auto strict = setup_of(ant);
  strict.judge = [](auto&&, auto) {
    return std::optional{verdict::wrong_name};
  };
  end dialler{role::dialler, strict};
  end acceptor{role::acceptor, setup_of(bee)};
  acceptor.talk.feed(dialler.take());
  dialler.talk.feed(acceptor.take());
  REQUIRE(dialler.talk.finished());
  CHECK(dialler.talk.outcome() == verdict::wrong_name);
  CHECK(dialler.talk.declined());
  CHECK(dialler.take().empty());
}

TEST_CASE("who merely claims to be myself is no reason to believe it") {
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup_of(ant, "guessed")};
  acceptor.talk.feed(dialler.take());
  dialler.talk.feed(acceptor.take());
  dialler.talk.feed("\x03" + std::string(32, 'x'));
  REQUIRE(dialler.talk.finished());
  CHECK(dialler.talk.outcome() == verdict::wrong_secret);
}

TEST_CASE("a busy acceptor turns down who has proven himself") {
  auto setup = setup_of(bee);
  setup.busy = true;
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::busy);
  end stranger{role::dialler, setup_of(ant, "wax")};
  end again{role::acceptor, setup};
  converse(stranger, again);
  check_outcomes(stranger, again, verdict::wrong_secret);
}

TEST_CASE("another protocol is told apart from a wrong peer on both sides") {
  auto newer = setup_of(ant);
  newer.protocol = cluster_protocol + 1;
  end dialler{role::dialler, newer};
  end acceptor{role::acceptor, setup_of(bee)};
  converse(dialler, acceptor);
  check_outcomes(dialler, acceptor, verdict::wrong_protocol);
}

TEST_CASE("another protocol's hello is bounded, whatever it announces") {
  auto hello = hello_of(setup_of(ant)).substr(0, header_size);
  hello[10] = 99;
  SUBCASE("nothing") {
    hello[11] = hello[12] = 0;
  }
  SUBCASE("more than 1024") {
    hello[11] = 4;
    hello[12] = 1;
  }
  auto heard = tell_acceptor(hello);
  REQUIRE(heard.finished);
  CHECK(heard.outcome == verdict::malformed);
}

TEST_CASE("the first wrong byte of the magic ends it") {
  for (std::size_t at = 0; at < 9; ++at) {
    CAPTURE(at);
    auto hello = hello_of(setup_of(ant));
    hello[at] ^= 0x20;
    auto heard = tell_acceptor(hello);
    REQUIRE(heard.finished);
    CHECK(heard.outcome == verdict::malformed);
    CHECK(heard.taken == at + 1);
  }
}

TEST_CASE("a hello whose fields are out of bounds ends at the first of them") {
  auto hello = hello_of(setup_of(ant));
  auto name_at = name_length_at + 1;
  auto address_at = name_at + ant.name.size();
  std::size_t taken = 0;
  SUBCASE("too short") {
    hello[11] = 0;
    hello[12] = 84;
    taken = header_size;
  }
  SUBCASE("too long") {
    hello[11] = 1;
    hello[12] = static_cast<char>(426 - 256);
    taken = header_size;
  }
  SUBCASE("the longest that can be announced") {
    hello[11] = hello[12] = static_cast<char>(0xff);
    taken = header_size;
  }
  SUBCASE("no name") {
    hello[name_length_at] = 0;
    taken = name_length_at + 1;
  }
  SUBCASE("a name of 65") {
    hello[name_length_at] = 65;
    taken = name_length_at + 1;
  }
  SUBCASE("a name of 255") {
    hello[name_length_at] = static_cast<char>(0xff);
    taken = name_length_at + 1;
  }
  SUBCASE("a name that leaves no room for an address") {
    hello[name_length_at] = static_cast<char>(hello.size() - name_at - 2);
    taken = name_length_at + 1;
  }
  SUBCASE("an address of 281") {
    auto length = name_length_at - header_size + 1 + 1 + member_address_max + 1;
    hello[11] = static_cast<char>(length >> 8);
    hello[12] = static_cast<char>(length & 0xff);
    hello[name_length_at] = 1;
    taken = name_length_at + 1;
  }
  SUBCASE("a line break in the name") {
    hello[name_at + 1] = '\n';
    taken = name_at + 2;
  }
  SUBCASE("a slash in the name") {
    hello[name_at] = '/';
    taken = name_at + 1;
  }
  SUBCASE("a space in the address") {
    hello[address_at + 1] = ' ';
    taken = address_at + 2;
  }
  SUBCASE("a byte above ASCII in the address") {
    hello[address_at] = static_cast<char>(0xc3);
    taken = address_at + 1;
  }
  SUBCASE("an address without a port") {
    hello[hello.size() - 5] = '.';
    taken = hello.size();
  }
  SUBCASE("no origin") {
    hello[origin_at + 7] = 0;
    taken = hello.size();
  }
  auto heard = tell_acceptor(hello);
  REQUIRE(heard.finished);
  CHECK(heard.outcome == verdict::malformed);
  CHECK(heard.taken == taken);
}

TEST_CASE("a dialler checks a hello as an acceptor does") {
  auto hello = hello_of(setup_of(bee), role::acceptor);
  hello[name_length_at + 1] = '\x1b';
  handshake talk{role::dialler, setup_of(ant), random_digest()};
  auto heard = tell(talk, hello);
  REQUIRE(heard.finished);
  CHECK(heard.outcome == verdict::malformed);
  CHECK(heard.taken == name_length_at + 2);
}

TEST_CASE("any byte but go keeps the door shut") {
  end dialler{role::dialler, setup_of(ant)};
  end acceptor{role::acceptor, setup_of(bee)};
  acceptor.talk.feed(dialler.take());
  dialler.talk.feed(acceptor.take());
  acceptor.talk.feed(dialler.take());
  acceptor.take();
  REQUIRE(!acceptor.talk.finished());
  acceptor.talk.feed("G");
  REQUIRE(acceptor.talk.finished());
  CHECK(acceptor.talk.outcome() == verdict::malformed);
}

TEST_CASE("random bytes never get past the handshake") {
  auto seed = std::random_device{}();
  INFO("seed ", seed);
  std::mt19937 random{seed};
  auto pick = [&random](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>{0, n - 1}(random);
  };
  for (int round = 0; round < 5000; ++round) {
    auto as = pick(2) == 0 ? role::dialler : role::acceptor;
    handshake talk{as, setup_of(bee), random_digest()};
    std::string bytes;
    // Half of them start well and go wrong later.
    if (pick(2) == 0)
      bytes = hello_of(setup_of(ant),
                       as == role::dialler ? role::acceptor : role::dialler);
    for (auto flips = pick(4); flips > 0 && !bytes.empty(); --flips)
      bytes[pick(bytes.size())] = static_cast<char>(pick(256));
    for (auto more = pick(600); more > 0; --more)
      bytes.push_back(static_cast<char>(pick(256)));
    auto heard = tell(talk, bytes);
    REQUIRE(heard.taken <= 1100);
    if (heard.finished) {
      REQUIRE(heard.outcome != verdict::admitted);
      REQUIRE(heard.outcome != verdict::introduced);
      REQUIRE(heard.outcome != verdict::self);
      REQUIRE(heard.outcome != verdict::busy);
      REQUIRE(heard.outcome != verdict::forgotten);
      REQUIRE(heard.outcome != verdict::copied);
    } else {
      REQUIRE(talk.wanted() > 0);
      REQUIRE(talk.wanted() <= 1024);
    }
  }
}

TEST_CASE("HMAC-SHA256 gives known values, RFC 4231's and the empty one") {
  auto hex = [](const digest& d) {
    std::string out;
    for (auto c : d) {
      out.push_back("0123456789abcdef"[(c >> 4) & 15]);
      out.push_back("0123456789abcdef"[c & 15]);
    }
    return out;
  };
  CHECK(hex(hmac_sha256(std::string(20, '\x0b'), {"Hi ", "There"}))
        == "b0344c61d8db38535ca8afceaf0bf12b"
           "881dc200c9833da726e9376c2e32cff7");
  CHECK(hex(hmac_sha256("Jefe", {"what do ya want ", "for nothing?"}))
        == "5bdcc146bf60754e6a042426"
           "089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(hmac_sha256("", {}))
        == "b613679a0814d9ec772f95d778c35fc5"
           "ff1697c493715653c6c712144292c5ad");
}
