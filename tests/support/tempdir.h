// A directory of a test's own, removed with everything in it when the object goes. Header-only, any thread, one owner.
// The path is short (/tmp/everup-XXXXXX) because unix socket paths end at 107 bytes.
#pragma once

#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace everup::test {

class TempDir {
 public:
  TempDir() {
    std::string pattern = "/tmp/everup-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
    if (chmod(path_.c_str(), 0755) != 0) throw std::runtime_error("chmod failed");  // servers that drop root must enter
  }
  ~TempDir() {
    std::error_code ignored;  // a test's leftovers are not its verdict
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Writes a file below the directory and gives its full path.
  std::string write(std::string_view name, std::string_view content) const {
    const std::string full = file(name);
    std::ofstream out(full, std::ios::binary | std::ios::trunc);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + full);
    return full;
  }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

}  // namespace everup::test
