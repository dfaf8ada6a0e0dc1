#include "actors/gatekeeper_outcome.hpp"

namespace panal {

namespace {

dial_failure failure_of(const handshake& talk) noexcept {
  switch (talk.outcome()) {
  case verdict::self:
    return dial_failure::self;
  case verdict::wrong_secret:
    return dial_failure::wrong_secret;
  case verdict::wrong_protocol:
    return dial_failure::wrong_protocol;
  case verdict::wrong_cluster:
    return dial_failure::wrong_cluster;
  case verdict::wrong_name:
    return dial_failure::wrong_name;
  case verdict::busy:
    return dial_failure::busy;
  case verdict::forgotten:
    return talk.declined() ? dial_failure::closed : dial_failure::forgotten;
  case verdict::copied:
    return talk.declined() ? dial_failure::closed : dial_failure::copied;
  case verdict::admitted: // and broken before it could be handed over
  case verdict::introduced:
    return dial_failure::closed;
  case verdict::malformed:
    break;
  }
  return dial_failure::malformed;
}

} // namespace

std::optional<gate_warning> warning_of(verdict outcome) noexcept {
  switch (outcome) {
  case verdict::wrong_secret:
    return gate_warning::wrong_secret;
  case verdict::wrong_protocol:
    return gate_warning::wrong_protocol;
  case verdict::wrong_cluster:
    return gate_warning::wrong_cluster;
  case verdict::wrong_name:
    return gate_warning::wrong_name;
  case verdict::forgotten:
    return gate_warning::forgotten;
  case verdict::copied:
    return gate_warning::copied;
  case verdict::malformed:
    return gate_warning::malformed;
  case verdict::admitted:
  case verdict::introduced:
  case verdict::self:
  case verdict::busy:
    break;
  }
  return std::nullopt;
}

std::optional<dial_failure>
failure_of(const handshake& talk, gatekeeper_session::ending how) noexcept {
  switch (how) {
  case gatekeeper_session::ending::timed_out:
    return dial_failure::timed_out;
  case gatekeeper_session::ending::closed:
    return dial_failure::closed;
  case gatekeeper_session::ending::insecure:
    return dial_failure::tls;
  case gatekeeper_session::ending::concluded:
    break;
  }
  if (talk.outcome() == verdict::introduced)
    return std::nullopt;
  return failure_of(talk);
}

bool is_disowned(const handshake& talk, origin_id own) noexcept {
  if (talk.peer().origin == own)
    return talk.outcome() == verdict::copied;
  return talk.is_dialler() && !talk.declined()
         && (talk.outcome() == verdict::forgotten
             || talk.outcome() == verdict::copied);
}

void count(gate_counts& counts, verdict outcome) noexcept {
  if (outcome == verdict::introduced)
    ++counts.introduced;
  else if (outcome != verdict::admitted)
    ++counts.refused_as[static_cast<std::size_t>(outcome)];
}

} // namespace panal
