// SPDX-License-Identifier: LGPL-2.1-or-later
// Clients of an HTTP server on 127.0.0.1 that ask all at once for one resource:
//
//   bench-relay PORT PATH CLIENTS FILE [FIRST LAST]
//
// What each gets has to be FILE, or that range of it. Prints the milliseconds
// from before connect () to the first byte of the body, of the median and of
// the slowest client, and to the end of all; and how many failed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <latch>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Result
{
  bool right = false;
  double first = 0;
  double last = 0;
};

double since (Clock::time_point begin)
{
  return std::chrono::duration<double, std::milli> (Clock::now () - begin)
      .count ();
}

// Sends the request and compares the body, as it comes, with what it should be.
Result ask (
    std::uint16_t port, const std::string &request, std::string_view wanted)
{
  Result result;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons (port);
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  Clock::time_point begin = Clock::now ();
  int fd = socket (AF_INET, SOCK_STREAM, 0);
  if (connect (fd, reinterpret_cast<sockaddr *> (&address), sizeof (address)) !=
          0 ||
      send (fd, request.data (), request.size (), MSG_NOSIGNAL) !=
          static_cast<ssize_t> (request.size ())) {
    close (fd);
    return result;
  }
  std::string head;
  std::size_t got = 0;
  bool in_body = false;
  bool right = true;
  std::vector<char> buffer (1 << 16);
  ssize_t size = 0;
  while ((!in_body || got < wanted.size ()) &&
         (size = recv (fd, buffer.data (), buffer.size (), 0)) > 0) {
    std::string_view bytes (buffer.data (), static_cast<std::size_t> (size));
    if (!in_body) {
      head += bytes;
      auto end = head.find ("\r\n\r\n");
      if (end == head.npos) continue;
      in_body = true;
      right = head.starts_with ("HTTP/1.1 20");
      bytes.remove_prefix (bytes.size () - (head.size () - end - 4));
    }
    if (bytes.empty ()) continue;
    if (got == 0) result.first = since (begin);
    right = right && bytes == wanted.substr (got, bytes.size ());
    got += bytes.size ();
  }
  close (fd);
  result.last = since (begin);
  result.right = right && got == wanted.size ();
  return result;
}

}  // namespace

int main (int argc, char **argv)
{
  if (argc != 5 && argc != 7) {
    std::puts ("skipped: relay.sh gives it its servers");
    return 77;
  }
  auto port = static_cast<std::uint16_t> (std::strtoul (argv[1], nullptr, 10));
  std::size_t clients = std::strtoul (argv[3], nullptr, 10);
  std::ifstream in (argv[4], std::ios::binary);
  std::string file (std::filesystem::file_size (argv[4]), 0);
  in.read (file.data (), static_cast<std::streamsize> (file.size ()));
  std::string_view wanted = file;
  std::string request = std::string ("GET ") + argv[2] +
                        " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n";
  if (argc == 7) {
    auto first = std::strtoul (argv[5], nullptr, 10);
    auto last = std::strtoul (argv[6], nullptr, 10);
    wanted = wanted.substr (first, last + 1 - first);
    request += std::string ("Range: bytes=") + argv[5] + '-' + argv[6] + "\r\n";
  }
  request += "\r\n";

  std::vector<Result> results (clients);
  std::latch ready (static_cast<std::ptrdiff_t> (clients));
  std::vector<std::jthread> threads;
  threads.reserve (clients);
  for (Result &result : results)
    threads.emplace_back ([&] {
      ready.arrive_and_wait ();
      result = ask (port, request, wanted);
    });
  threads.clear ();

  std::vector<double> firsts;
  double end = 0;
  std::size_t failed = 0;
  for (const Result &result : results) {
    if (!result.right) failed++;
    firsts.push_back (result.first);
    end = std::max (end, result.last);
  }
  std::sort (firsts.begin (), firsts.end ());
  if (firsts.empty ()) return 1;
  std::printf ("first byte median %.1f worst %.1f, all %.0f, failed %zu\n",
      firsts[clients / 2], firsts.back (), end, failed);
  return failed == 0 ? 0 : 1;
}
