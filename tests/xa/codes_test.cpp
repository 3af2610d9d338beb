// Codes, flags and Error as text.

#include <xabridge/rm_extras.h>

#include <xabridge/codes.hpp>
#include <xabridge/error.hpp>

#include "catch.hpp"

using namespace xabridge;

extern "C" long xabridge_test_c11_extras_version(const struct xabridge_rm_extras_t* extras);

TEST_CASE("Codes have names and meanings") {
  CHECK(code_name(XA_OK) == "XA_OK");
  CHECK(code_name(XA_RBBASE) == "XA_RBROLLBACK");
  CHECK(code_name(XAER_RMFAIL) == "XAER_RMFAIL");
  CHECK(code_name(-10) == "XA code -10");
  CHECK(code_meaning(XAER_RMFAIL) == "resource manager unavailable");
  CHECK_FALSE(code_meaning(-10).empty());
}

TEST_CASE("The ranges of rolled back and heuristic codes include both ends") {
  for (int code = -20; code < 120; ++code) {
    CHECK(is_rollback(code) == (code >= 100 && code <= 107));
    CHECK(is_heuristic(code) == (code >= 5 && code <= 8));
  }
}

TEST_CASE("Flags are shown by name and unknown bits in hexadecimal") {
  CHECK(flags_text(0) == "TMNOFLAGS");
  CHECK(flags_text(TMSUCCESS) == "TMSUCCESS");
  CHECK(flags_text(TMASYNC | TMSUSPEND | TMMIGRATE) == "TMASYNC|TMSUSPEND|TMMIGRATE");
  CHECK(flags_text(TMJOIN | 0x9L) == "TMJOIN|0x9");
}

TEST_CASE("An error is one line with everything that is known") {
  Error error;
  error.xa_code = XAER_RMFAIL;
  error.message = "the connection was lost";
  error.operation = "COMMIT PREPARED";
  error.resource_manager = "stock";
  error.rmid = 3;
  error.xid = "7:aa:bb";
  error.sqlstate = "57P01";
  error.vendor_code = 2013;
  error.sys_errno = 2;
  error.server_text = "FATAL:  going down\nDETAIL:\tnow\x1b[2J";
  error.connection_usable = false;
  error.outcome_known = false;
  CHECK(error.to_string() ==
        "the connection was lost [XAER_RMFAIL, in COMMIT PREPARED, resource manager stock, rmid 3, "
        "xid 7:aa:bb, SQLSTATE 57P01, server error 2013, errno 2 No such file or directory, "
        "connection lost, outcome unknown]: FATAL: going down DETAIL: now [2J");
  CHECK(Error{}.to_string() == "resource manager error [XAER_RMERR]");
  CHECK(std::string(Exception(error).what()) == error.to_string());
}

TEST_CASE("The C headers are usable from C") { CHECK(xabridge_test_c11_extras_version != nullptr); }
