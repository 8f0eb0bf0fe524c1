// What the browser tools do for whom (SHAPES 21, faults 2.1), as sentences: everybody, and beside that strangers, who
// may not aim them at ports, people or networks. Pure; any thread.
#pragma once

#include <string>

#include "api/api.h"
#include "api/peer.h"
#include "core/monitor.h"
#include "reports/tool_page.h"

namespace everup::api {

// What is wrong with a test that anybody asks for: pointers as in a monitor.
FieldErrors tool_errors(reports::Tool tool, const MonitorDraft& draft);
FieldErrors stranger_errors(reports::Tool tool, const MonitorDraft& draft, const ToolOptions& options);
// EVERUP_PUBLIC_TOOLS; deliverability never is: it makes our name servers ask for whoever likes.
bool open_to_strangers(reports::Tool tool, const ToolOptions& options);
// The same in one paragraph, for the form.
std::string stranger_limits(reports::Tool tool, const ToolOptions& options);
// What a stranger's test leaves out by itself.
void restrain(KindSettings* settings);

// The network that counts as one client: "192.0.2.0/24", "2001:db8:1:2::/64"; "local" for a unix socket.
std::string client_network(const Client& client);

// The JSON body of what the form says, as POST /smtp_tests and /tls_tests take it.
std::string form_as_json(const reports::ToolForm& form);

}  // namespace everup::api
