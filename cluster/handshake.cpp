#include "cluster/handshake.hpp"

#include "config/address.hpp"

#include <algorithm>

namespace panal {

namespace {

constexpr std::string_view magic = "panal-hs";
constexpr std::size_t protocol_at = magic.size() + 1;
constexpr std::size_t length_at = protocol_at + 2;
constexpr std::size_t header_size = length_at + 2;

// A hello's offsets behind its header.
constexpr std::size_t cluster_at = digest{}.size();
constexpr std::size_t run_at = cluster_at + digest{}.size();
constexpr std::size_t origin_at = run_at + 8;
constexpr std::size_t name_length_at = origin_at + 8;
constexpr std::size_t name_at = name_length_at + 1;
constexpr std::size_t address_min = std::string_view{"a:1"}.size();
constexpr std::size_t hello_min = name_at + 1 + address_min;
constexpr std::size_t hello_max =
    name_at + member_name_max + member_address_max;
// What another protocol's hello may have; it is read to its end only because
// closing on unread bytes would destroy our answer on its way.
constexpr std::size_t foreign_hello_max = 1024;

constexpr char go_byte = 'g';

template <class UInt>
void put(std::string& out, UInt value) {
  for (auto i = sizeof(UInt); i-- > 0;)
    out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

template <class UInt>
UInt get(std::string_view in, std::size_t at) {
  UInt value = 0;
  for (auto c : in.substr(at, sizeof(UInt)))
    value = static_cast<UInt>((value << 8) | static_cast<unsigned char>(c));
  return value;
}

bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool is_address_char(char c) noexcept {
  return c > ' ' && c <= '~';
}

char kind_of(handshake::role who) noexcept {
  return who == handshake::role::dialler ? 'D' : 'A';
}

handshake::role other(handshake::role who) noexcept {
  return who == handshake::role::dialler ? handshake::role::acceptor
                                         : handshake::role::dialler;
}

std::string encode_hello(handshake::role as, const handshake_setup& setup,
                         const digest& nonce) {
  auto& self = setup.self;
  std::string out{magic};
  out.push_back(kind_of(as));
  put(out, setup.protocol);
  put(out, static_cast<std::uint16_t>(name_at + self.name.size()
                                      + self.address.size()));
  out.append(view(nonce));
  out.append(view(setup.cluster));
  put(out, setup.run);
  put(out, self.origin);
  out.push_back(static_cast<char>(self.name.size()));
  return out.append(self.name).append(self.address);
}

} // namespace

std::string_view to_string(verdict v) noexcept {
  switch (v) {
  case verdict::malformed:
    return "malformed";
  case verdict::admitted:
    return "admitted";
  case verdict::introduced:
    return "introduced";
  case verdict::self:
    return "self";
  case verdict::wrong_secret:
    return "wrong_secret";
  case verdict::wrong_protocol:
    return "wrong_protocol";
  case verdict::busy:
    return "busy";
  case verdict::wrong_cluster:
    return "wrong_cluster";
  case verdict::forgotten:
    return "forgotten";
  case verdict::copied:
    return "copied";
  case verdict::wrong_name:
    return "wrong_name";
  }
  return "unknown";
}

bool is_valid(const member& who) {
  return who.origin != 0 && !who.name.empty()
         && who.name.size() <= member_name_max
         && std::all_of(who.name.begin(), who.name.end(), is_name_char)
         && who.address.size() <= member_address_max
         && parse_endpoint(who.address).has_value();
}

digest cluster_key(std::string_view secret) {
  return sha256({"panal cluster secret|", secret});
}

digest cluster_id(std::string_view name) {
  return sha256({name});
}

handshake::handshake(role as, const handshake_setup& setup, const digest& nonce)
    : role_{as},
      origin_{setup.self.origin},
      key_{setup.key},
      protocol_{setup.protocol},
      run_{setup.run},
      cluster_{setup.cluster},
      busy_{setup.busy},
      judge_{setup.judge},
      nonce_{nonce},
      own_hello_{encode_hello(as, setup, nonce)},
      want_{header_size} {
  if (role_ == role::dialler)
    out_.append(own_hello_);
}

std::size_t handshake::feed(std::string_view bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !finished()) {
    auto byte = bytes[taken++];
    if (!fits(in_.size(), byte)) {
      finish(verdict::malformed);
      break;
    }
    in_.push_back(byte);
    if (in_.size() == want_)
      on_message();
  }
  return taken;
}

void handshake::expect(step next, std::size_t size) {
  step_ = next;
  want_ = size;
  in_.clear();
}

void handshake::finish(verdict outcome) {
  expect(step::finished, 0);
  outcome_ = outcome;
}

// Whether `byte` can stand at this place of the message that is being read.
bool handshake::fits(std::size_t at, char byte) const noexcept {
  switch (step_) {
  case step::header:
    if (at < magic.size())
      return byte == magic[at];
    return at != magic.size() || byte == kind_of(other(role_));
  case step::hello:
    return fits_hello(at, byte);
  case step::verdict:
    return fits_verdict(byte);
  case step::go:
    return byte == go_byte;
  default:
    return true;
  }
}

bool handshake::fits_hello(std::size_t at, char byte) const noexcept {
  if (at < name_length_at)
    return true;
  if (at == name_length_at) {
    std::size_t name_length = static_cast<unsigned char>(byte);
    auto rest = want_ - name_at;
    return name_length >= 1 && name_length <= member_name_max
           && rest >= name_length + address_min
           && rest <= name_length + member_address_max;
  }
  std::size_t name_length = static_cast<unsigned char>(in_[name_length_at]);
  return at < name_at + name_length ? is_name_char(byte)
                                    : is_address_char(byte);
}

// Unless the acceptor has something against this node, the origins decide the
// verdict, so the dialler knows it beforehand.
bool handshake::fits_verdict(char byte) const noexcept {
  auto given = static_cast<verdict>(byte);
  switch (given) {
  case verdict::wrong_secret:
  case verdict::busy:
  case verdict::forgotten:
  case verdict::copied:
  case verdict::wrong_name:
    return true;
  default:
    return given == verdict_by_origins();
  }
}

void handshake::on_message() {
  switch (step_) {
  case step::header:
    return on_header();
  case step::hello:
    return on_hello();
  case step::foreign_hello:
    out_.append(own_hello_);
    return finish(verdict::wrong_protocol);
  case step::proof:
    return on_proof();
  case step::verdict:
    return on_verdict();
  case step::verdict_proof:
    return on_verdict_proof();
  case step::go:
    return finish(verdict::admitted);
  case step::finished:
    return;
  }
}

void handshake::on_header() {
  auto length = get<std::uint16_t>(in_, length_at);
  if (get<std::uint16_t>(in_, protocol_at) != protocol_) {
    if (length == 0 || length > foreign_hello_max)
      return finish(verdict::malformed);
    if (role_ == role::dialler)
      return finish(verdict::wrong_protocol);
    return expect(step::foreign_hello, length);
  }
  if (length < hello_min || length > hello_max)
    return finish(verdict::malformed);
  peer_header_ = in_;
  expect(step::hello, length);
}

void handshake::read_hello() {
  std::size_t name_length = static_cast<unsigned char>(in_[name_length_at]);
  peer_run_ = get<std::uint64_t>(in_, run_at);
  peer_.origin = get<origin_id>(in_, origin_at);
  peer_.name = in_.substr(name_at, name_length);
  peer_.address = in_.substr(name_at + name_length);
}

void handshake::on_hello() {
  read_hello();
  auto peer_nonce = in_.substr(0, nonce_.size());
  // The same nonce on both sides is our own hello, thrown back at us.
  if (!is_valid(peer_) || peer_nonce == view(nonce_))
    return finish(verdict::malformed);
  auto dialled = role_ == role::dialler;
  if (in_.compare(cluster_at, cluster_.size(), view(cluster_)) != 0) {
    if (!dialled)
      out_.append(own_hello_);
    return finish(verdict::wrong_cluster);
  }
  // Who is named otherwise than its certificate gets no proof to guess on.
  if (dialled && judge_ && judge_(peer_, peer_run_) == verdict::wrong_name)
    return decline(verdict::wrong_name);
  auto peer_hello = peer_header_ + in_;
  transcript_ = dialled ? sha256({own_hello_, peer_hello})
                        : sha256({peer_hello, own_hello_});
  auto link =
      dialled
          ? hmac_sha256(view(key_), {"panal link", view(nonce_), peer_nonce})
          : hmac_sha256(view(key_), {"panal link", peer_nonce, view(nonce_)});
  link_id_ = get<std::uint64_t>(view(link), 0);
  if (dialled) {
    out_.append(view(dialler_proof()));
    expect(step::verdict, 1);
  } else {
    out_.append(own_hello_);
    expect(step::proof, digest{}.size());
  }
}

void handshake::on_proof() {
  if (!equal(dialler_proof(), in_)) {
    out_.push_back(static_cast<char>(verdict::wrong_secret));
    return finish(verdict::wrong_secret);
  }
  auto decided = decide();
  auto given = static_cast<char>(decided);
  out_.push_back(given);
  out_.append(view(acceptor_proof(given)));
  if (decided != verdict::admitted)
    return finish(decided);
  expect(step::go, 1);
}

void handshake::on_verdict() {
  given_verdict_ = in_[0];
  if (static_cast<verdict>(given_verdict_) == verdict::wrong_secret)
    return finish(verdict::wrong_secret);
  expect(step::verdict_proof, digest{}.size());
}

void handshake::on_verdict_proof() {
  if (!equal(acceptor_proof(given_verdict_), in_))
    return finish(verdict::wrong_secret);
  auto given = static_cast<verdict>(given_verdict_);
  if (given == verdict::admitted || given == verdict::introduced)
    if (auto objection = judge_ ? judge_(peer_, peer_run_) : std::nullopt)
      return decline(*objection);
  if (given == verdict::admitted)
    out_.push_back(go_byte);
  finish(given);
}

void handshake::decline(verdict why) {
  declined_ = true;
  finish(why);
}

verdict handshake::decide() const {
  if (busy_)
    return verdict::busy;
  auto by_origins = verdict_by_origins();
  if (by_origins == verdict::self || by_origins == verdict::copied || !judge_)
    return by_origins;
  return judge_(peer_, peer_run_).value_or(by_origins);
}

verdict handshake::verdict_by_origins() const noexcept {
  if (origin_ == peer_.origin)
    return run_ == peer_run_ ? verdict::self : verdict::copied;
  auto dialler = role_ == role::dialler ? origin_ : peer_.origin;
  auto acceptor = role_ == role::dialler ? peer_.origin : origin_;
  return dialler < acceptor ? verdict::admitted : verdict::introduced;
}

digest handshake::dialler_proof() const {
  return hmac_sha256(view(key_), {"panal dialler", view(transcript_)});
}

digest handshake::acceptor_proof(char given) const {
  auto all = sha256(
      {view(transcript_), view(dialler_proof()), std::string_view{&given, 1}});
  return hmac_sha256(view(key_), {"panal acceptor", view(all)});
}

} // namespace panal
