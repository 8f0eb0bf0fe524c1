// `everup incident list|show|ack` and `everup channel list|add|test`: the API's incidents and channels from a shell.
#pragma once

#include <string>

#include "app/api_client.h"

namespace everup::app {

struct ChannelAdd {
  std::string place;            // an e-mail address, or a URL (a webhook, unless --kind says otherwise)
  std::string kind, name;       // empty: by the place
  std::string definition_file;  // a JSON object of the API, "-" for standard input
};

// Each prints on stdout (`json`: the API's own answer) and returns the exit code: 0 done, 1 failed, 2 usage.
int incident_list(const ApiClient& api, const std::string& state, const std::string& monitor, bool json);
int incident_show(const ApiClient& api, const std::string& id, bool json);
int incident_ack(const ApiClient& api, const std::string& id, bool json);
int channel_list(const ApiClient& api, bool json);
int channel_add(const ApiClient& api, const ChannelAdd& add, bool json);
// 1 when the test was not delivered, or not yet.
int channel_test(const ApiClient& api, const std::string& id, bool json);

}  // namespace everup::app
