// bench-manager: what the transaction manager itself costs, without a database.
//
//   bench-manager <log directory> [threads [transactions of each]]
//
// Two resource managers that answer XA_OK at once take part in every transaction, so what is
// measured is bookkeeping and the decision log. In a directory in memory (/dev/shm) only the
// bookkeeping is left; on a disk the difference is what fdatasync costs there.
#include <sys/resource.h>
#include <xabridge/xa.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>
#include <xabridge/transaction_manager.hpp>

namespace {

int connection(char*, int, long) { return XA_OK; }
int branch(XID*, int, long) { return XA_OK; }
int none(XID*, long, int, long) { return 0; }
int complete(int*, int*, int, long) { return XAER_PROTO; }

const xa_switch_t kNothingToDo{"nothing to do", TMNOFLAGS, 0,      connection, connection, branch,
                               branch,          branch,    branch, branch,     none,       branch,
                               complete};

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

long number(char** arguments, int count, int index, long otherwise) {
  return index < count ? std::atol(arguments[index]) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench-manager <log directory> [threads [transactions]]\n");
    return 2;
  }
  const long threads = number(argv, argc, 2, 1);
  const long each = number(argv, argc, 3, 50'000);
  xabridge::Config config;
  config.log_directory = argv[1];
  for (const char* name : {"one", "two"}) {
    config.resource_managers.push_back({name, {}, {}, &kNothingToDo, nullptr});
  }
  xabridge::TransactionManager manager(config);

  const auto begun = std::chrono::steady_clock::now();
  const double processor_before = processor_seconds();
  std::vector<std::thread> workers;
  for (long t = 0; t < threads; ++t) {
    workers.emplace_back([&] {
      for (long i = 0; i < each; ++i) {
        xabridge::Transaction transaction = manager.begin();
        transaction.enlist("one");
        transaction.enlist("two");
        if (!transaction.commit().committed()) std::abort();
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  const double processor = processor_seconds() - processor_before;
  const auto total = static_cast<double>(threads * each);
  std::printf("%ld threads: %.0f transactions/s, %.2f us of processor time each\n", threads,
              total / took.count(), processor / total * 1e6);
  return 0;
}
