// Places: order, lanes, groups, and that no place stays empty while somebody could use it.
#include "scheduler/admission.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>

namespace everup::scheduler {
namespace {

WaitingLook look(std::int64_t order, std::uint32_t monitor, std::uint64_t address, std::int64_t account = 1,
                 bool recheck = false) {
  WaitingLook made;
  made.order = order;
  made.monitor = monitor;
  made.address = address;
  made.account = account;
  made.recheck = recheck;
  return made;
}

TEST(Admission, TheEarliestDueStartsFirst) {
  Admission admission({10, 10, 10, 10});
  for (const std::int64_t order : {30, 10, 20}) admission.wait(look(order, static_cast<std::uint32_t>(order), 1));
  EXPECT_EQ(admission.admit()->order, 10);
  EXPECT_EQ(admission.admit()->order, 20);
  EXPECT_EQ(admission.admit()->order, 30);
  EXPECT_FALSE(admission.admit());
}

TEST(Admission, AFullAddressBlocksNobodyElse) {
  Admission admission({100, 10, 100, 2});
  for (std::uint32_t i = 0; i < 50; ++i) admission.wait(look(i, i, 1));
  admission.wait(look(99, 99, 2));
  std::vector<WaitingLook> started;
  while (const auto next = admission.admit()) started.push_back(*next);
  ASSERT_EQ(started.size(), 3U);
  EXPECT_EQ(started[2].monitor, 99U);
  admission.release(started[0]);
  EXPECT_EQ(admission.admit()->monitor, 2U) << "the next in order, not the last";
  EXPECT_FALSE(admission.admit());
}

TEST(Admission, ReChecksHaveTheirOwnPlaces) {
  Admission admission({2, 1, 100, 100});
  for (std::uint32_t i = 0; i < 10; ++i) admission.wait(look(i, i, i, 1, true));
  for (std::uint32_t i = 10; i < 13; ++i) admission.wait(look(i, i, i));
  int slots = 0, rechecks = 0;
  while (const auto next = admission.admit()) (next->recheck ? rechecks : slots)++;
  EXPECT_EQ(slots, 2);
  EXPECT_EQ(rechecks, 1);
}

TEST(Admission, AWakeThatCannotBeUsedIsPassedOn) {
  Admission admission({100, 10, 1, 1});
  admission.wait(look(1, 1, 1, 10));  // runs: address 1, account 10
  admission.wait(look(2, 2, 2, 20));  // runs: address 2, account 20
  const auto first = admission.admit();
  ASSERT_TRUE(admission.admit());
  admission.wait(look(3, 3, 1, 20));  // parked at address 1; its account 20 is full, too
  admission.wait(look(4, 4, 1, 30));  // parked at address 1; could run as soon as address 1 is free
  EXPECT_FALSE(admission.admit());
  admission.release(*first);
  const auto next = admission.admit();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->monitor, 4U);
}

TEST(Admission, LargerLimitsWakeWhoWaits) {
  Admission admission({100, 10, 100, 2});
  for (std::uint32_t i = 0; i < 50; ++i) admission.wait(look(i, i, 1));
  while (admission.admit()) {
  }
  EXPECT_EQ(admission.in_flight(), 2);
  admission.set_limits({100, 10, 100, 20});
  while (admission.admit()) {
  }
  EXPECT_EQ(admission.in_flight(), 20);
  admission.set_limits({100, 10, 100, 3});
  EXPECT_FALSE(admission.admit());
}

// Any order of waiting, starting and ending: limits hold, and when nobody is admitted nobody could be. Now and then the
// limits change; what runs may then be too many, but nobody is added.
TEST(Admission, WorkConserving) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    AdmissionLimits limits{8, 3, 5, 3};
    Admission admission(limits);
    std::map<std::uint32_t, WaitingLook> waits;
    std::deque<WaitingLook> runs;
    std::map<std::uint64_t, int> addresses;
    std::map<std::int64_t, int> accounts;
    int lanes[2] = {0, 0};
    for (std::uint32_t step = 0; step < 2'000; ++step) {
      if (random() % 2 == 0) {
        const auto made = look(step, step, random() % 6, random() % 4, random() % 4 == 0);
        waits[step] = made;
        admission.wait(made);
      } else if (!runs.empty()) {
        const WaitingLook over = runs.front();
        runs.pop_front();
        --addresses[over.address], --accounts[over.account], --lanes[over.recheck];
        admission.release(over);
      }
      if (random() % 50 == 0) {
        const int more = static_cast<int>(random() % 4);
        limits = {6 + more, 2 + more / 2, 4 + more, 2 + more};
        admission.set_limits(limits);
      }
      while (const auto next = admission.admit()) {
        ASSERT_EQ(waits.erase(next->monitor), 1U);
        runs.push_back(*next);
        ASSERT_LE(++addresses[next->address], limits.address);
        ASSERT_LE(++accounts[next->account], limits.account);
        ASSERT_LE(++lanes[next->recheck], next->recheck ? limits.rechecks : limits.slots);
      }
      ASSERT_EQ(admission.waiting(), waits.size());
      for (const auto& [monitor, one] : waits) {
        const bool could = addresses[one.address] < limits.address && accounts[one.account] < limits.account &&
                           lanes[one.recheck] < (one.recheck ? limits.rechecks : limits.slots);
        ASSERT_FALSE(could) << "seed " << seed << " step " << step << " monitor " << monitor;
      }
    }
  }
}

TEST(Admission, LimitsOfAWorker) {
  const AdmissionLimits small = admission_limits(140, 512, 2);
  EXPECT_EQ(small.slots + small.rechecks, 35);
  EXPECT_GE(small.address, 1);
  const AdmissionLimits large = admission_limits(100'000, 512, 2);
  EXPECT_EQ(large.address, 256);
  // A limit that is no limit: 1 700 checks/s of 500 ms to one address are 850 in flight, whatever `ulimit -n` allows
  // from 4 096 on.
  for (const std::int64_t descriptors : {4'000, 1'000'000}) {
    for (const int workers : {1, 2, 8}) {
      const AdmissionLimits open = admission_limits(descriptors, 100'000, workers);
      EXPECT_GE(open.address * workers, 1'300) << descriptors << " for " << workers;
      EXPECT_GE(open.account * workers, 1'300) << descriptors << " for " << workers;
      EXPECT_LT(open.account, open.slots);
    }
  }
  EXPECT_GE(admission_limits(0, 1, 8).slots, 1);
}

TEST(Admission, AddressKeyIsTheAuthority) {
  EXPECT_EQ(address_key("https://a.example/x"), address_key("https://a.example/y?z#w"));
  EXPECT_EQ(address_key("https://a.example"), address_key("https://a.example/"));
  EXPECT_NE(address_key("https://a.example/"), address_key("https://b.example/"));
  EXPECT_NE(address_key("https://a.example:444/"), address_key("https://a.example/"));
}

}  // namespace
}  // namespace everup::scheduler
