// The --work library of the file resource manager: what the conformance suite asks of its users.
#include <atomic>
#include <cstring>
#include <sstream>
#include <string>

#include "../rm/work.h"
#include "file_rm.h"

namespace {

std::string directory;

thread_local std::string said;

int answer(int code, const char* what) {
  if (code == FILE_RM_OK) return XA_CONFORMANCE_DONE;
  said = std::string(what) + " answered " + std::to_string(code);
  return code == FILE_RM_NOT_FOUND ? XA_CONFORMANCE_ABSENT : XA_CONFORMANCE_FAILED;
}

const char* reason() { return said.c_str(); }

int attach(const void*, const char* open_string) {
  std::istringstream words(open_string);
  for (std::string word; words >> word;) {
    if (word.starts_with("directory=")) directory = word.substr(std::strlen("directory="));
  }
  const int cleared = file_rm_clear(directory.c_str());
  // Never opened yet: nothing to clear.
  return cleared == FILE_RM_LOST ? XA_CONFORMANCE_DONE : answer(cleared, "file_rm_clear");
}

void detach() { (void)file_rm_clear(directory.c_str()); }

int touch(int rmid) {
  static std::atomic<int> number{0};
  // Reading locks: two branches that touch must not meet.
  const std::string key = "touched." + std::to_string(++number);
  char value[8];
  const int code = file_rm_get(rmid, key.c_str(), value, sizeof value);
  return code == FILE_RM_NOT_FOUND ? XA_CONFORMANCE_DONE : answer(code, "file_rm_get");
}

int write(int rmid, const char* key, const char* value) {
  return answer(file_rm_put(rmid, key, value), "file_rm_put");
}

int read(int rmid, const char* key, char* value, long size) {
  return answer(file_rm_get(rmid, key, value, size), "file_rm_get");
}

int doom(int) { return answer(file_rm_doom(directory.c_str()), "file_rm_doom"); }

int refuse_later(int rmid) {
  return answer(file_rm_put(rmid, "positive.balance", "-1"), "file_rm_put");
}

int read_outside(const char* key, char* value, long size) {
  return answer(file_rm_read(directory.c_str(), key, value, size), "file_rm_read");
}

int native_begin(int rmid) {
  // With TMREGISTER the first use of a key registers, and the null XID begins local work.
  int code = file_rm_put(rmid, "native", "1");
  if (code == FILE_RM_NO_WORK) code = file_rm_begin(rmid);
  return answer(code, "file_rm_begin");
}

int native_end(int rmid) { return answer(file_rm_rollback(rmid), "file_rm_rollback"); }

int native_prepare() { return answer(file_rm_native(directory.c_str(), 1), "file_rm_native"); }
int native_unprepare() { return answer(file_rm_native(directory.c_str(), 0), "file_rm_native"); }

int decide(const XID* xid, int commit) {
  const long decided = file_rm_decide(directory.c_str(), xid, commit);
  return answer(decided == 1 ? FILE_RM_OK : FILE_RM_FAILED, "file_rm_decide");
}
int operator_commit(const XID* xid) { return decide(xid, 1); }
int operator_rollback(const XID* xid) { return decide(xid, 0); }

int cut_session(const XID*, int) {
  return answer(file_rm_restart(directory.c_str()), "file_rm_restart");
}

int keep_busy(const XID*) { return answer(file_rm_busy(directory.c_str(), 1), "file_rm_busy"); }
int end_busy(const XID*) { return answer(file_rm_busy(directory.c_str(), 0), "file_rm_busy"); }

}  // namespace

extern "C" __attribute__((visibility("default")))
const xa_conformance_work_t xa_conformance_work = {XA_CONFORMANCE_VERSION,
                                                   "file_rm",
                                                   reason,
                                                   attach,
                                                   detach,
                                                   touch,
                                                   write,
                                                   read,
                                                   doom,
                                                   refuse_later,
                                                   read_outside,
                                                   native_begin,
                                                   native_end,
                                                   native_prepare,
                                                   native_unprepare,
                                                   operator_commit,
                                                   operator_rollback,
                                                   cut_session,
                                                   keep_busy,
                                                   end_busy,
                                                   nullptr};
