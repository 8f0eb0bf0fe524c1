// What went wrong in PostgreSQL, translated once: SQLSTATE → what the caller has to do about it (RULES A 8,
// faults 1.1). Pure; the translation of pqxx exceptions is in session.cpp, the only place that catches them.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace everup::db {

enum class Fault {
  kNone,
  kRetry,      // 40001, 40P01, 55P03, 57014, 57P0x, 53xxx, 58xxx, 25006: nothing was done; the same again may work
  kUnique,     // 23505: the key exists
  kPartition,  // 23514: no partition takes the row, or a CHECK refused it
  kData,       // 22xxx, 23xxx: this row will never be accepted
  kInDoubt,    // the connection died inside COMMIT
  kLost,       // the connection is gone; the transaction did not commit
  kDenied,     // 28xxx, 42501, 3D000: access
  kBug,        // everything else: our SQL is wrong
};
std::string_view name(Fault fault);

struct SqlFailure {
  Fault fault = Fault::kNone;
  std::string sqlstate;    // five characters, or empty
  std::string message;     // PostgreSQL's first line, without parameters of ours
  std::string constraint;  // best effort: empty when the server speaks another language
  // Whether a unique or check violation is about this constraint, in whatever language the message is.
  bool concerns(std::string_view name) const {
    return (fault == Fault::kUnique || fault == Fault::kPartition || fault == Fault::kData) &&
           message.find(name) != std::string::npos;
  }
};

// By SQLSTATE alone; the empty one is kBug.
Fault fault_of(std::string_view sqlstate);
// "context: message (SQLSTATE)". kRetry, kLost → kUnavailable · kUnique → kConflict · kPartition, kData → kInvalid ·
// kInDoubt → kInDoubt · kDenied → kRefused · kBug → kInternal. A 57014 or a loss at our own deadline is kTimeout
// (`timed_out`).
Error error_of(const SqlFailure& failure, std::string_view context, bool timed_out = false);

}  // namespace everup::db
