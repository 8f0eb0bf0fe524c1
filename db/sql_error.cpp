// See sql_error.h. The lists follow appendix A of PostgreSQL 15's manual.
#include "db/sql_error.h"

#include <algorithm>
#include <array>

namespace everup::db {

std::string_view name(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "none";
    case Fault::kRetry:
      return "retry";
    case Fault::kUnique:
      return "unique";
    case Fault::kPartition:
      return "partition";
    case Fault::kData:
      return "data";
    case Fault::kInDoubt:
      return "in_doubt";
    case Fault::kLost:
      return "lost";
    case Fault::kDenied:
      return "denied";
    case Fault::kBug:
      return "bug";
  }
  return "bug";
}

Fault fault_of(std::string_view sqlstate) {
  if (sqlstate.size() != 5) return Fault::kBug;
  if (sqlstate == "23505") return Fault::kUnique;
  if (sqlstate == "23514") return Fault::kPartition;
  // A read-only standby, locks not granted in time, a cancelled statement, a server going down or coming up, one whose
  // own disk or memory failed (58, 53): ask again.
  static constexpr std::array<std::string_view, 4> kAgain{"25006", "55P03", "57014", "25P03"};
  if (std::find(kAgain.begin(), kAgain.end(), sqlstate) != kAgain.end()) return Fault::kRetry;
  const std::string_view group = sqlstate.substr(0, 2);
  if (group == "40" || group == "53" || group == "58" || sqlstate.starts_with("57P")) return Fault::kRetry;
  if (group == "08") return Fault::kLost;
  if (group == "22" || group == "23" || group == "44") return Fault::kData;
  if (group == "28" || sqlstate == "42501" || sqlstate == "3D000") return Fault::kDenied;
  return Fault::kBug;
}

namespace {
ErrorCode code_of(Fault fault) {
  switch (fault) {
    case Fault::kRetry:
    case Fault::kLost:
      return ErrorCode::kUnavailable;
    case Fault::kUnique:
      return ErrorCode::kConflict;
    case Fault::kPartition:
    case Fault::kData:
      return ErrorCode::kInvalid;
    case Fault::kInDoubt:
      return ErrorCode::kInDoubt;
    case Fault::kDenied:
      return ErrorCode::kRefused;
    case Fault::kNone:
    case Fault::kBug:
      return ErrorCode::kInternal;
  }
  return ErrorCode::kInternal;
}
}  // namespace

Error error_of(const SqlFailure& failure, std::string_view context, bool timed_out) {
  Error error{code_of(failure.fault), std::string(context) + ": " + failure.message};
  if (!failure.sqlstate.empty()) error.what += " (" + failure.sqlstate + ")";
  if (timed_out && failure.fault != Fault::kInDoubt) {
    error = {ErrorCode::kTimeout, std::string(context) + ": PostgreSQL did not answer before the deadline"};
  } else if (timed_out) {
    error.what = std::string(context) +
                 ": PostgreSQL did not answer COMMIT before the deadline; it may or may not have happened";
  }
  return error;
}

}  // namespace everup::db
