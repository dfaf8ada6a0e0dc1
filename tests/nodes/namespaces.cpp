#include "tests/nodes/namespaces.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <sstream>
#include <thread>
#include <utility>

namespace panal::test {

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream words{text};
  std::vector<std::string> result;
  for (std::string word; words >> word;)
    result.push_back(word);
  return result;
}

std::filesystem::path ip_program() {
  for (const char* place : {"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"})
    if (std::filesystem::exists(place))
      return place;
  return {};
}

} // namespace

std::optional<net_namespace> net_namespace::make() {
  unique_fd made;
  std::thread{[&made] {
    if (::unshare(CLONE_NEWNET) != 0)
      return;
    auto own = "/proc/self/task/" + std::to_string(::gettid()) + "/ns/net";
    made = unique_fd{::open(own.c_str(), O_RDONLY | O_CLOEXEC)};
  }}.join();
  if (!made || ip_program().empty())
    return std::nullopt;
  net_namespace result{std::move(made)};
  if (!result.ip("link set lo up"))
    return std::nullopt;
  return result;
}

void net_namespace::run(const std::function<void()>& what) const {
  std::thread{[&] {
    if (::setns(fd_.get(), CLONE_NEWNET) == 0)
      what();
  }}.join();
}

bool net_namespace::ip(const std::string& arguments) const {
  launch what;
  what.program = ip_program();
  what.arguments = words_of(arguments);
  what.net_namespace = fd_.get();
  process ip{what};
  auto ended = ip.wait_exit(milliseconds{5'000});
  return ended && ended->code == 0;
}

std::optional<cabled_pair> cabled_pair::make() {
  auto left = net_namespace::make();
  auto right = net_namespace::make();
  if (!left || !right)
    return std::nullopt;
  auto other_end = "/proc/" + std::to_string(::getpid()) + "/fd/"
                   + std::to_string(right->descriptor());
  if (!left->ip("link add cable type veth peer name cable netns " + other_end)
      || !left->ip("addr add " + left_host() + "/24 dev cable")
      || !right->ip("addr add " + right_host() + "/24 dev cable"))
    return std::nullopt;
  cabled_pair result{std::move(*left), std::move(*right)};
  if (!result.left_.ip("link set cable up") || !result.plug(true))
    return std::nullopt;
  return result;
}

bool cabled_pair::plug(bool in) const {
  return right_.ip(std::string{"link set cable "} + (in ? "up" : "down"));
}

std::unique_ptr<small_disk> small_disk::make(std::size_t bytes) {
  if (::unshare(CLONE_NEWNS) != 0
      || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return nullptr;
  std::unique_ptr<small_disk> result{new small_disk};
  auto size = text("size=", bytes);
  if (::mount("none", result->path().c_str(), "tmpfs", 0, size.c_str()) != 0)
    return nullptr;
  return result;
}

small_disk::~small_disk() {
  ::umount2(path().c_str(), MNT_DETACH);
}

void small_disk::fill() {
  unique_fd balloon{::open((path() / "balloon").c_str(),
                           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  std::array<char, 4096> block{};
  while (::write(balloon.get(), block.data(), block.size()) > 0) {
  }
}

void small_disk::relieve() {
  std::filesystem::remove(path() / "balloon");
}

} // namespace panal::test
