// A process that holds a data directory and its private cluster until its stdin ends, for tests that kill it.
// Usage: cluster_holder DATA_DIR USER
#include <unistd.h>

#include <cstdio>

#include "db/data_dir.h"
#include "db/private_cluster.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  auto dir = everup::db::DataDir::hold(argv[1], argv[2]);
  if (!dir) return std::printf("%s\n", dir.error().what.c_str()), std::fflush(stdout), 1;
  everup::db::ClusterOptions options;
  options.data_dir = argv[1], options.user = argv[2], options.durable = false;
  auto cluster = everup::db::PrivateCluster::start(options);
  if (!cluster) return std::printf("%s\n", cluster.error().what.c_str()), std::fflush(stdout), 1;
  std::printf("ready %d.\n", cluster->pid());
  std::fflush(stdout);
  char byte = 0;
  while (read(0, &byte, 1) > 0) {
  }
  return cluster->stop() ? 0 : 1;
}
