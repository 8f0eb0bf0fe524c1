// The house rules as functions over file texts, so that the rules themselves can be tested. Best effort on text, no
// compiler: what clang-format lays out is what they expect. Test code only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace everup::tidy {

struct File {
  std::string path;  // from the repository's root, "net/loop.cpp"
  std::string text;
};
struct Complaint {
  std::string path;
  int line = 0;
  std::string what;
};
using Complaints = std::vector<Complaint>;

std::string printed(const Complaints& complaints);  // "path:line: what", one a line

// Text with comments and the insides of string and character literals blanked; line numbers stay.
std::string code_only(std::string_view text);

Complaints check_includes(const File& file);     // the stairwell, and one home per foreign header
Complaints check_lengths(const File& file);      // 600 lines a file (tests 1200), 70 a function
Complaints check_words(const File& file);        // banned words in any text file
Complaints check_code_words(const File& file);   // banned constructs in C++
Complaints check_opening(const File& file);      // every file begins by saying what it is
Complaints check_name(const std::string& path);  // a thing without a home has no name yet
Complaints check(const File& file);              // all that apply to this kind of file

bool is_cpp(std::string_view path);
bool is_text(std::string_view path);

}  // namespace everup::tidy
