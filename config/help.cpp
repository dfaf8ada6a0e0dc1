#include "config/load.hpp"
#include "config/option_table.hpp"

namespace panal {

namespace {

std::string environment_names(const option_spec& x) {
  auto result = environment_name(x);
  if (!x.alias.empty())
    result.append(", ").append(x.alias);
  if (!x.alias_allowed.empty())
    result += " (" + x.alias_allowed + ")";
  return result;
}

std::string help_of(const option_spec& x) {
  std::string result = "\n  --";
  result.append(x.name).append("=VALUE\n");
  result.append("      ").append(x.meaning).append("\n");
  result += "      allowed: " + x.allowed + "\n";
  result += "      default: " + x.default_text + "\n";
  result += "      environment: " + environment_names(x) + "\n";
  return result;
}

} // namespace

std::string help_text() {
  std::string result =
      "Usage: panal [--name=value | --name value]...\n"
      "       panal forget-node NAME [--name=value | --name value]...\n"
      "\n"
      "Runs a node of a replicated cache. Flags win over environment\n"
      "variables, those over the configuration file, that over defaults.\n"
      "\n"
      "  --help          print this page and exit\n"
      "  --version       print the version and exit\n"
      "  --health-check  ask the node that runs with these options whether\n"
      "                  it is well, and exit with 0 if so\n"
      "\n"
      "  forget-node     has the cluster forget the member NAME, which will\n"
      "                  not return; asks the node that runs with these\n"
      "                  options, and exits with 0 if it is done, 1 if it is\n"
      "                  refused, 2 if the node could not be asked\n";
  for (const auto& x : option_table())
    result += help_of(x);
  return result;
}

std::string version_text() {
  return "panal " PANAL_VERSION "\n";
}

std::string markdown_table() {
  std::string result =
      "| option | environment | default | allowed | meaning |\n"
      "|---|---|---|---|---|\n";
  for (const auto& x : option_table()) {
    result.append("| `--").append(x.name).append("` | ");
    result += environment_names(x) + " | " + x.default_text + " | ";
    result += x.allowed + " | ";
    result.append(x.meaning).append(" |\n");
  }
  return result;
}

} // namespace panal
