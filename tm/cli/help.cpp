// The texts of help.hpp.
#include "help.hpp"

namespace xabridge::cli::help {

const char* const kProgram = R"(Examples:
  xabridge --config bank.toml check         can every resource manager do what is promised?
  xabridge --config bank.toml status        what is in doubt, why, and since when
  xabridge --config bank.toml recover       finish what dead processes left behind
  xabridge --config bank.toml heuristic list
                                            what resource managers decided by themselves
  xabridge --config bank.toml heuristic acknowledge 9c41f20be6d8735a-17 accounts --why "corrected"
  xabridge --config bank.toml heuristic forget-server accounts --reason "disk lost, see INC-7"
                                            decisions no longer wait for a server that is gone
  xabridge --config bank.toml log dump      the decision log, record by record
  psql -At -c "SELECT gid FROM pg_prepared_xacts" | xabridge xid
                                            which transactions the server's names are
  XABRIDGE_CONFIG=bank.toml xabridge status --json

Exit codes (the highest that applies):
  0  nothing to attend to
  1  check: errors found (with --strict also warnings); status: branches of dead or unknown
     owners, or of another log, or heuristic outcomes; recover: something is left; heuristic
     list: there are some; heuristic acknowledge, forget-server: nothing was, or not all; xid:
     one is not ours
  2  the command line or the configuration is wrong
  3  a resource manager could not be used: not reached, or refused the log-in or the question
  4  the log directory is unusable or damaged, or has no log where one is needed
  5  xabridge itself failed: no memory, no thread, or its output could not be written

Every command may be interrupted at any time: nothing is half done by that.)";

const char* const kCheck =
    R"(The configuration: --config FILE, here too, or the one that $XABRIDGE_CONFIG names.

Examples:
  xabridge --config bank.toml check            can every resource manager do what is promised?
  xabridge --config bank.toml check --strict   warnings count, too

Exit codes (the highest that applies):
  0  no error (with --strict: no warning either)
  1  errors found (with --strict also warnings)
  2  the command line or the configuration is wrong
  3  a resource manager could not be used: not reached, or refused the log-in or the question
  4  the log directory is unusable or damaged, or has no log where one is needed
  5  xabridge itself failed: no memory, no thread, or its output could not be written)";

const char* const kStatus =
    R"(The configuration: --config FILE, here too, or the one that $XABRIDGE_CONFIG names.

Examples:
  xabridge --config bank.toml status           what is in doubt, why, and since when
  XABRIDGE_CONFIG=bank.toml xabridge status --json

Exit codes (the highest that applies):
  0  nothing to attend to
  1  branches of dead or unknown owners, or of another log, decisions that are not finished,
     or heuristic outcomes
  2  the command line or the configuration is wrong
  3  a resource manager could not be used: not reached, or refused the log-in or the question
  4  the log directory is unusable or damaged, or has no log where one is needed
  5  xabridge itself failed: no memory, no thread, or its output could not be written)";

const char* const kRecover =
    R"(The configuration: --config FILE, here too, or the one that $XABRIDGE_CONFIG names.

Example:
  xabridge --config bank.toml recover          finish what dead processes left behind

Exit codes (the highest that applies):
  0  nothing is left ("not ours" and "at work" are not counted)
  1  something is left, or branches are under another log
  2  the command line or the configuration is wrong
  3  a resource manager could not be used: not reached, or refused the log-in or the question
  4  the log directory is unusable or damaged, or has no log where one is needed
  5  xabridge itself failed: no memory, no thread, or its output could not be written)";

const char* const kHeuristic =
    "Each command has its own --help.\n"
    "The configuration: --config FILE, here too, or the one that $XABRIDGE_CONFIG names.";

const char* const kList =
    R"(The configuration: --config FILE, here too, or the one that $XABRIDGE_CONFIG names.

Example:
  xabridge --config bank.toml heuristic list

Exit codes (the highest that applies):
  0  there are none
  1  there are some
  2  the command line or the configuration is wrong
  4  the log directory is unusable or damaged, or has no log where one is needed
  5  xabridge itself failed: no memory, no thread, or its output could not be written)";

const char* const kAcknowledge =
    R"(The configuration: --config FILE, here too, or the one that $XABRIDGE_CONFIG names.

Examples:
  xabridge --config bank.toml heuristic acknowledge 9c41f20be6d8735a-17 accounts --why "corrected"
  xabridge --config bank.toml heuristic acknowledge --all --yes

Exit codes (the highest that applies):
  0  acknowledged
  1  nothing was, or not all
  2  the command line or the configuration is wrong
  4  the log directory is unusable or damaged, or has no log where one is needed
  5  xabridge itself failed: no memory, no thread, or its output could not be written)";

const char* const kForgetServer =
    R"(The configuration: --config FILE, here too, or the one that $XABRIDGE_CONFIG names.

Example:
  xabridge --config bank.toml heuristic forget-server accounts --reason "disk lost, see INC-7"

Exit codes (the highest that applies):
  0  forgotten
  1  nothing was, or not all
  2  the command line or the configuration is wrong
  4  the log directory is unusable or damaged, or has no log where one is needed
  5  xabridge itself failed: no memory, no thread, or its output could not be written)";

const char* const kLog =
    "Each command has its own --help.\n"
    "The configuration: --config FILE, here too, or the one that $XABRIDGE_CONFIG names.";

const char* const kDump =
    R"(The configuration: --config FILE, here too, or the one that $XABRIDGE_CONFIG names.

Examples:
  xabridge --config bank.toml log dump                 every record
  xabridge --config bank.toml log dump --unfinished    those of decisions that are not done
  xabridge log dump --directory /copy/of/decisions     no configuration is needed

Exit codes (the highest that applies):
  0  the log could be read
  2  the command line or the configuration is wrong
  4  the log directory is unusable or damaged, or has no log where one is needed
  5  xabridge itself failed: no memory, no thread, or its output could not be written)";

const char* const kXid = R"(Examples:
  psql -At -c "SELECT gid FROM pg_prepared_xacts" | xabridge xid
  mysql -e "XA RECOVER CONVERT XID" | xabridge xid
  xabridge xid 2147483647_MGM5NDFm_AQ==

Exit codes (the highest that applies):
  0  all are ours
  1  one is not ours, or no XID
  2  the command line is wrong
  5  xabridge itself failed: no memory, no thread, or its output could not be written)";

}  // namespace xabridge::cli::help
