// What --help says below the options: of the program everything, of one command its own examples
// and exit codes.
#pragma once

namespace xabridge::cli::help {

extern const char* const kProgram;
extern const char* const kCheck;
extern const char* const kStatus;
extern const char* const kRecover;
extern const char* const kHeuristic;
extern const char* const kList;
extern const char* const kAcknowledge;
extern const char* const kForgetServer;
extern const char* const kLog;
extern const char* const kDump;
extern const char* const kXid;

}  // namespace xabridge::cli::help
