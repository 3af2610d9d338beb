// A recv() that fails when told to, in place of the C library's for everything in this program.
//
// libpq takes only a few values of errno for the loss of a connection. After any other it reports
// the failure once, and goes on calling the connection usable.
#pragma once

namespace xabridge::test {

/// From now on recv() on `socket` fails with `number`: once, after `successes` more calls.
void fail_receive(int socket, int number, int successes = 0);
/// It has failed since then. No more failures either way.
bool receive_has_failed();

}  // namespace xabridge::test
