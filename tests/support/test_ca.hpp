#pragma once

// Certificates for tests, made by scripts/make-test-ca and the openssl program
// in a folder of their own.

#include "tests/support/temp_directory.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace panal::test {

class test_ca {
public:
  /// Makes the authority.
  test_ca() { make(""); }

  /// Makes a certificate for `name`, or renews it.
  /// @param days  how long it is good for; negative: it has expired.
  void issue(const std::string& name, int days = 30) const { make(name, days); }

  std::string authority() const { return file("ca.pem"); }
  std::string certificate(const std::string& name) const {
    return file(name + ".pem");
  }
  std::string key(const std::string& name) const { return file(name + ".key"); }

  /// The path of a file in the folder.
  std::string file(const std::string& name) const {
    return folder_ / name.c_str();
  }

  /// Runs a shell command in the folder; throws if it fails.
  void run(const std::string& command) const {
    auto all = "cd '" + folder_.path().string() + "' && (" + command
               + ") >said 2>&1 </dev/null";
    if (std::system(all.c_str()) != 0)
      throw std::runtime_error{"failed: " + all};
  }

  /// Makes NAME.pem and NAME.key with any subject and, if it is not empty, any
  /// subjectAltName.
  void issue_odd(const std::string& name, const std::string& subject,
                 const std::string& alternative) const {
    run("printf '%s' '"
        + (alternative.empty() ? std::string{}
                               : "subjectAltName=" + alternative + "\n")
        + "' >extensions");
    run("openssl ecparam -name prime256v1 -genkey -noout -out " + name
        + ".key");
    run("openssl req -new -key " + name + ".key -subj '" + subject
        + "' -out request");
    run("openssl x509 -req -in request -days 30 -CA ca.pem -CAkey ca.key"
        " -set_serial 77 -extfile extensions -out "
        + name + ".pem");
  }

private:
  void make(const std::string& name, int days = 30) const {
    run("DAYS=" + std::to_string(days) + " '" PANAL_MAKE_TEST_CA "' . " + name);
  }

  temp_directory folder_;
};

} // namespace panal::test
