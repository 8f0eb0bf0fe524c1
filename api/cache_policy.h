// Which answers may be kept by whom (INTERFACE 6, conventions 4.3), and the fields that guard what browsers show. Pure.
#pragma once

#include "api/http_response.h"
#include "api/routes.h"

namespace everup::api {

// Cache-Control (unless the handler set one), ETag where the class has one and the handler gave none, security fields.
void apply_cache_policy(CacheClass cache, HttpResponse* response);
// Seconds until a shared cache asks again; 0: never kept.
int shared_max_age_s(CacheClass cache);

}  // namespace everup::api
