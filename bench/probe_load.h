// Looks in a closed loop: `in_flight` at a time until `count` are done, on one loop thread, and the CPU time this
// process spent on each.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "checker/make_probe.h"
#include "core/target.h"
#include "net/address_policy.h"
#include "net/clock.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace everup::bench {

inline double cpu_us() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

class ProbeLoad {
 public:
  ProbeLoad(const std::string& hosts_file, const std::string& ca_file)
      : loop_(clock_), policy_(*net::AllowList::parse("loopback")), resolver_(loop_, options(hosts_file)) {
    auto made = checker::Probes::make(loop_, resolver_, policy_, {"Everup/1.0", ca_file});
    if (!made.ok()) {
      std::fprintf(stderr, "%s\n", made.error().what.c_str());
      std::exit(1);
    }
    probes_ = std::move(*made);
  }
  // CPU µs per look; every look must be up.
  double run(const std::vector<std::string>& urls, int count, int in_flight,
             std::shared_ptr<const KindSettings> settings = nullptr) {
    plans_.clear();
    for (const std::string& url : urls) {
      CheckPlan plan;
      plan.url = url;
      plan.kind = parse_target(url)->kind;
      plan.settings = settings;
      plans_.push_back(plan);
    }
    slots_.clear();
    slots_.resize(static_cast<std::size_t>(in_flight));
    left_ = count, done_ = 0, failed_ = 0;
    const double before = cpu_us();
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) start(slot);
    while (done_ < count) loop_.run_once(std::chrono::milliseconds(1000));
    const double spent = cpu_us() - before;
    if (failed_ > 0) std::fprintf(stderr, "%d of %d looks failed: %s\n", failed_, count, why_.c_str());
    return spent / count;
  }

 private:
  static net::ResolverOptions options(const std::string& hosts_file) {
    net::ResolverOptions result;
    result.hosts_file = hosts_file;
    return result;
  }
  void start(std::size_t slot) {
    if (left_ == 0) return;
    --left_;
    checker::Question question;
    question.plan = &plans_[static_cast<std::size_t>(left_) % plans_.size()];
    question.deadline = loop_.now().mono + std::chrono::seconds(30);
    question.want_evidence = false;
    slots_[slot] = probes_->start(question, [this, slot](Outcome&& outcome) {
      ++done_;
      if (outcome.verdict != Verdict::kUp)
        ++failed_, why_ = std::string(facts(outcome.cause).slug) + " " + outcome.detail;
      start(slot);
    });
  }

  net::SystemClock clock_;
  net::Loop loop_;
  net::AddressPolicy policy_;
  net::Resolver resolver_;
  std::unique_ptr<checker::Probes> probes_;
  std::vector<CheckPlan> plans_;
  std::vector<std::unique_ptr<checker::Probe>> slots_;
  int left_ = 0, done_ = 0, failed_ = 0;
  std::string why_;
};

}  // namespace everup::bench
