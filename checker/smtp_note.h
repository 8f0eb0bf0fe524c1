// What a line of a mail dialogue means, for people: what this step is, where it is written, what a good answer looks
// like. Pure; the line itself is all that is asked, so stored transcripts are annotated as well as live ones.
#pragma once

#include <string_view>

#include "core/transcript.h"

namespace everup::checker {

std::string_view smtp_note(const TranscriptLine& line);  // empty: it speaks for itself

}  // namespace everup::checker
