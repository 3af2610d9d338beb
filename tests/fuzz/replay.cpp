// Feeds a fuzz target the files and folders named on the command line, without libFuzzer: the kept
// corpus as a test of every build, under every sanitizer.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include "input.hpp"

namespace {

namespace fs = std::filesystem;

void replay(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  // Named before it runs: whoever sees the crash knows which input it was.
  std::cout << file.string() << std::endl;
  // A copy without slack behind it: reading past the end is then an error under a sanitizer.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  (void)LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) {
    const fs::path named = argv[i];
    if (!fs::is_directory(named)) {
      replay(named);
      ++count;
      continue;
    }
    for (const auto& entry : fs::directory_iterator(named)) {
      replay(entry.path());
      ++count;
    }
  }
  std::cout << count << " inputs\n";
  return count == 0 ? 1 : 0;
}
