// libsodium wants sodium_init() before anything else. Internal to seal/.
#pragma once

namespace everup::seal {

// Aborts when the system has no randomness. Any thread, as often as you like.
void start_sodium();

}  // namespace everup::seal
