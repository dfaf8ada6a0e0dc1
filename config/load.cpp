#include "config/load.hpp"

#include "config/address.hpp"
#include "config/environment.hpp"
#include "config/file.hpp"
#include "config/flags.hpp"
#include "config/quote.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace panal {

namespace {

constexpr std::size_t shown_bytes_max = 100;
constexpr std::size_t tls_file_bytes_max = std::size_t{1024} * 1024;

/// Puts the sources together, the weakest first.
class loader {
public:
  load_outcome load(int argc, const char* const* argv,
                    const char* const* environment);

private:
  void choose_file(const source_text& source);
  void apply(const source_text& source);
  void apply(const setting& x);
  void read_secret();
  void check_tls();
  void check_cluster();
  void check_command(const flags_text& flags);

  void mistake(std::string text) { mistakes_.push_back(std::move(text)); }

  draft draft_;
  /// How mistakes name the place that gave the secret's file.
  std::string secret_source_;
  std::vector<std::string> mistakes_;
};

load_outcome loader::load(int argc, const char* const* argv,
                          const char* const* environment) {
  auto flags = read_flags(argc, argv);
  if (flags.help)
    return {.what = action::print_help, .chosen = {}, .mistakes = {}};
  if (flags.version)
    return {.what = action::print_version, .chosen = {}, .mistakes = {}};
  auto variables = read_environment(environment);
  choose_file(variables);
  choose_file(flags.source);
  if (!draft_.config_file.empty())
    apply(read_options_file(draft_.config_file));
  apply(variables);
  apply(flags.source);
  read_secret();
  check_tls();
  check_cluster();
  check_command(flags);
  if (!mistakes_.empty())
    return {
        .what = action::refuse, .chosen = {}, .mistakes = std::move(mistakes_)};
  const auto served = flags.health_check ? action::check_health : action::run;
  return {.what = flags.forget ? action::forget_node : served,
          .chosen = std::move(draft_.chosen),
          .member = std::move(flags.forget).value_or(""),
          .mistakes = {}};
}

/// The file is the weakest source, yet named by the stronger ones: its name
/// is looked up first. A bad name is reported when the source is applied.
void loader::choose_file(const source_text& source) {
  for (const auto& x : source.settings)
    if (x.option->name == "config-file")
      x.option->set(draft_, x.text);
}

void loader::apply(const source_text& source) {
  mistakes_.insert(mistakes_.end(), source.mistakes.begin(),
                   source.mistakes.end());
  for (const auto& x : source.settings)
    apply(x);
}

void loader::apply(const setting& x) {
  const auto& spec = *x.option;
  bool own_rule = x.by_alias && spec.set_alias;
  const auto& set = own_rule ? spec.set_alias : spec.set;
  if (spec.name == "cluster-secret-file")
    secret_source_ = x.source;
  if (set(draft_, x.text))
    return;
  auto shown = spec.secret ? "the value" : quoted(x.text, shown_bytes_max);
  mistake(x.source + ": " + shown + " is not allowed; allowed: "
          + (own_rule ? spec.alias_allowed : spec.allowed));
}

/// Reads the secret from its file, if a file has the last word on it. Its
/// name is not shown: somebody may have given the secret itself there.
void loader::read_secret() {
  if (draft_.secret_file.empty())
    return;
  // One more than a secret may have, for the newline at the end.
  auto content = read_file(draft_.secret_file, secret_bytes_max + 1);
  auto& secret = content.bytes;
  if (secret.ends_with('\n'))
    secret.pop_back();
  if (!content.problem.empty())
    mistake(secret_source_ + ": the file " + content.problem);
  else if (secret.size() < secret_bytes_min || secret.size() > secret_bytes_max)
    mistake(secret_source_ + ": the file's secret has "
            + std::to_string(secret.size())
            + " bytes; allowed: " + std::to_string(secret_bytes_min) + ".."
            + std::to_string(secret_bytes_max));
  else
    draft_.chosen.cluster_secret = std::move(secret);
}

/// All of TLS's files or none, and each readable; what is in them is checked
/// by those who can.
void loader::check_tls() {
  const auto& chosen = draft_.chosen;
  const std::array<std::pair<std::string_view, const std::string*>, 3> files{
      {{"cluster-tls-cert", &chosen.cluster_tls_cert},
       {"cluster-tls-key", &chosen.cluster_tls_key},
       {"cluster-tls-ca", &chosen.cluster_tls_ca}}};
  if (!draft_.tls_given)
    return;
  for (const auto& [name, path] : files) {
    auto option = std::string{name};
    if (path->empty())
      mistake(option
              + ": missing; allowed: all three of --cluster-tls-cert, "
                "--cluster-tls-key and --cluster-tls-ca, or none");
    else if (auto content = read_file(*path, tls_file_bytes_max);
             !content.problem.empty())
      mistake(option + ' ' + quoted(*path, shown_bytes_max) + ": the file "
              + content.problem);
  }
}

void loader::check_cluster() {
  const auto& chosen = draft_.chosen;
  auto host = "cluster-host " + quoted(chosen.cluster_host, shown_bytes_max);
  if (!is_loopback(chosen.cluster_host) && !draft_.secret_given
      && !draft_.tls_given)
    mistake(host
            + ": a host other than loopback needs a secret or TLS; allowed: "
              "--cluster-secret-file, INTERNAL_TOKEN or --cluster-tls-cert");
  if (is_wildcard(chosen.cluster_host) && chosen.cluster_advertise.empty())
    mistake(host
            + ": peers cannot dial it; allowed: a host of its own, or "
              "--cluster-advertise=host:port");
  if (!chosen.join.empty() && !chosen.clustered)
    mistake("join: a node without a cluster port cannot join; allowed: "
            "--cluster-port");
}

/// What is asked of a node that runs already.
void loader::check_command(const flags_text& flags) {
  const bool has_port = draft_.chosen.http_port != 0;
  if (flags.health_check && !has_port)
    mistake("flag --health-check: needs the node's http-port, not 0");
  if (!flags.forget)
    return;
  if (flags.health_check)
    mistake("flag --health-check: cannot stand with forget-node");
  if (!has_port)
    mistake("forget-node: needs the node's http-port, not 0");
  const auto& names = *find_option("node-id");
  draft scratch;
  if (!names.set(scratch, *flags.forget))
    mistake("forget-node: " + quoted(*flags.forget, shown_bytes_max)
            + " is not a node's name; allowed: " + names.allowed);
}

} // namespace

load_outcome load(int argc, const char* const* argv,
                  const char* const* environment) noexcept try {
  return loader{}.load(argc, argv, environment);
} catch (...) {
  // What it says could hold what was read, so it is left out.
  load_outcome result;
  try {
    result.mistakes.emplace_back("the options could not be read");
  } catch (...) {
    // Out of memory: refusing without a reason is all that is left.
    result.mistakes.clear();
  }
  return result;
}

} // namespace panal
