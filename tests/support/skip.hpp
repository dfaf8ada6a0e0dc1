#pragma once

namespace panal::test {

/// Says that the test case that runs lacks what it needs: it is counted as
/// skipped, not as passed. The case returns afterwards.
/// @param missing  what it lacks: "the right to mount a small disk".
void skip(const char* missing);

} // namespace panal::test
