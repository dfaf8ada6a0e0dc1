#include "config/quote.hpp"

#include <doctest/doctest.h>

using namespace panal;

TEST_CASE("quoted text is printable ASCII") {
  CHECK(quoted("plain text") == "\"plain text\"");
  CHECK(quoted("") == "\"\"");
  CHECK(quoted("a\"b\\c") == R"("a\"b\\c")");
  CHECK(quoted("\n\r\t\x1b[31m\x7f") == R"("\n\r\t\x1b[31m\x7f")");
  CHECK(quoted("\xc3\xa9") == R"("\xc3\xa9")");
  CHECK(quoted({"\0", 1}) == R"("\x00")");
}

TEST_CASE("a long text is cut before it is quoted") {
  CHECK(quoted("abcdef", 3) == "\"abc\"...");
  CHECK(quoted("abc", 3) == "\"abc\"");
}
