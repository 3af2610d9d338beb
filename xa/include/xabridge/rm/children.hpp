// What a child process gets of our sessions' sockets: nothing.
//
// A socket that a child holds too keeps the session open at the server after this process has died:
// its locks stay, recovery finds the branch busy, and the child has a connection that is logged in.
// So a program that is started here (system(), popen(), posix_spawn()) does not inherit it, and
// fork() closes the child's copy, without a word to the server: the session is the parent's.
#pragma once

namespace xabridge::rm {

/// Programs started from here do not inherit `socket`: to be called as soon as it is known. One
/// that another thread has started before has a copy, on which nobody may have logged in by then.
void close_on_exec(int socket) noexcept;

/// `socket` leads to a session of ours, from now until it is closed. May throw std::bad_alloc.
void keep_from_children(int socket);

/// How often this process has called fork(). What was connecting meanwhile, and so was not yet
/// known here, may have been copied to a child: give it up and connect again.
[[nodiscard]] unsigned forks_seen() noexcept;

/// Connects by `connect()`, once more when a child may have got a copy of the socket. The result is
/// false where it failed; its socket is `socket_of(*result)`, negative where there is none.
template <class Connect, class SocketOf>
auto connect_hidden(Connect connect, SocketOf socket_of) -> decltype(connect()) {
  // Whoever forks all the time gets a connection all the same, which a child may then share.
  for (int tries = 3;; --tries) {
    const unsigned before = forks_seen();
    auto connected = connect();
    if (!connected) return connected;
    if (const int socket = socket_of(*connected); socket >= 0) keep_from_children(socket);
    if (before == forks_seen() || tries == 1) return connected;
  }
}

}  // namespace xabridge::rm
