// The zones of the system's tzdata behind core/zone.h. Made once by app and shared; every call may come from any
// thread. What find() returned lives as long as this. At most as many zones are kept as tzdata knows (about 600), each
// when first asked for. "UTC" is always there, even where tzdata is not installed; without it every other name is
// unknown. Known weakness: Hinnant's date 3.0.1 does not read the rule at the end of a tzdata file, so after 2037 the
// last listed offset holds.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/zone.h"

namespace everup {

class TzdbZones : public Zones {
 public:
  TzdbZones();
  ~TzdbZones() override;
  TzdbZones(const TzdbZones&) = delete;
  TzdbZones& operator=(const TzdbZones&) = delete;
  const Zone* find(std::string_view iana_name) const override;

 private:
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::unique_ptr<const Zone>, std::less<>> found_;  // guarded by mutex_
};

}  // namespace everup
