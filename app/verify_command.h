// `everup verify`: is a report genuine? Reads files, asks nobody.
#pragma once

#include <string>
#include <vector>

namespace everup::app {

struct VerifyWords {
  std::vector<std::string> files;  // several: months of one chain, oldest first
  std::string key;     // everup-keys.json, or a root's public key as base64; empty: any root, which is named
  std::string period;  // refuse reports of another one; empty: any
  bool json = false;
};
// 0 genuine, 1 not (or not readable); reasons on stderr, one a line.
int run_verify(const VerifyWords& words);

}  // namespace everup::app
