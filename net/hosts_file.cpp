#include "net/hosts_file.h"

#include <algorithm>
#include <fstream>

namespace everup::net {
namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Cuts the next word off `line`; empty at the end.
std::string_view next_word(std::string_view& line) {
  const auto begin = std::find_if_not(line.begin(), line.end(), blank);
  const auto end = std::find_if(begin, line.end(), blank);
  const std::string_view word(begin, end);
  line = std::string_view(end, line.end());
  return word;
}

std::string lower_name(std::string_view word) {
  if (word.ends_with('.')) word.remove_suffix(1);
  std::string out(word);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace

bool FileWatch::changed(Instant now) {
  if (asked_ && now < next_) return false;
  struct stat status {};
  if (path_.empty() || ::stat(path_.c_str(), &status) != 0) status = {};
  const bool same = status.st_dev == seen_.st_dev && status.st_ino == seen_.st_ino && status.st_size == seen_.st_size &&
                    status.st_mtim.tv_sec == seen_.st_mtim.tv_sec && status.st_mtim.tv_nsec == seen_.st_mtim.tv_nsec;
  const bool first = !asked_;
  asked_ = true;
  next_ = now + std::chrono::seconds(1);
  seen_ = status;
  return first || !same;
}

const std::vector<Address>* HostsFile::find(const std::string& name, Instant now) {
  if (watch_.path().empty()) return nullptr;
  if (watch_.changed(now)) read();
  const auto at = names_.find(name);
  return at == names_.end() ? nullptr : &at->second;
}

void HostsFile::read() {
  names_.clear();
  std::ifstream in(watch_.path(), std::ios::binary);
  std::string text(kBytesMax, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    add_line(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
}

void HostsFile::add_line(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const auto address = Address::parse(next_word(line));  // a zone id makes it unusable: skipped
  if (!address) return;
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
    std::vector<Address>& known = names_[lower_name(word)];
    if (known.size() < kAddressesMax && std::find(known.begin(), known.end(), *address) == known.end())
      known.push_back(*address);
  }
}

}  // namespace everup::net
