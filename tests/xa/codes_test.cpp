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

TEST_CASE("An error says whether the same work may succeed in a new transaction") {
  struct Case {
    int code;
    const char* sqlstate;
    bool retryable;
  };
  for (const Case& c : {Case{XA_RBDEADLOCK, "", true}, Case{XA_RBTRANSIENT, "55P03", true},
                        Case{XA_RBCOMMFAIL, "", true}, Case{XAER_RMFAIL, "", true},
                        Case{XA_RBROLLBACK, "40001", true}, Case{XA_RBROLLBACK, "", false},
                        Case{XAER_RMERR, "08001", true}, Case{XAER_RMERR, "57P03", true},
                        Case{XAER_RMERR, "28P01", false}, Case{XA_RBINTEGRITY, "23505", false},
                        Case{XA_RBTIMEOUT, "57014", false}, Case{XA_HEURHAZ, "", false}}) {
    Error error;
    error.xa_code = c.code;
    error.sqlstate = c.sqlstate;
    CAPTURE(code_name(c.code), c.sqlstate);
    CHECK(error.retryable() == c.retryable);
  }
}

TEST_CASE("An error has an std::error_code of the category xa") {
  Error error;
  error.xa_code = XA_RBDEADLOCK;
  const std::error_code code = error.code();
  CHECK(code.value() == XA_RBDEADLOCK);
  CHECK(std::string(code.category().name()) == "xa");
  CHECK(code.message() == "rolled back: deadlock (XA_RBDEADLOCK)");
  CHECK(code == std::error_code(XA_RBDEADLOCK, xa_category()));
}

TEST_CASE("A result gives its value, or throws the error it has, and may be asked again") {
  const Result<int> seven(7);
  CHECK(seven.value() + seven.value() == 14);
  const Result<int> none{Error{}};
  CHECK_THROWS_AS(none.value(), Exception);
}

TEST_CASE("The C headers are usable from C") { CHECK(xabridge_test_c11_extras_version != nullptr); }
