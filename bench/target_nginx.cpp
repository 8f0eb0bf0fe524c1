#include "bench/target_nginx.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "bench/process.h"

namespace everup::bench {
namespace {

constexpr const char* kEchoModule = "/usr/lib/nginx/modules/ngx_http_echo_module.so";

void write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  out << text;
  if (!out.flush()) give_up("cannot write " + path);
}

void make_certificates(const std::string& dir, const std::string& names) {
  const auto path = [&](const char* name) { return dir + "/" + name; };
  write_file(path("san"), "subjectAltName=" + names + "\n");
  output_of({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
             "-subj", "/CN=Everup bench CA", "-keyout", path("ca.key"), "-out", path("ca.pem"), "-addext",
             "keyUsage=keyCertSign"});
  output_of({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             "/CN=localhost", "-keyout", path("leaf.key"), "-out", path("leaf.csr")});
  output_of({"openssl", "x509", "-req", "-in", path("leaf.csr"), "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
             "-CAcreateserial", "-days", "20", "-extfile", path("san"), "-out", path("leaf.pem")});
}

std::string configuration(const NginxOptions& o) {
  const bool echo = std::filesystem::exists(kEchoModule);
  if (!echo && !o.https)
    give_up("the slow third of the targets needs nginx's echo module: apt-get install libnginx-mod-http-echo");
  return fmt::format(
      R"({echo_load}daemon off; master_process off; error_log {dir}/error.log; pid {dir}/nginx.pid;
worker_rlimit_nofile 65536;
events {{ worker_connections 32768; accept_mutex off; }}
http {{
  log_format bench '$msec $request_time $uri';
  access_log {dir}/access.log bench buffer=256k flush=1s;
  client_body_temp_path {dir}/t; proxy_temp_path {dir}/t; fastcgi_temp_path {dir}/t; uwsgi_temp_path {dir}/t; scgi_temp_path {dir}/t;
  keepalive_timeout 0; tcp_nodelay on;
  server {{
    listen {listen}:{port}{ssl} backlog=65535 reuseport;
    {certificates}
    location / {{ return 200 "ok\n"; }}
    {slow}
  }}
}}
)",
      fmt::arg("echo_load", echo ? fmt::format("load_module {};\n", kEchoModule) : ""), fmt::arg("dir", o.directory),
      fmt::arg("listen", "0.0.0.0"), fmt::arg("port", o.port), fmt::arg("ssl", o.https ? " ssl" : ""),
      fmt::arg("certificates",
               o.https
                   ? fmt::format("ssl_certificate {0}/leaf.pem; ssl_certificate_key {0}/leaf.key; ssl_session_tickets "
                                 "off; ssl_session_cache off;",
                                 o.directory)
                   : ""),
      fmt::arg("slow", echo ? "location /slow/ { echo_sleep 0.5; echo ok; }" : ""));
}

bool answers(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool ok = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return ok;
}

}  // namespace

TargetNginx::TargetNginx(const NginxOptions& options) : options_(options) {
  if (options.https) make_certificates(options.directory, options.names);
  write_file(options.directory + "/nginx.conf", configuration(options));
  pid_ = spawn({"nginx", "-c", options.directory + "/nginx.conf", "-p", options.directory}, {},
               options.directory + "/nginx.out");
  for (int i = 0; i < 200; ++i) {
    if (answers(options.port)) return;
    poll(nullptr, 0, 50);
  }
  give_up("nginx did not come up; see " + options.directory + "/nginx.out");
}

TargetNginx::~TargetNginx() { stop(pid_, SIGTERM); }

}  // namespace everup::bench
