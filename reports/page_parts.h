// What the overview and the calendar pages have in common: model values → fields of the fragments in page_text.h. Pure;
// any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/page_template.h"
#include "reports/report.h"

namespace everup::reports {

inline constexpr std::size_t kNameBytesMax = 2048;  // of a name or target on a page

std::string percent_text(const std::optional<std::int64_t>& thousandths);  // "99.98%", "n/a"
std::string time_or_dash(std::int64_t ms);
// The colour of a figure: any visible down is not green.
std::string_view tone_of(const Uptime& uptime);

// <svg>: a shape for each state, so that colour is never the only sign.
std::string icon_of(State state);

// A row of a table of days or months.
Fields part_fields(const std::string& name, const std::string& href, const Tally& tally, const Uptime& uptime);

struct DownList {
  const std::vector<Down>* downs = nullptr;
  std::size_t left_out = 0;
  std::string caption;    // "The last 365 days"
  std::string open_text;  // "not over yet"
  std::string none_text;  // when there are none
  std::int64_t glitches = 0, corrections = 0;
};
void add_downs(Fields& page, const DownList& list, const Zone& zone);
// Nothing when there is no chart; says so when it is empty.
void add_chart(Fields& page, const std::optional<LatencyChart>& chart, const Zone& zone);
struct Files {
  std::string json_url, csv_url, badge_url, version;
};
void add_foot(Fields& page, const Files& files);

}  // namespace everup::reports
