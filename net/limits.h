// How many descriptors we may have and have: our exhaustion must never look like their outage (RULES D 10, DESIGN
// decision 16). Thread: any. Errors are Results with the system's words.
#pragma once

#include <cstdint>

#include "core/result.h"

namespace everup::net {

inline constexpr std::int64_t kDescriptorsSpare = 16;  // never admitted to checks
inline constexpr std::int64_t kDescriptorsMin = 128;   // below this start-up refuses with exit 78

// Raises the soft limit to the hard one (at most 1 048 576) and returns what then holds.
Result<std::int64_t> raise_descriptor_limit();
Result<std::int64_t> descriptor_limit();
// Really open ones: the entries of /proc/self/fd. One stat() since Linux 6.2; before, 1 to 4 µs each: ask every few
// seconds then.
Result<std::int64_t> open_descriptors();
// limit − open − kDescriptorsSpare, at least 0: so many descriptors may checks still open.
Result<std::int64_t> descriptor_room();
// What start-up says: kExhausted with the setting to change (ulimit -n, LimitNOFILE) when the limit is below
// kDescriptorsMin.
Status enough_descriptors(std::int64_t limit);

}  // namespace everup::net
