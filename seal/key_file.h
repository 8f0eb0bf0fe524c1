// Where the box's key comes from: EVERUP_SECRET_KEY (32 bytes as base64, either alphabet, padding optional) or a file
// made once with mode 0600 (DATA_DIR/secret.key). A file that others can read is refused.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "seal/box.h"

namespace everup::seal {

// kInvalid says what is expected and never repeats the text.
Result<KeyBytes> parse_key(std::string_view base64);
std::string print_key(const KeyBytes& key);
// Reads the file; makes it with a random key when absent and `create` (durably: written beside, fsync, linked; a
// concurrent maker wins). kNotFound: absent. kRefused: its mode lets others read it. kCorrupt: not a key.
Result<KeyBytes> key_from_file(const std::string& path, bool create);

}  // namespace everup::seal
