// A zone in memory that answers what an evaluation wants, round by round, until it is settled.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "checker/dns_facts.h"

namespace everup::checker::test {

struct Zone {
  std::map<std::string, std::vector<std::string>> texts, names, addresses;
  std::map<std::string, std::vector<net::MxHost>> mx;
  std::set<std::string> failing;

  net::Records answer(const DnsFacts::Wanted& question) const {
    net::Records out;
    if (failing.contains(question.name)) {
      out.failure = net::LookupFailure::kUnavailable;
      out.detail = "SERVFAIL";
      return out;
    }
    switch (question.type) {
      case net::RecordType::kTxt:
        if (const auto at = texts.find(question.name); at != texts.end()) out.texts = at->second;
        break;
      case net::RecordType::kPtr:
        if (const auto at = names.find(question.name); at != names.end()) out.texts = at->second;
        break;
      case net::RecordType::kMx:
        if (const auto at = mx.find(question.name); at != mx.end()) out.mx = at->second;
        break;
      case net::RecordType::kA:
      case net::RecordType::kAaaa:
        if (const auto at = addresses.find(question.name); at != addresses.end()) {
          for (const std::string& text : at->second) {
            const auto address = *net::Address::parse(text);
            if (address.v4() == (question.type == net::RecordType::kA)) out.addresses.push_back(address);
          }
        }
        break;
    }
    if (out.texts.empty() && out.mx.empty() && out.addresses.empty()) {
      out.failure = net::LookupFailure::kNameError;
      out.no_data = texts.contains(question.name) || mx.contains(question.name) || addresses.contains(question.name);
      out.detail = "nothing there";
    }
    return out;
  }
  // `evaluate` gives an optional; it is called until it is not empty.
  template <class F>
  auto settle(DnsFacts& facts, F&& evaluate) const {
    for (int round = 0; round < 100; ++round) {
      if (auto out = evaluate()) return *out;
      const auto wanted = facts.take_wanted();
      EXPECT_FALSE(wanted.empty()) << "it waits for nothing";
      if (wanted.empty()) break;
      for (const auto& one : wanted) facts.learn(one, answer(one));
    }
    ADD_FAILURE() << "it does not end";
    return typename decltype(evaluate())::value_type{};
  }
};

}  // namespace everup::checker::test
