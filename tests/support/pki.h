// A certification authority of a test's own, by the openssl command. Everything lies in the test's TempDir. Keys are
// P-256: made in no time.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/tempdir.h"

namespace everup::test {

struct CertificateFiles {
  std::string certificate, key;  // PEM paths
};

class TestCa {
 public:
  explicit TestCa(const TempDir& dir, std::string name = "ca") : dir_(dir), name_(std::move(name)) {
    run_tool({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
              "3650", "-subj", "/CN=Everup test " + name_, "-keyout", key(), "-out", certificate()});
    dir_.write(name_ + ".index", "");
    dir_.write(name_ + ".serial", "1000\n");
    dir_.write(name_ + ".cnf", "[ca]\ndefault_ca=it\n[it]\ndatabase=" + path(".index") + "\nserial=" + path(".serial") +
                                   "\nnew_certs_dir=" + dir_.path() + "\ncertificate=" + certificate() +
                                   "\nprivate_key=" + key() +
                                   "\ndefault_md=sha256\npolicy=any\nunique_subject=no\ncopy_extensions=copy\n" +
                                   "default_days=30\n[any]\ncommonName=supplied\n");
  }

  std::string certificate() const { return path(".crt"); }
  std::string pem() const { return read_file(certificate()); }

  // `usage`: extendedKeyUsage, when not empty. `names` as in subjectAltName ("DNS:shop.test,IP:127.0.0.1"); dates as
  // YYYYMMDDHHMMSSZ, empty: valid now, for 30 days.
  CertificateFiles issue(const std::string& file, const std::string& names, const std::string& from = {},
                         const std::string& until = {}, const std::string& usage = {}) {
    const CertificateFiles files{dir_.file(file + ".crt"), dir_.file(file + ".key")};
    const std::string request = dir_.file(file + ".csr");
    std::vector<std::string> ask = {"openssl",
                                    "req",
                                    "-new",
                                    "-newkey",
                                    "ec",
                                    "-pkeyopt",
                                    "ec_paramgen_curve:P-256",
                                    "-nodes",
                                    "-subj",
                                    "/CN=" + file,
                                    "-addext",
                                    "subjectAltName=" + names,
                                    "-keyout",
                                    files.key,
                                    "-out",
                                    request};
    if (!usage.empty()) ask.insert(ask.end(), {"-addext", "extendedKeyUsage=" + usage});
    run_tool(ask);
    std::vector<std::string> sign = {"openssl",    "ca",  "-batch", "-notext", "-config",
                                     path(".cnf"), "-in", request,  "-out",    files.certificate};
    if (!from.empty()) sign.insert(sign.end(), {"-startdate", from});
    if (!until.empty()) sign.insert(sign.end(), {"-enddate", until});
    run_tool(sign);
    return files;
  }
  // Signed by nobody but itself.
  CertificateFiles self_signed(const std::string& file, const std::string& names) const {
    const CertificateFiles files{dir_.file(file + ".crt"), dir_.file(file + ".key")};
    run_tool({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
              "30", "-subj", "/CN=" + file, "-addext", "subjectAltName=" + names, "-keyout", files.key, "-out",
              files.certificate});
    return files;
  }
  // Revokes it and gives the path of the OCSP answer (DER) that says so, for s_server -status_file.
  std::string revoke(const CertificateFiles& files) {
    run_tool({"openssl", "ca", "-config", path(".cnf"), "-revoke", files.certificate});
    return staple(files);
  }
  // The OCSP answer about it as things stand.
  std::string staple(const CertificateFiles& files) {
    const std::string answer = files.certificate + ".ocsp";
    run_tool({"openssl", "ocsp", "-index", path(".index"), "-rsigner", certificate(), "-rkey", key(), "-CA",
              certificate(), "-issuer", certificate(), "-cert", files.certificate, "-respout", answer, "-ndays", "1",
              "-noverify"});
    return answer;
  }

 private:
  std::string path(const std::string& ending) const { return dir_.file(name_ + ending); }
  std::string key() const { return path(".key"); }

  const TempDir& dir_;
  std::string name_;
};

}  // namespace everup::test
