// What one turn at a message brought: every try with its words, and when the next makes sense. Shared by mail and
// webhooks; the courier turns it into the outbox's words.
#pragma once

#include <optional>
#include <vector>

#include "core/alert.h"
#include "core/time.h"

namespace everup::alerts {

struct Turn {
  std::vector<Attempt> attempts;           // oldest first, one at least; the last one's result is the message's
  std::optional<milliseconds> not_before;  // asked for by the other side, or our relays rest so long
};

}  // namespace everup::alerts
