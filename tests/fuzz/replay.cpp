// SPDX-License-Identifier: LGPL-2.1-or-later
// Feeds each file of the named folders to a fuzz target: a corpus as a test.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput (
    const std::uint8_t *data, std::size_t size);

int main (int argc, char **argv)
{
  int files = 0;
  for (int i = 1; i < argc; i++) {
    for (const auto &entry : std::filesystem::directory_iterator (argv[i])) {
      std::ifstream in (entry.path (), std::ios::binary);
      std::vector<std::uint8_t> bytes (std::istreambuf_iterator<char> (in), {});
      LLVMFuzzerTestOneInput (bytes.data (), bytes.size ());
      files++;
    }
  }
  std::printf ("%d files\n", files);
  // An empty corpus is a mistake, not a success.
  return files > 0 ? 0 : 1;
}
