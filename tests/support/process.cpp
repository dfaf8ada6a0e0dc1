#include "tests/support/process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace panal::test {

namespace {

constexpr milliseconds poll_interval{2};

/// True for the variables that a node reads as options.
bool is_option(std::string_view variable) {
  auto name = variable.substr(0, variable.find('='));
  return name.starts_with("PANAL_") || name == "NODE_ID" || name == "NODES"
         || name == "INTERNAL_TOKEN";
}

std::vector<std::string> environment_of(const launch& what) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (!is_option(*entry))
      result.emplace_back(*entry);
  for (const auto& [name, value] : what.environment)
    result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts)
    result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// Runs in the child, between fork and exec: system calls only.
[[noreturn]] void become(const launch& what, pid_t parent, int output,
                         char** arguments, char** environment) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent)
    ::_exit(126);
  if (what.net_namespace >= 0 && ::setns(what.net_namespace, CLONE_NEWNET) != 0)
    ::_exit(125);
  if (what.open_files_max > 0) {
    rlimit limit{what.open_files_max, what.open_files_max};
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execve(what.program.c_str(), arguments, environment);
  ::_exit(127);
}

exit_status decode(int status) {
  if (WIFEXITED(status))
    return {WEXITSTATUS(status), 0};
  return {-1, WTERMSIG(status)};
}

} // namespace

bool eventually(milliseconds limit, const std::function<bool()>& holds) {
  auto deadline = steady::now() + limit;
  while (steady::now() < deadline) {
    if (holds())
      return true;
    std::this_thread::sleep_for(poll_interval);
  }
  return holds();
}

unique_fd& unique_fd::operator=(unique_fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int unique_fd::release() {
  return std::exchange(fd_, -1);
}

void unique_fd::reset() {
  if (fd_ >= 0)
    ::close(std::exchange(fd_, -1));
}

std::size_t raise_open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_max;
}

temp_dir::temp_dir() {
  auto name = std::filesystem::temp_directory_path() / "panal-test-XXXXXX";
  auto text = name.string();
  if (::mkdtemp(text.data()) == nullptr)
    throw std::runtime_error{"no temporary directory " + text};
  path_ = text;
}

temp_dir::~temp_dir() {
  std::error_code ignored;
  if (std::getenv("PANAL_TEST_KEEP") == nullptr)
    std::filesystem::remove_all(path_, ignored);
}

process::process(const launch& what) {
  if (::gettid() != ::getpid())
    throw std::logic_error{"a process is started on the main thread only"};
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::runtime_error{"no pipe"};
  unique_fd read_end{ends[0]};
  unique_fd write_end{ends[1]};
  auto arguments = what.arguments;
  arguments.insert(arguments.begin(), what.program.string());
  auto environment = environment_of(what);
  auto argument_pointers = pointers_to(arguments);
  auto environment_pointers = pointers_to(environment);
  auto parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0)
    throw std::runtime_error{"no fork"};
  if (pid_ == 0)
    become(what, parent, write_end.get(), argument_pointers.data(),
           environment_pointers.data());
  write_end.reset();
  reader_ = std::thread{
      [this, copy = what.log_copy, from = std::move(read_end)]() mutable {
        read_output(std::move(from), copy);
      }};
}

process::~process() {
  if (!ended_) {
    ::kill(pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }
  reader_.join();
}

void process::signal(int number) {
  if (!ended_)
    ::kill(pid_, number);
}

std::optional<exit_status> process::wait_exit(milliseconds limit) {
  eventually(limit, [this] {
    int status = 0;
    if (!ended_ && ::waitpid(pid_, &status, WNOHANG) == pid_)
      ended_ = decode(status);
    return ended_.has_value();
  });
  return ended_;
}

std::optional<std::size_t> process::wait_for_line(const line_test& wanted,
                                                  milliseconds limit,
                                                  std::size_t from) {
  auto deadline = steady::now() + limit;
  std::unique_lock lock{mutex_};
  for (auto next = from;;) {
    for (; next < lines_.size(); ++next)
      if (wanted(lines_[next]))
        return next;
    if (output_ended_
        || grew_.wait_until(lock, deadline) == std::cv_status::timeout) {
      for (; next < lines_.size(); ++next)
        if (wanted(lines_[next]))
          return next;
      return std::nullopt;
    }
  }
}

std::vector<std::string> process::lines() const {
  std::lock_guard lock{mutex_};
  return lines_;
}

std::size_t process::line_count() const {
  std::lock_guard lock{mutex_};
  return lines_.size();
}

std::string process::tail(std::size_t lines_max) const {
  std::lock_guard lock{mutex_};
  std::string result;
  auto count = std::min(lines_max, lines_.size());
  for (auto i = lines_.size() - count; i < lines_.size(); ++i)
    result += lines_[i] + "\n";
  return result;
}

std::size_t process::open_files() const {
  std::error_code failed;
  auto folder = "/proc/" + std::to_string(pid_) + "/fd";
  std::filesystem::directory_iterator entries{folder, failed};
  if (failed)
    return 0;
  return static_cast<std::size_t>(
      std::distance(entries, std::filesystem::directory_iterator{}));
}

std::size_t process::resident_bytes() const {
  std::istringstream fields{proc_file("statm")};
  std::size_t total = 0;
  std::size_t resident = 0;
  fields >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

milliseconds process::cpu_time() const {
  auto text = proc_file("stat");
  auto after_name = text.rfind(')');
  if (after_name == std::string::npos)
    return milliseconds{0};
  // The state is field 3; user and system ticks are fields 14 and 15.
  std::istringstream fields{text.substr(after_name + 1)};
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    fields >> skipped;
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return milliseconds{(user + system) * 1000 / ::sysconf(_SC_CLK_TCK)};
}

char process::state() const {
  auto text = proc_file("stat");
  auto after_name = text.rfind(')');
  if (after_name == std::string::npos || after_name + 2 >= text.size())
    return '?';
  return text[after_name + 2];
}

std::string process::proc_file(const char* name) const {
  std::ifstream file{"/proc/" + std::to_string(pid_) + "/" + name};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void process::read_output(unique_fd from, const std::filesystem::path& copy) {
  std::ofstream copied;
  if (!copy.empty())
    copied.open(copy, std::ios::app);
  std::string pending;
  std::array<char, 4096> buffer{};
  for (;;) {
    auto got = ::read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    pending.append(buffer.data(), static_cast<std::size_t>(got));
    if (copied.is_open())
      copied.write(buffer.data(), got).flush();
    add_lines(pending);
  }
  std::lock_guard lock{mutex_};
  if (!pending.empty())
    lines_.push_back(pending);
  output_ended_ = true;
  grew_.notify_all();
}

void process::add_lines(std::string& pending) {
  std::lock_guard lock{mutex_};
  for (auto end = pending.find('\n'); end != std::string::npos;
       end = pending.find('\n')) {
    lines_.push_back(pending.substr(0, end));
    pending.erase(0, end + 1);
  }
  grew_.notify_all();
}

} // namespace panal::test
